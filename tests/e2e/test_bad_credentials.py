"""Whoever shows a bad credential at the door of a site gets a sentence and its code, an audit line, and no machine.

Real TLS, real proxies; each case breaks one thing. What each rule says is tested in `standards`; here
it is tested that the site asks them, on the way that machines are made.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.pki import Grid, rsa_key, write_files
from tests.support.site import RunningSite, running_site

from hansa.base.passwords import hash_password
from hansa.client.http import Reply
from hansa.site.identity.passwords import user_line
from hansa.standards.voms import ac_extension, render_lsc
from hansa.standards.x509 import Credential, Name, ProxyPolicy, issue

NOW = datetime.now(UTC)
CREATE = (
    'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'
    'X-OCCI-Attribute: occi.core.title="mine"\n'
)


class OldGrid(Grid):
    """A grid that has been there for ten days: its certificates and its revocation list are older than what is shown today."""

    def __post_init__(self) -> None:
        self.now = NOW - timedelta(days=10)
        super().__post_init__()
        self.unlucky = self.user("Revoked User")
        self.now = NOW

    def at(self, moment: datetime, make: Callable[[], Credential]) -> Credential:
        self.now = moment
        try:
            return make()
        finally:
            self.now = NOW

    def old_user(self, common_name: str = "Alice Example") -> Credential:
        return self.at(NOW - timedelta(days=10), lambda: self.user(common_name))


@dataclass(frozen=True)
class Case:
    make: Callable[[OldGrid], Credential]
    status: int
    reason: str


def expired_proxy(grid: OldGrid) -> Credential:
    user = grid.old_user()
    return grid.at(NOW - timedelta(days=2), lambda: grid.voms_proxy(user))


def proxy_of_tomorrow(grid: OldGrid) -> Credential:
    user = grid.old_user()
    return grid.at(NOW + timedelta(days=1), lambda: grid.voms_proxy(user))


def proxy_of_an_expired_user(grid: OldGrid) -> Credential:
    key = rsa_key("expired")
    certificate = issue.user_certificate(
        grid.authority,
        grid.name("Expired"),
        key.public_key(),
        now=NOW - timedelta(days=5),
        serial=next(grid.serials),
        lifetime=timedelta(days=4),
    )
    user = Credential((certificate,), key)
    return grid.at(NOW - timedelta(days=4), lambda: grid.voms_proxy(user))


def expired_membership(grid: OldGrid) -> Credential:
    user = grid.old_user()
    grid.now = NOW - timedelta(days=2)
    ac = grid.ac(user)
    grid.now = NOW
    return grid.proxy(user, extensions=[ac_extension([ac])])


def revoked_user(grid: OldGrid) -> Credential:
    return grid.voms_proxy(grid.unlucky)


def forged_proxy(grid: OldGrid) -> Credential:
    """Signed with another key than that of the certificate it names."""
    user = grid.old_user()
    return grid.voms_proxy(replace(user, key=rsa_key("forger")))


def proxy_under_somebody_elses_certificate(grid: OldGrid) -> Credential:
    mallory = grid.voms_proxy(grid.old_user("Mallory"))
    return replace(mallory, chain=(mallory.leaf, *grid.old_user().chain))


def user_of_an_impostor(grid: OldGrid) -> Credential:
    """The authority has the trusted one's name and another key."""
    impostor = issue.create_authority(
        grid.authority.name, rsa_key("impostor"), now=NOW - timedelta(days=10), serial=next(grid.serials)
    )
    return _below(grid, impostor)


def user_of_an_unknown_authority(grid: OldGrid) -> Credential:
    name = Name.of(("DC", "org"), ("DC", "elsewhere"), ("CN", "Elsewhere CA"))
    return _below(grid, issue.create_authority(name, rsa_key("elsewhere"), now=NOW - timedelta(days=10), serial=1))


def _below(grid: OldGrid, authority: issue.Authority) -> Credential:
    ours, grid.authority = grid.authority, authority
    try:
        return grid.voms_proxy(grid.old_user())
    finally:
        grid.authority = ours


