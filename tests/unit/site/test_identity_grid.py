"""Certificates: who comes in with a VOMS proxy, who does not and which rule says so, and what is remembered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.pki import NOW, Grid, rsa_key

from hansa.base.errors import ConfigurationError, Forbidden, HansaError, Unauthenticated
from hansa.cloud.model import READ_ONLY, Caller
from hansa.site.identity import Identity
from hansa.site.identity.grid import REMEMBERED, GridCertificate
from hansa.site.identity.settings import IdentitySettings, make_identity
from hansa.standards.voms import ac_extension
from hansa.standards.x509 import ChainPolicy, Credential, ProxyPolicy
from hansa.standards.x509.issue import create_authority


class Site:
    """A site's files on disk, its clock, and its audit log."""

    def __init__(self, grid: Grid, directory: Path, **settings: Any) -> None:
        self.now = grid.now
        self.audit: list[tuple[str, dict[str, object]]] = []
        grid.write(directory)
        (directory / "voms.json").write_text('{"fedcloud.egi.eu": {"tenant": "fedcloud"}}')
        paths = {
            "trust_dir": directory / "certificates",
            "vomsdir": directory / "vomsdir",
            "policy": directory / "voms.json",
        }
        self.identity: Identity = make_identity(
            IdentitySettings(**(paths | settings)),
            clock=lambda: self.now,
            hostnames=["cloud.example.org"],
            audit=lambda event, /, **fields: self.audit.append((event, fields)),
        )

    async def caller(self, credential: Credential, method: str = "GET") -> Caller:
        return await self.identity.caller(scope(credential.chain, method))

    async def refusal(self, credential: Credential, method: str = "POST") -> HansaError:
        """How the credential is refused; it always leaves an audit line with the same reason."""
        with pytest.raises((Unauthenticated, Forbidden)) as caught:
            await self.caller(credential, method)
        event, fields = self.audit[-1]
        assert (event, fields["reason"]) == ("identity.refused", caught.value.details["reason"])
        assert caught.value.message.endswith(".")
        return caught.value


def pems(chain: Sequence[Any]) -> list[str]:
    return [certificate.public_bytes(Encoding.PEM).decode() for certificate in chain]


def scope(chain: Sequence[Any], method: str = "GET") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": "/compute/",
        "scheme": "https",
        "client": ("192.0.2.9", 4711),
        "headers": [],
        "extensions": {"tls": {"client_cert_chain": pems(chain)}},
    }


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid()


@pytest.fixture
def site(grid: Grid, tmp_path: Path) -> Site:
    return Site(grid, tmp_path)


async def test_a_member_works_in_the_project_of_the_vo(grid: Grid, site: Site) -> None:
    caller = await site.caller(grid.voms_proxy(grid.user(), "/fedcloud.egi.eu"), "POST")
    assert (caller.project, caller.vo, caller.fqan) == ("fedcloud", "fedcloud.egi.eu", "/fedcloud.egi.eu")
    assert caller.display == "/DC=org/DC=example/O=people/CN=Alice Example"
    assert caller.user == ("X509:<I>CN=Example Grid CA,DC=example,DC=org<S>CN=Alice Example,O=people,DC=example,DC=org")
    assert caller.not_after == NOW + timedelta(hours=12)
    assert [event for event, _ in site.audit] == ["identity.accepted"]


async def test_a_second_proxy_of_the_same_user_is_the_same_user(grid: Grid, site: Site) -> None:
    user = grid.user()
    first = await site.caller(grid.voms_proxy(user))
    second = await site.caller(grid.proxy(grid.voms_proxy(user)))
    assert (first.user, first.project) == (second.user, second.project)


async def test_a_caller_is_known_no_longer_than_the_membership(grid: Grid, site: Site) -> None:
    user = grid.user()
    short = grid.proxy(user, extensions=[ac_extension([grid.ac(user, lifetime=timedelta(minutes=30))])])
    assert (await site.caller(short)).not_after == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("days", "reason"), [(2, "x509.expired"), (-2, "x509.not_yet_valid")], ids=["expired", "future"]
)
async def test_out_of_time(grid: Grid, site: Site, days: int, reason: str) -> None:
    site.now = NOW + timedelta(days=days)
    assert (await site.refusal(grid.voms_proxy(grid.user()))).details["reason"] == reason


async def test_a_revoked_user_stays_out_with_any_proxy(tmp_path: Path) -> None:
    grid = Grid()
    user = grid.user("Revoked User")
    grid.revoke(user)
    refused = await Site(grid, tmp_path).refusal(grid.voms_proxy(user))
    assert (refused.status, refused.details["reason"]) == (401, "x509.revoked")


async def test_a_proxy_signed_by_somebody_else_is_refused(grid: Grid, site: Site) -> None:
    alice, mallory = grid.user(), grid.user("Mallory")
    forged = replace(grid.voms_proxy(mallory), chain=(grid.voms_proxy(mallory).chain[0], *alice.chain))
    assert (await site.refusal(forged)).details["reason"] == "x509.proxy.issuer"


async def test_an_authority_of_the_same_name_but_not_of_the_site_is_refused(grid: Grid, site: Site) -> None:
    other = Grid()
    other.authority = create_authority(other.authority.name, rsa_key("impostor"), now=NOW, serial=next(other.serials))
    refused = await site.refusal(other.voms_proxy(other.user()))
    assert refused.status == 401
    assert str(refused.details["reason"]).startswith("x509.")


