"""The real voms-proxy-init, C++ and Java, against our VOMS server, in both dialects; our validator judges what they made.

C++ tries REST first and falls back to legacy; Java falls back only with --enable_legacy_protocol. A server without REST makes
them use legacy.
"""

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_credential, write_files, write_secret
from tests.support.ports import free_port
from tests.support.voms import VomsServer, holder, voms_server, write_config
from tests.support.wire import Wire, client_context

from hansa.base.config import load
from hansa.base.serving import running
from hansa.federation.config import FederationConfig
from hansa.federation.membership.model import RoleGrant
from hansa.federation.server import assembled
from hansa.standards.voms import VomsAttributes, verify_acs
from hansa.standards.x509 import Credential, parse_credential, validate_chain

pytestmark = pytest.mark.peer

CPP = shutil.which("voms-proxy-init2") or shutil.which("voms-proxy-init")
JAVA = shutil.which("voms-proxy-init3")
VO = "fedcloud.egi.eu"


@dataclass(frozen=True)
class Client:
    """One program, kept to one dialect."""

    program: str
    java: bool
    dialect: str

    @property
    def served(self) -> str:
        """Dialects of the server. Whoever speaks REST may fall back after a refusal, so both are there for it."""
        return '["legacy"]' if self.dialect == "legacy" else '["rest", "legacy"]'

    @property
    def options(self) -> list[str]:
        if self.java:
            return ["--enable_legacy_protocol"] if self.dialect == "legacy" else []
        return []


@dataclass(frozen=True)
class Ran:
    code: int
    text: str
    proxy: Path


CLIENTS = [
    pytest.param(
        Client(program or "", java, dialect),
        id=f"{'java' if java else 'cpp'}-{dialect}",
        marks=pytest.mark.skipif(program is None, reason=f"{name} is not installed (Debian: {package})"),
    )
    for program, java, name, package in (
        (CPP, False, "voms-proxy-init", "voms-clients"),
        (JAVA, True, "voms-proxy-init3", "voms-clients-java"),
    )
    for dialect in ("rest", "legacy")
]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    return found


@pytest.fixture
def grid() -> Grid:
    return Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port())


@pytest.fixture
async def server(client: Client, grid: Grid, tmp_path: Path) -> AsyncIterator[VomsServer]:
    async with voms_server(grid, tmp_path, dialects=client.served) as server:
        for group in ("admins", "bio"):
            await server.registry.add_group(VO, f"/{VO}/{group}")
        yield server


@pytest.fixture
async def alice(server: VomsServer) -> Credential:
    user = server.grid.user("Alice Example")
    number = await server.admit(user)
    for group in ("admins", "bio"):
        await server.registry.join(VO, number, f"/{VO}/{group}")
    await server.registry.grant(VO, number, RoleGrant(f"/{VO}", "VO-Admin"))
    await server.registry.grant(VO, number, RoleGrant(f"/{VO}/bio", "vm_operator"))
    return user


