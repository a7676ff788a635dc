"""The member feed between a real federation and a real site, over TLS: what happens there counts here at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.feed_wire import SITE, FeedServer, feed_server, until
from tests.support.memberfeed import private_key_pem
from tests.support.pki import Grid, split_credential, write_secret
from tests.support.ports import free_port
from tests.support.site import RunningSite, running_site

from hansa.client.http import Http, tls_context
from hansa.standards.jwt import Key
from hansa.standards.x509 import Credential

SERVERS = "/compute/"


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid(now=datetime.now(UTC), port=free_port())


@pytest.fixture
async def federation(grid: Grid, tmp_path: Path) -> AsyncIterator[FeedServer]:
    async with feed_server(grid, tmp_path / "federation") as server:
        yield server


def site_directory(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir(exist_ok=True)
    return tmp_path / "site"


async def answers(site: RunningSite, proxy: Credential, status: int) -> bool:
    return (await site.request("GET", SERVERS, proxy, headers={"Accept": "text/uri-list"})).status == status


async def knows(site: RunningSite, **counts: int) -> bool:
    reply = await site.request("GET", "/metrics")
    lines = dict(line.rsplit(" ", 1) for line in reply.body.decode().splitlines() if not line.startswith("#"))
    return all(float(lines.get(f'hansa_accounts_members{{standing="{name}"}}', 0)) == n for name, n in counts.items())


def refused(site: RunningSite, reason: str) -> list[dict[str, Any]]:
    return [line for line in site.audit() if line["event"] == "identity.refused" and line["reason"] == reason]


async def test_a_suspended_member_is_refused_with_a_proxy_that_is_still_good(
    federation: FeedServer, grid: Grid, tmp_path: Path
) -> None:
    user = grid.user()
    proxy = grid.voms_proxy(user)
    uid = (await federation.admit(user)).person.uid
    await federation.add_site()
    directory = site_directory(tmp_path)
    async with running_site(directory, grid, accounts=federation.accounts(directory)) as site:
        assert await answers(site, proxy, 200)
        await until(lambda: knows(site, active=1))
        await federation.registry.suspend(grid.vo, uid, "incident 7")
        await until(lambda: answers(site, proxy, 403))
        reply = await site.request("GET", SERVERS, proxy)
        assert b"incident 7" in reply.body
        assert refused(site, "identity.suspended")

        await federation.registry.restore(grid.vo, uid)
        await until(lambda: answers(site, proxy, 200))
        await federation.registry.remove(grid.vo, uid)
        await until(lambda: answers(site, proxy, 403))
        assert refused(site, "identity.removed")
        (status,) = await federation.register.statuses()
        await until(lambda: confirmed(federation))
        assert status.site.name == SITE


async def confirmed(federation: FeedServer) -> bool:
    (status,) = await federation.register.statuses()
    return status.lag.entries == 0 and status.delivery.confirmed > 0


async def test_where_membership_is_required_a_proxy_alone_does_not_suffice(
    federation: FeedServer, grid: Grid, tmp_path: Path
) -> None:
    member, stranger = grid.user("A Member"), grid.user("A Stranger")
    await federation.admit(member)
    await federation.add_site()
    directory = site_directory(tmp_path)
    async with running_site(directory, grid, accounts=federation.accounts(directory, mode="require")) as site:
        await until(lambda: answers(site, grid.voms_proxy(member), 200))
        assert await answers(site, grid.voms_proxy(stranger), 403)
        assert refused(site, "identity.not_told_of")


async def test_a_site_without_a_certificate_signs_with_its_key(
    federation: FeedServer, grid: Grid, tmp_path: Path
) -> None:
    user = grid.user()
    uid = (await federation.admit(user)).person.uid
    directory = site_directory(tmp_path)
    pem = private_key_pem()
    write_secret(directory / "feed-client.pem", pem)
    await federation.add_site(certificate=None, jwk=json.dumps(Key.from_pem(pem).jwk()))
    settings = federation.accounts(directory, certificate=None, key=directory / "feed-client.pem")
    async with running_site(directory, grid, accounts=settings) as site:
        await until(lambda: knows(site, active=1))
        await federation.registry.suspend(grid.vo, uid, "why")
        await until(lambda: answers(site, grid.voms_proxy(user), 403))


async def test_a_site_that_cannot_ask_is_pushed_to(federation: FeedServer, grid: Grid, tmp_path: Path) -> None:
    user = grid.user()
    uid = (await federation.admit(user)).person.uid
    directory = site_directory(tmp_path)
    settings = federation.accounts(directory, way="push", certificate=None, key=None)
    async with running_site(directory, grid, accounts=settings) as site:
        await federation.add_site(certificate=None, url=f"{site.url}/hansa/v1/accounts/feed")
        await until(lambda: knows(site, active=1))
        await federation.registry.suspend(grid.vo, uid, "why")
        await until(lambda: answers(site, grid.voms_proxy(user), 403))
        await until(lambda: confirmed(federation))


async def test_documents_that_others_push_are_refused(federation: FeedServer, grid: Grid, tmp_path: Path) -> None:
    directory = site_directory(tmp_path)
    settings = federation.accounts(directory, way="push", certificate=None, key=None)
    async with running_site(directory, grid, accounts=settings) as site:
        for body in (b"rubbish", b"a.b.c\n{}", b"x" * 900_000):
            reply = await site.request("POST", "/hansa/v1/accounts/feed", body=body)
            assert (reply.status, json.loads(reply.body)["code"]) == (400, "accounts.document_refused")
        reply = await site.request("POST", "/hansa/v1/accounts/feed", body=b"x" * 2_000_000)
        assert reply.status == 413
        reply = await site.request("POST", "/hansa/v1/accounts/feed", body=b"")
        assert set(json.loads(reply.body)) == {"lineage", "scope", "after", "snapshot", "nonce"}


class TestWhoMayAsk:
    WISH = "?lineage=&scope=&after=0&snapshot=0&nonce=a-nonce-of-sixteen"

    async def ask(self, federation: FeedServer, credential: Path | None, query: str = WISH, **headers: str) -> Any:
        tls = tls_context(certificates=federation.config.parent / "certificates", proxy=credential)

        def get() -> Any:
            with Http(federation.url, tls=tls) as http:
                reply = http.request("GET", f"/feed/v1/pages{query}", headers=headers)
                return reply.status, (json.loads(reply.body)["code"] if reply.status != 200 else "")

        return await asyncio.to_thread(get)

    def shown(self, tmp_path: Path, credential: Credential) -> Path:
        certificate, key = split_credential(credential)
        return write_secret(tmp_path / "shown.pem", certificate + key)

    async def test_only_registered_sites_do(self, federation: FeedServer, grid: Grid, tmp_path: Path) -> None:
        host = self.shown(tmp_path, grid.host_credential())
        unknown = (401, "propagation.unknown_site")
        assert await self.ask(federation, host) == unknown
        assert await self.ask(federation, None) == unknown
        await federation.admit(grid.user())
        await federation.add_site()

        async def served() -> bool:
            return bool(await self.ask(federation, host) == (200, ""))

        await until(served)
        assert await self.ask(federation, host, self.WISH + f"&site={SITE}") == (200, "")
        assert await self.ask(federation, host, self.WISH + "&site=ANOTHER") == unknown
        assert await self.ask(federation, host, "?after=0") == (400, "propagation.wish")
        assert await self.ask(federation, host, self.WISH + "&wait=soon") == (400, "propagation.wish")
        for shown in (grid.user(), grid.proxy(grid.host_credential())):
            assert await self.ask(federation, self.shown(tmp_path, shown)) == unknown

    async def test_tokens_of_others_and_for_others_are_refused(
        self, federation: FeedServer, grid: Grid, tmp_path: Path
    ) -> None:
        from hansa.standards.jwt import sign

        pem, now = private_key_pem(), int(datetime.now(UTC).timestamp())
        key = Key.from_pem(pem)
        await federation.add_site(certificate=None, jwk=json.dumps(key.jwk()))
        good = {"iss": SITE, "aud": federation.url + "/feed/v1/pages", "exp": now + 60}

        async def status(claims: dict[str, Any], signer: Key = key, typ: str = "hansa-site+jwt") -> int:
            token = sign(claims, signer, typ)
            return int((await self.ask(federation, None, Authorization=f"Bearer {token}"))[0])

        async def served() -> bool:
            return await status(good) == 200

        await until(served)
        assert await status(good | {"aud": "https://elsewhere.example.org"}) == 401
        assert await status(good | {"iss": "ANOTHER"}) == 401
        assert await status(good | {"exp": now - 600}) == 401
        assert await status(good | {"exp": now + 86_400}) == 401
        assert await status(good, typ="JWT") == 401
        assert await status(good, Key.from_pem(private_key_pem())) == 401
