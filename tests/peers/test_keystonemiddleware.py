"""What stands before every OpenStack service takes our tokens, and nobody else's."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.keystone import PASSWORD, USER_PROJECT, KeystoneSite, password_v3, running_keystone
from tests.support.openstack import Originals, openstack
from tests.support.pki import VO, Grid

from hansa.client.http import Http, Reply

pytestmark = pytest.mark.peer
SCRIPT = Path(__file__).parents[1] / "support" / "authtoken_app.py"
GRID = Grid(now=datetime.now(UTC))


@asynccontextmanager
async def service(originals: Originals, keystone: KeystoneSite) -> AsyncIterator[str]:
    """The address of a service that takes the tokens of that Keystone."""
    process = await asyncio.create_subprocess_exec(
        originals.python,
        str(SCRIPT),
        f"{keystone.url}/v3",
        str(keystone.anchors()),
        "root",
        USER_PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.defpath, "HOME": "/nonexistent", "OS_PASSWORD": PASSWORD},
    )
    try:
        assert process.stdout
        port = await asyncio.wait_for(process.stdout.readline(), 60)
        yield f"http://127.0.0.1:{int(port)}"
    finally:
        assert process.stdin
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 30)


async def ask(url: str, token: str | None, path: str = "/v2.1/servers") -> Reply:
    def request() -> Reply:
        with Http(url) as http:
            return http.request("GET", path, headers={"X-Auth-Token": token} if token else {})

    return await asyncio.to_thread(request)


@pytest.fixture
async def keystone(tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    async with running_keystone(tmp_path, GRID) as running:
        yield running


async def token_of(keystone: KeystoneSite, document: Any) -> Any:
    answer = await keystone.request("POST", "/v3/auth/tokens", document)
    assert answer.token, answer.body
    return answer


async def test_a_service_learns_who_calls_and_in_which_project(keystone: KeystoneSite) -> None:
    async with service(openstack(), keystone) as url:
        alice = await token_of(keystone, password_v3())
        reply = await ask(url, alice.token)
        told = json.loads(reply.body)
        project = alice.body["token"]["project"]
        assert (told["USER_NAME"], told["PROJECT_ID"], told["PROJECT_NAME"]) == (
            "alice",
            project["id"],
            project["name"],
        )
        assert told["IDENTITY_STATUS"] == "Confirmed"
        await keystone.request("DELETE", "/v3/auth/tokens", token=alice.token, subject=alice.token)
        assert (await ask(url, alice.token)).status == 401


async def test_strangers_are_sent_to_keystone(keystone: KeystoneSite) -> None:
    async with service(openstack(), keystone) as url:
        for token in (None, "gAAAAABnonsense"):
            refused = await ask(url, token)
            assert refused.status == 401
            assert keystone.url in (refused.header("WWW-Authenticate") or "")


async def test_the_token_of_a_proxy_is_as_good(keystone: KeystoneSite) -> None:
    proxy = GRID.voms_proxy(GRID.user(), f"/{VO}")
    document = {"auth": {"voms": True, "tenantName": "fedcloud"}}
    access = (await keystone.request("POST", "/v2.0/tokens", document, credential=proxy)).body["access"]
    async with service(openstack(), keystone) as url:
        told = json.loads((await ask(url, access["token"]["id"])).body)
    assert (told["PROJECT_NAME"], told["ROLES"]) == ("fedcloud", "member")
    assert told["USER_NAME"].startswith("/")


async def test_access_rules_are_seen_to_at_the_service(keystone: KeystoneSite) -> None:
    root = await token_of(keystone, password_v3(user="root"))
    await keystone.request("POST", "/v3/services", {"service": {"type": "compute"}}, token=root.token)
    alice = await token_of(keystone, password_v3())
    rules = [{"service": "compute", "method": "GET", "path": "/v2.1/servers"}]
    made = await keystone.request(
        "POST",
        f"/v3/users/{alice.body['token']['user']['id']}/application_credentials",
        {"application_credential": {"name": "robot", "access_rules": rules}},
        token=alice.token,
    )
    found = made.body["application_credential"]
    given = {"id": found["id"], "secret": found["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": given}
    program = await token_of(keystone, {"auth": {"identity": identity}})
    async with service(openstack(), keystone) as url:
        assert (await ask(url, program.token)).status == 200
        assert (await ask(url, program.token, "/v2.1/flavors")).status == 401