async def run(client: Client, server: VomsServer, user: Credential, *arguments: str, **more: str) -> Ran:
    home = server.home
    certificate, key = split_credential(user)
    write_files(home, {"usercert.pem": certificate})
    write_secret(home / "userkey.pem", key)
    out = home / "out.pem"
    environment = {
        **os.environ,
        "HOME": str(home),
        "X509_CERT_DIR": str(home / "certificates"),
        "X509_VOMS_DIR": str(home / "vomsdir"),
        "X509_USER_CERT": str(home / "usercert.pem"),
        "X509_USER_KEY": str(home / "userkey.pem"),
        **more,
    }
    program = await asyncio.create_subprocess_exec(
        client.program, *client.options, "-vomses", str(home / "vomses"), "-out", str(out), *arguments,
        env=environment, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, _ = await program.communicate()
    return Ran(await program.wait(), output.decode(), out)


def attributes(server: VomsServer, ran: Ran) -> VomsAttributes:
    """What our own validator finds in the proxy that the client made."""
    grid, now = server.grid, datetime.now(UTC)
    chain = parse_credential(ran.proxy.read_bytes()).chain
    identity = validate_chain(chain, grid.trust(), now=now)
    (found,) = verify_acs(identity, grid.trust(), grid.vomsdir(), now=now, hostnames=["localhost"])
    return found


async def test_a_member_gets_a_proxy_with_attributes(client, server, alice):
    ran = await run(client, server, alice, "-voms", VO)
    assert ran.code == 0, ran.text
    found = attributes(server, ran)
    assert (found.vo, found.host, found.port) == (VO, "localhost", server.port)
    assert [str(fqan) for fqan in found.fqans] == [f"/{VO}", f"/{VO}/admins", f"/{VO}/bio"]
    (record,) = await server.registry.issued(VO)
    assert record.dialect == client.dialect


async def test_a_role_that_is_asked_for_comes_first(client, server, alice):
    ran = await run(client, server, alice, "-voms", f"{VO}:/{VO}/bio/Role=vm_operator")
    assert ran.code == 0, ran.text
    assert str(attributes(server, ran).fqans[0]) == f"/{VO}/bio/Role=vm_operator"


async def test_two_roles_and_the_order_asked(client, server, alice):
    wanted = [f"/{VO}/bio/Role=vm_operator", f"/{VO}/Role=VO-Admin"]
    options = [part for fqan in wanted for part in ("-voms", f"{VO}:{fqan}")]
    ran = await run(client, server, alice, *options)
    assert ran.code == 0, ran.text
    assert [str(fqan) for fqan in attributes(server, ran).fqans][:2] == wanted


async def test_an_order_is_kept(client, server, alice):
    if client.java:
        pytest.skip("the Java client has no --order")
    ran = await run(client, server, alice, "-voms", VO, "-order", f"/{VO}/bio")
    assert ran.code == 0, ran.text
    assert str(attributes(server, ran).fqans[0]) == f"/{VO}/bio"


async def test_all_attributes(client, server, alice):
    if client.java:
        pytest.skip("the Java client turns all into the VO's name")
    ran = await run(client, server, alice, "-voms", f"{VO}:all")
    assert ran.code == 0, ran.text
    assert f"/{VO}/Role=VO-Admin" in [str(fqan) for fqan in attributes(server, ran).fqans]


async def test_the_lifetime_asked(client, server, alice):
    ran = await run(client, server, alice, "-voms", VO, "-vomslife", "3:15", "-valid", "6:00")
    assert ran.code == 0, ran.text
    found = attributes(server, ran)
    assert found.not_after - found.not_before == timedelta(hours=3, minutes=15)


async def test_a_lifetime_too_long_is_shortened_and_the_user_told(client, server, alice):
    ran = await run(client, server, alice, "-voms", VO, "-vomslife", "30:00", "-valid", "30:00")
    assert ran.code == 0, ran.text
    assert "shortened to 43200 seconds" in ran.text
    found = attributes(server, ran)
    assert found.not_after - found.not_before == timedelta(hours=12)


async def test_a_stranger_reads_that_they_are_no_member(client, server):
    ran = await run(client, server, server.grid.user("Stranger"), "-voms", VO)
    assert ran.code != 0
    assert "User unknown to this VO" in ran.text


async def test_a_suspended_member_reads_why(client, server, alice):
    await server.registry.suspend(VO, holder(alice).subject, "AUP acceptance expired")
    ran = await run(client, server, alice, "-voms", VO)
    assert ran.code != 0
    assert "AUP acceptance expired" in ran.text


async def test_a_membership_that_ended_is_explained(client, server, alice):
    await server.registry.set_until(VO, holder(alice).subject, server.grid.now - timedelta(days=1))
    ran = await run(client, server, alice, "-voms", VO)
    assert ran.code != 0
    assert "not active" in ran.text


async def test_a_role_not_held_is_explained(client, server, alice):
    ran = await run(client, server, alice, "-voms", f"{VO}:/{VO}/Role=Nope")
    assert ran.code != 0
    assert "Unable to satisfy" in ran.text


async def test_a_revoked_certificate_is_explained(client, grid, tmp_path):
    user = grid.user("Alice Example")
    grid.revoke(user)
    async with voms_server(grid, tmp_path, dialects=client.served) as server:
        await server.admit(user)
        ran = await run(client, server, user, "-voms", VO)
    assert ran.code != 0
    assert "revoked" in ran.text.lower()


async def test_a_proxy_asks_for_a_longer_chain(client, server, alice):
    """-noregen: the client shows the proxy that is there, and puts a further one below it."""
    proxy = write_credential(server.home / "out.pem", server.grid.proxy(alice, lifetime=timedelta(hours=20)))
    ran = await run(client, server, alice, "-voms", VO, "-noregen", X509_USER_PROXY=str(proxy))
    assert ran.code == 0, ran.text
    (record,) = await server.registry.issued(VO)
    assert record.holder == holder(alice)
    if not client.java:
        return  # Debian's C++ client (2.1.0~rc3) gets the certificate, says "Done" and leaves the file as it was
    assert len(parse_credential(ran.proxy.read_bytes()).chain) == 3
    assert str(attributes(server, ran).fqans[0]) == f"/{VO}"


async def test_a_target_stands_in_the_certificate(client, server, alice):
    """The C++ client checks targets against its own host: it is told not to."""
    options = ["-target", "localhost"] if client.java else ["-target", "localhost", "-dont-verify-ac"]
    ran = await run(client, server, alice, "-voms", VO, *options)
    assert ran.code == 0, ran.text
    attributes(server, ran)


GLOBUS = shutil.which("grid-proxy-init")


@pytest.mark.skipif(GLOBUS is None, reason="grid-proxy-init is not installed (Debian: globus-proxy-utils)")
@pytest.mark.parametrize(("kind", "allowed"), [("-rfc", True), ("-old", True), ("-old", False), ("-draft", True)])
async def test_a_proxy_that_globus_made_may_ask(grid, tmp_path, kind, allowed):
    """Legacy proxies are taken where the configuration says so; draft ones nowhere."""
    path = write_config(grid, tmp_path, grid.port)
    path.write_text(path.read_text().replace("[trust]\n", f"[trust]\nlegacy_proxies = {str(allowed).lower()}\n"))
    alice = grid.user("Alice Example")
    certificate, key = split_credential(alice)
    write_files(tmp_path, {"usercert.pem": certificate})
    write_secret(tmp_path / "userkey.pem", key)
    proxy = tmp_path / "globus.pem"
    made = await asyncio.create_subprocess_exec(
        str(GLOBUS), kind, "-cert", tmp_path / "usercert.pem", "-key", tmp_path / "userkey.pem", "-out", proxy,
        env={**os.environ, "X509_CERT_DIR": str(tmp_path / "certificates")}, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    output, _ = await made.communicate()
    assert made.returncode == 0, output.decode()
    config = load(path, FederationConfig, {})
    async with assembled(config) as federation, running(federation.app, federation.listeners):
        await federation.registry.create_vo(VO)
        await federation.registry.add_member(VO, holder(alice), name="Alice")
        async with await Wire.to(grid.port, client_context(proxy)) as wire:
            answer = await wire.get("/generate-ac")
    assert answer.status == (200 if allowed and kind != "-draft" else 403), answer.body