def user_outside_the_authoritys_namespace(grid: OldGrid) -> Credential:
    key = rsa_key("outside")
    name = Name.of(("DC", "com"), ("CN", "Outsider"))
    certificate = issue.user_certificate(
        grid.authority, name, key.public_key(), now=NOW - timedelta(days=1), serial=next(grid.serials)
    )
    return grid.voms_proxy(Credential((certificate,), key))


def membership_of_somebody_else(grid: OldGrid) -> Credential:
    stolen = grid.ac(grid.old_user())
    return grid.proxy(grid.old_user("Mallory"), extensions=[ac_extension([stolen])])


def membership_with_a_changed_group(grid: OldGrid) -> Credential:
    user = grid.old_user()
    changed = grid.ac(user, "/fedcloud.egi.eu/users").replace(b"/fedcloud.egi.eu/users", b"/fedcloud.egi.eu/admin")
    return grid.proxy(user, extensions=[ac_extension([changed])])


def membership_from_a_server_nobody_named(grid: OldGrid) -> Credential:
    user = grid.old_user()
    ours, grid.voms_server = grid.voms_server, grid.host_credential("rogue.example.org", label="rogue")
    try:
        return grid.voms_proxy(user)
    finally:
        grid.voms_server = ours


def membership_in_a_foreign_vo(grid: OldGrid) -> Credential:
    user = grid.old_user()
    ours, grid.vo = grid.vo, "ops"
    try:
        return grid.voms_proxy(user, "/ops")
    finally:
        grid.vo = ours


def limited_proxy(grid: OldGrid) -> Credential:
    return grid.proxy(grid.voms_proxy(grid.old_user()), policy=ProxyPolicy.LIMITED)


CASES = {
    "an expired proxy": Case(expired_proxy, 401, "x509.expired"),
    "a proxy of tomorrow": Case(proxy_of_tomorrow, 401, "x509.not_yet_valid"),
    "a proxy of an expired user": Case(proxy_of_an_expired_user, 401, "x509.expired"),
    "an expired membership": Case(expired_membership, 401, "voms.ac.expired"),
    "a proxy of a revoked user": Case(revoked_user, 401, "x509.revoked"),
    "a forged proxy": Case(forged_proxy, 401, "x509.signature"),
    "a proxy under somebody else's certificate": Case(proxy_under_somebody_elses_certificate, 401, "x509.proxy.issuer"),
    "a user of an impostor": Case(user_of_an_impostor, 401, "x509.signature"),
    "a user of an unknown authority": Case(user_of_an_unknown_authority, 401, "x509.chain.untrusted"),
    "a user outside the namespace": Case(user_outside_the_authoritys_namespace, 401, "x509.namespace.outside"),
    "a stolen membership": Case(membership_of_somebody_else, 401, "voms.ac.holder"),
    "a changed membership": Case(membership_with_a_changed_group, 401, "voms.ac.signature"),
    "a rogue VOMS server": Case(membership_from_a_server_nobody_named, 401, "voms.ac.unknown_server"),
    "a foreign VO": Case(membership_in_a_foreign_vo, 403, "identity.foreign_vo"),
    "a certificate without VO": Case(lambda grid: grid.old_user(), 403, "identity.no_vo"),
    "a limited proxy": Case(limited_proxy, 403, "identity.read_only"),
    "a banned user": Case(lambda grid: grid.voms_proxy(grid.old_user("Banned")), 403, "identity.banned"),
}


@pytest.fixture(scope="module")
def grid() -> OldGrid:
    grid = OldGrid()
    grid.revoke(grid.unlucky)
    return grid


@pytest.fixture
async def site(grid: OldGrid, tmp_path: Path) -> AsyncIterator[RunningSite]:
    write_files(tmp_path / "vomsdir", {"ops/localhost.lsc": render_lsc(grid.voms_server.chain)})
    write_files(tmp_path, {"bans": b"/DC=org/DC=example/O=people/CN=Banned\n"})
    users = user_line("operator", hash_password(b"right"), "fedcloud")
    write_files(tmp_path, {"users": users.encode()})
    places = {
        "trust_dir": "certificates",
        "vomsdir": "vomsdir",
        "policy": "voms.json",
        "bans": "bans",
        "users": "users",
    }
    identity = {key: tmp_path / name for key, name in places.items()}
    async with running_site(tmp_path, grid, identity=identity) as running:
        yield running


