"""`hansa keystone serve` as a process of its own: what it refuses by itself, and what it says when Keystone is away.

tests/peers/test_real_keystone.py has the same front before real Keystones.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.echo import echo
from tests.support.keystone import VOMS_SIGN_ON
from tests.support.keystone_front import CONFIG, POLICY
from tests.support.pki import VO, Grid, write_credential
from tests.support.ports import free_port

import hansa
from hansa.base.errors import HansaError
from hansa.base.serving import Listener, running
from hansa.client.http import Http, Reply, tls_context
from hansa.site.openstack.wrapper.install import ensure_secret
from hansa.standards.x509 import Credential


class FrontProcess:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.grid = Grid(now=datetime.now(UTC))
        self.port = free_port()
        self.socket = home / "keystone.sock"

    async def start(self) -> asyncio.subprocess.Process:
        self.grid.write(self.home)
        (self.home / "voms.json").write_text(json.dumps(POLICY))
        (self.home / "bans").write_text("")
        ensure_secret(self.home / "secret")
        config = CONFIG.format(port=self.port, backend=f"unix:{self.socket}", secret="secret")
        (self.home / "keystone.toml").write_text(config)
        command = [
            sys.executable,
            "-m",
            "hansa.cli.main",
            "keystone",
            "serve",
            "--config",
            str(self.home / "keystone.toml"),
        ]
        environment = {**os.environ, "PYTHONPATH": str(Path(hansa.__file__).parents[1])}
        process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.DEVNULL)
        async with asyncio.timeout(60):
            while not await self._is_up():
                assert process.returncode is None
                await asyncio.sleep(0.1)
        return process

    async def ask(
        self, method: str, path: str, credential: Credential | None = None, body: bytes | None = None, **headers: str
    ) -> Reply:
        proxy = write_credential(self.home / "proxy.pem", credential) if credential else None
        tls = tls_context(certificates=self.home / "certificates", proxy=proxy)

        def ask() -> Reply:
            with Http(f"https://localhost:{self.port}", tls=tls) as http:
                return http.request(method, path, body=body, headers=headers)

        return await asyncio.to_thread(ask)

    async def _is_up(self) -> bool:
        try:
            return (await self.ask("GET", "/healthz")).status == 200
        except HansaError:
            return False


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[FrontProcess]:
    found = FrontProcess(tmp_path)
    process = await found.start()
    yield found
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 20) == 0


def error(reply: Reply) -> tuple[int, str]:
    said = json.loads(reply.body)["error"]
    assert said["code"] == reply.status
    return reply.status, said["message"]


async def test_keystone_away_is_said_in_its_own_words_and_not_ready(front: FrontProcess) -> None:
    assert error(await front.ask("GET", "/v3")) == (503, "Keystone does not answer behind this front.")
    proxy = front.grid.voms_proxy(front.grid.user(), f"/{VO}")
    assert error(await front.ask("POST", VOMS_SIGN_ON, proxy))[0] == 503
    assert (await front.ask("GET", "/readyz")).status == 503


async def test_a_sign_on_without_a_proxy_does_not_need_keystone_to_be_refused(front: FrontProcess) -> None:
    assert error(await front.ask("POST", VOMS_SIGN_ON)) == (401, "Show a VOMS proxy as TLS client certificate.")
    assert error(await front.ask("POST", "/v2.0/tokens", body=b'{"auth": {"voms": "true"}}'))[0] == 400
    assert json.loads((await front.ask("GET", "/v2.0/")).body)["version"]["id"] == "v2.0"


async def test_what_passes_has_the_public_address_and_no_identity_but_ours(front: FrontProcess) -> None:
    forged = {"X-Hansa-Assertion": "v1.x.y", "VOMS_VO": "ops", "Remote-User": "admin", "X-Forwarded-For": "10.0.0.1"}
    forged |= {"X-Forwarded-Host": "evil.example.org", "X_Forwarded_Host": "evil.example.org"}
    async with running(echo, [Listener("keystone", unix=front.socket)]):
        plain = json.loads((await front.ask("GET", "/v3/users?name=a%20b", **forged, **{"X-Auth-Token": "t"})).body)
        proxy = front.grid.voms_proxy(front.grid.user(), f"/{VO}")
        signing = json.loads((await front.ask("GET", f"{VOMS_SIGN_ON}/?x=y", proxy, **forged)).body)
    assert plain["path"] == "/v3/users"
    names = [name for name, _ in plain["headers"]]
    told = dict(plain["headers"])
    assert len(told) == len(names)
    assert "x-forwarded-host" not in names
    assert told["host"] == f"localhost:{front.port}"
    assert (told["x-forwarded-proto"], told["x-forwarded-for"]) == ("https", "127.0.0.1")
    assert "x_forwarded_host" not in names
    assert told["x-auth-token"] == "t"
    assert not {"x-hansa-assertion", "voms_vo", "remote-user"} & set(names)
    assert signing["path"] == VOMS_SIGN_ON
    assert "x-hansa-assertion" not in dict(
        signing["headers"]
    )  # our own server, as Keystone's, drops what looks like one