async def test_a_membership_of_another_user_is_refused(grid: Grid, site: Site) -> None:
    stolen = grid.proxy(grid.user("Mallory"), extensions=[ac_extension([grid.ac(grid.user())])])
    assert (await site.refusal(stolen)).details["reason"] == "voms.ac.holder"


async def test_a_membership_for_other_hosts_is_refused(grid: Grid, site: Site) -> None:
    user = grid.user()
    foreign = grid.proxy(user, extensions=[ac_extension([grid.ac(user, targets=["elsewhere.example.org"])])])
    assert (await site.refusal(foreign)).details["reason"] == "voms.ac.target"
    ours = grid.proxy(user, extensions=[ac_extension([grid.ac(user, targets=["cloud.example.org"])])])
    assert await site.caller(ours)


async def test_a_server_that_the_vomsdir_does_not_know_says_nothing(grid: Grid, site: Site, tmp_path: Path) -> None:
    other = Grid(vo="ops")
    refused = await site.refusal(other.voms_proxy(other.user(), "/ops"))
    assert refused.status == 401


async def test_a_vo_without_project_is_forbidden(grid: Grid, tmp_path: Path) -> None:
    site = Site(grid, tmp_path, policy=None)
    refused = await site.refusal(grid.voms_proxy(grid.user()))
    assert (refused.status, refused.details["reason"]) == (403, "identity.foreign_vo")
    assert "fedcloud.egi.eu" in refused.message


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_certificate_without_vo_is_forbidden(grid: Grid, site: Site, proxied: bool) -> None:
    user = grid.user()
    refused = await site.refusal(grid.proxy(user) if proxied else user)
    assert (refused.status, refused.details["reason"]) == (403, "identity.no_vo")


async def test_a_limited_proxy_reads_only_and_its_children_too(grid: Grid, site: Site) -> None:
    limited = grid.proxy(grid.voms_proxy(grid.user()), policy=ProxyPolicy.LIMITED)
    for credential in (limited, grid.proxy(limited)):
        assert READ_ONLY in (await site.caller(credential)).roles
        refused = await site.refusal(credential)
        assert (refused.status, refused.details["reason"]) == (403, "identity.read_only")


async def test_a_banned_subject_is_forbidden(grid: Grid, tmp_path: Path) -> None:
    bans = tmp_path / "bans"
    bans.write_text("# since yesterday\n/DC=org/DC=example/O=people/CN=Alice Example\n")
    site = Site(grid, tmp_path, bans=bans)
    assert (await site.refusal(grid.voms_proxy(grid.user()))).details["reason"] == "identity.banned"
    assert await site.caller(grid.voms_proxy(grid.user("Bob")))


@pytest.mark.parametrize("chain", [["nonsense"], ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]])
async def test_nonsense_for_a_certificate_is_refused(site: Site, chain: list[str]) -> None:
    broken = scope([])
    broken["extensions"]["tls"]["client_cert_chain"] = chain
    with pytest.raises(Unauthenticated):
        await site.identity.caller(broken)


async def test_a_chain_of_a_hundred_is_refused(grid: Grid, site: Site) -> None:
    endless = Credential(grid.user().chain * 100, grid.user().key)
    assert (await site.refusal(endless)).details["reason"] == "x509.chain.too_long"


class TestMemory:
    """What was proved is remembered a while, and only while anchors, lists and times stay as they were."""

    def setup_method(self) -> None:
        self.grid = Grid()
        self.now: datetime = NOW
        self.trust, self.vomsdir = self.grid.trust(), self.grid.vomsdir()
        self.prove = GridCertificate(lambda: self.trust, lambda: self.vomsdir, lambda: self.now, policy=ChainPolicy())

    async def test_the_same_chain_is_proved_once(self) -> None:
        seen = scope(self.grid.voms_proxy(self.grid.user()).chain)
        first = await self.prove(seen)
        assert await self.prove(seen) is first
        self.now += REMEMBERED + timedelta(seconds=1)
        assert await self.prove(seen) is not first

    async def test_a_revocation_counts_at_once(self) -> None:
        user = self.grid.user()
        seen = scope(self.grid.voms_proxy(user).chain)
        assert await self.prove(seen)
        self.grid.revoke(user)
        self.trust = self.grid.trust()
        with pytest.raises(Unauthenticated):
            await self.prove(seen)

    async def test_a_vo_server_taken_off_counts_at_once(self) -> None:
        seen = scope(self.grid.voms_proxy(self.grid.user()).chain)
        assert await self.prove(seen)
        self.vomsdir = type(self.vomsdir).from_files({})
        with pytest.raises(Unauthenticated):
            await self.prove(seen)

    async def test_a_proxy_that_ends_sooner_is_forgotten_sooner(self) -> None:
        user = self.grid.user()
        short = self.grid.proxy(user, lifetime=timedelta(seconds=20), extensions=[ac_extension([self.grid.ac(user)])])
        assert await self.prove(scope(short.chain))
        self.now += timedelta(seconds=21)
        with pytest.raises(Unauthenticated):
            await self.prove(scope(short.chain))


@pytest.mark.parametrize("setting", ["trust_dir", "policy", "bans", "users"])
def test_a_file_that_is_not_there_is_a_configuration_error(grid: Grid, tmp_path: Path, setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Site(grid, tmp_path, **{setting: tmp_path / "absent"})
    assert caught.value.details["key"] == f"identity.{setting}"


@pytest.mark.parametrize("text", ["/no name at all", "\udcff"])
def test_a_ban_list_that_cannot_be_understood_is_a_configuration_error(grid: Grid, tmp_path: Path, text: str) -> None:
    bans = tmp_path / "bans"
    bans.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationError):
        Site(grid, tmp_path, bans=bans)
