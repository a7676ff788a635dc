"""`hansa vo --url …`: VO administrators and members at the federation's API, over TLS, with a proxy."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.pki import Grid, write_credential
from tests.support.ports import free_port
from tests.support.voms import holder, write_config

from hansa.base.config import load
from hansa.base.serving import running
from hansa.cli.main import main
from hansa.federation.config import FederationConfig
from hansa.federation.membership.model import RoleGrant
from hansa.federation.membership.service import Membership
from hansa.federation.server import assembled
from hansa.standards.x509 import ProxyPolicy

VO = "fedcloud.egi.eu"


@dataclass
class User:
    """Types commands with a proxy."""

    url: str
    proxy: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    err: str = ""
    out: str = ""

    async def types(self, *words: str) -> int:
        self.monkeypatch.setenv("X509_USER_PROXY", str(self.proxy))
        self.capsys.readouterr()
        code = await asyncio.to_thread(main, ["hansa", "vo", "--url", self.url, *words])
        self.out, self.err = self.capsys.readouterr()
        return code

    async def sees(self, *words: str) -> Any:
        assert await self.types(*words, "-o", "json") == 0, self.err
        return json.loads(self.out)


@dataclass
class Federation:
    url: str
    grid: Grid
    registry: Membership


@pytest.fixture
async def federation(tmp_path: Path) -> AsyncIterator[Federation]:
    grid = Grid(now=datetime.now(UTC).replace(microsecond=0))
    port = free_port()
    config = write_config(grid, tmp_path, free_port())
    url = f"https://localhost:{port}"
    web = f"""
[web]
public_url = "{url}"
[[web.listeners]]
name = "web"
port = {port}
tls = {{certificate = "hostcert.pem", key = "hostkey.pem"}}
[telemetry]
audit = "audit.log"
"""
    config.write_text(config.read_text() + web)
    async with assembled(load(config, FederationConfig, {})) as made, running(made.app, made.listeners):
        await made.registry.create_vo(VO)
        boss = await made.registry.add_member(VO, holder(grid.user("Boss")), name="Boss")
        await made.registry.grant(VO, boss.id, RoleGrant(f"/{VO}", "VO-Admin"))
        with capture_logs():  # the commands' output is looked at
            yield Federation(url, grid, made.registry)


@pytest.fixture
def user(
    federation: Federation,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    monkeypatch.setenv("X509_CERT_DIR", str(tmp_path / "certificates"))
    monkeypatch.setenv("HOME", str(tmp_path))

    def made(name: str, policy: ProxyPolicy = ProxyPolicy.INHERIT_ALL) -> User:
        grid = federation.grid
        proxy = grid.proxy(grid.once(name, lambda: grid.user(name)), policy=policy)
        return User(federation.url, write_credential(tmp_path / f"{name}.pem", proxy), capsys, monkeypatch)

    return made


async def test_a_vo_admin_runs_the_vo_from_afar(federation, user):
    boss = user("Boss")
    alice = holder(federation.grid.user("Alice"))
    names = ("--subject", alice.subject.slash(), "--issuer", alice.issuer.slash())
    assert (await boss.sees("member", "add", VO, *names))["name"] == "Alice"
    assert await boss.types("group", "add", VO, f"/{VO}/bio") == 0, boss.err
    assert await boss.types("group", "add", VO, f"/{VO}/bio", alice.subject.slash()) == 0, boss.err
    assert (await boss.sees("member", "show", VO, "2"))["groups"] == [f"/{VO}", f"/{VO}/bio"]
    assert (await boss.sees("member", "suspend", VO, "2", "--reason", "감사"))["reason"] == "감사"
    assert [each["event"] for each in (await boss.sees("history", VO))["items"]][-1] == "member.suspended"


async def test_a_member_accepts_the_policy_and_is_refused_the_rest(federation, user):
    alice = user("Alice")
    await federation.registry.add_member(VO, holder(federation.grid.user("Alice")), name="Alice")
    await federation.registry.publish_policy(VO, "1.0", "Be kind.")
    assert (await alice.sees("member", "show", VO, "me"))["aup_due"]
    assert await alice.types("aup", "accept", VO, "--version", "1.0") == 0, alice.err
    assert (await alice.sees("member", "show", VO, "me"))["aup_due"] is None
    assert await alice.types("member", "list", VO) == 3
    assert "administrators of the VO" in alice.err
    assert "forbidden" in alice.err


async def test_a_second_certificate_is_linked_from_the_command_line(federation, user):
    member = await federation.registry.add_member(VO, holder(federation.grid.user("Alice")), name="Alice")
    token = (await user("Alice").sees("person", "credential", "link"))["token"]
    await user("Alice Two").sees("person", "credential", "redeem", "--token", token)
    assert len(await federation.registry.credentials(member.person.uid)) == 2
    assert await user("Mallory").types("person", "credential", "redeem", "--token", token) == 3


async def test_a_limited_proxy_changes_nothing(federation, user):
    limited = user("Boss", ProxyPolicy.LIMITED)
    assert await limited.types("group", "add", VO, f"/{VO}/bio") == 3
    assert "identity.read_only" in limited.err or "look but not change" in limited.err


async def test_a_refusal_keeps_the_servers_code_and_exit_status(user):
    boss = user("Boss")
    assert await boss.types("member", "show", "atlas", "me") == 4
    assert await boss.types("group", "remove", VO, f"/{VO}/nosuch") == 4
    assert "membership.no_such_group" in boss.err