async def create(site: RunningSite, credential: Credential | None, **headers: str) -> Reply:
    headers |= {"Content-Type": "text/plain", "Accept": "text/plain"}
    return await site.request("POST", "/compute/", credential, headers=headers, body=CREATE.encode())


async def nothing_was_created(site: RunningSite) -> None:
    member = site.grid.voms_proxy(site.grid.user())
    use = await site.request("GET", "/hansa/v1/usage/events", member)
    assert json.loads(use.body)["events"] == []


async def test_a_good_credential_makes_a_machine(site: RunningSite) -> None:
    """Else the refusals below would prove nothing."""
    reply = await create(site, site.grid.voms_proxy(site.grid.user()))
    assert reply.status == 201, reply.body
    assert [line["event"] for line in site.audit()] == ["identity.accepted"]


@pytest.mark.parametrize("name", CASES)
async def test_a_bad_credential_makes_none(site: RunningSite, grid: OldGrid, name: str) -> None:
    case = CASES[name]
    reply = await create(site, case.make(grid))
    (line,) = site.audit()
    assert (reply.status, line["reason"]) == (case.status, case.reason), reply.body
    assert line["event"] == "identity.refused"
    assert reply.header("X-Hansa-Reason") == case.reason
    assert line["error"] in reply.body.decode(), "the sentence reaches the user"
    assert line["client"] == "127.0.0.1"
    await nothing_was_created(site)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "identity.no_credential"),
        ("Basic " + base64.b64encode(b"operator:wrong").decode(), "identity.password"),
        ("Basic " + base64.b64encode(b"nobody:right").decode(), "identity.password"),
        ("Basic rubbish!", "identity.malformed"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "identity.no_credential"),
    ],
)
async def test_a_bad_password_makes_none(site: RunningSite, given: str | None, reason: str) -> None:
    reply = await create(site, None, **({"Authorization": given} if given else {}))
    (line,) = site.audit()
    assert (reply.status, line["reason"]) == (401, reason)
    assert "Basic" in (reply.header("WWW-Authenticate") or "")
    assert "right" not in str(line)
    await nothing_was_created(site)


async def test_a_right_password_with_a_bad_certificate_counts_as_the_password(site: RunningSite, grid: OldGrid) -> None:
    """Who says who he is in the request is believed by that; the certificate is then not looked at."""
    given = "Basic " + base64.b64encode(b"operator:right").decode()
    assert (await create(site, expired_proxy(grid), Authorization=given)).status == 201


async def test_look_alike_headers_say_nothing(site: RunningSite) -> None:
    subject = "/DC=org/DC=example/O=people/CN=Alice Example"
    names = ("SSL-Client-S-DN", "X-SSL-Client-S-DN", "REMOTE-USER", "Remote_User", "GRST-CRED-0", "SSL_CLIENT_CERT")
    reply = await create(site, None, **dict.fromkeys(names, subject))
    assert reply.status == 401
    await nothing_was_created(site)


async def test_a_limited_proxy_still_reads(site: RunningSite, grid: OldGrid) -> None:
    assert (await site.request("GET", "/compute/", limited_proxy(grid))).status == 200


async def test_a_revocation_counts_without_a_restart(site: RunningSite) -> None:
    grid = OldGrid()
    user = grid.old_user("Soon Revoked")
    proxy = grid.voms_proxy(user)
    assert (await site.request("GET", "/compute/", proxy)).status == 200
    grid.revoke(user)
    write_files(site.directory / "certificates", grid.trust_files())
    end = asyncio.get_running_loop().time() + 30
    while (await site.request("GET", "/compute/", proxy)).status == 200:
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.2)
    assert site.audit()[-1]["reason"] == "x509.revoked"
