"""oidc-agent, which many users of EGI have: it gets tokens by the device flow and renews them, with rotation."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.provider_server import AtBrowser, Served, served

from hansa.federation.provider.model import GrantType
from hansa.standards.jwt import KeySet, parse_object, verify_bytes

pytestmark = pytest.mark.peer
USER_CODE = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")

if shutil.which("oidc-agent") is None:
    pytest.skip("oidc-agent is not installed (Debian: oidc-agent-cli)", allow_module_level=True)


@contextmanager
def agent(home: Path) -> Iterator[dict[str, str]]:
    """A running agent; gives the environment of its user."""
    (home / "oidc").mkdir()
    environment = {**os.environ, "HOME": str(home), "OIDC_CONFIG_DIR": str(home / "oidc")}
    said = subprocess.run(["oidc-agent"], env=environment, stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    found = dict(re.findall(r"(OIDC_SOCK|OIDCD_PID)=([^;]+)", said.stdout))
    try:
        yield environment | found
    finally:
        os.kill(int(found["OIDCD_PID"]), signal.SIGTERM)


def generate(op: Served, client: str, environment: dict[str, str], output: Path) -> None:
    """`oidc-gen`, while its user types the code at a browser."""
    options = {
        "--issuer": op.url,
        "--client-id": client,
        "--client-secret": "",
        "--scope": "openid offline_access entitlements",
        "--pw-cmd": "echo secret",
        "--cert-path": str(op.ca),
    }
    words = [word for pair in options.items() for word in pair]
    command = [
        "oidc-gen",
        *words,
        "--flow=device",
        "--no-url-call",
        "--manual",
        "--prompt=none",
        "--confirm-yes",
        "hansa",
    ]
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        code = _shown(output, process)
        person = AtBrowser(op.ca)
        answer = person.log_in(person.get(f"{op.url}/oidc/device?user_code={code}"))
        page = person.submit(person.get(f"{op.url}{answer.location}"), "/oidc/device")
        person.submit(page, "/oidc/device", decision="allow")
        assert process.wait(60) == 0, output.read_text()
    finally:
        process.kill()
        process.wait()


def _shown(output: Path, process: "subprocess.Popen[bytes]") -> str:
    for _attempt in range(600):
        if found := USER_CODE.search(output.read_text()):
            return found[0]
        assert process.poll() is None, output.read_text()
        time.sleep(0.1)
    raise AssertionError("oidc-gen shows no code")


def token(environment: dict[str, str], *options: str) -> str:
    command = ["oidc-token", *options, "hansa"]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


async def test_the_agent_gets_tokens_and_renews_them(tmp_path: Path) -> None:
    async with served(tmp_path) as op:
        grants = frozenset({GrantType.DEVICE, GrantType.REFRESH})
        client, _ = await op.register(name="oidc-agent", confidential=False, grants=grants)
        person = AtBrowser(op.ca)

        def use() -> None:
            with agent(tmp_path) as environment:
                generate(op, client, environment, tmp_path / "oidc-gen.out")
                longer = ("--time", "3700")  # than any token has: so it is renewed
                tokens = [token(environment), token(environment, *longer), token(environment, *longer)]
            assert len(set(tokens)) == 3
            keys = KeySet.parse(person.get(f"{op.url}/oidc/jwks").body)
            for each in tokens:
                claims = parse_object(verify_bytes(each, keys, max_size=10_000, typ="at+jwt"))
                assert op.entitlement in claims["entitlements"]

        await asyncio.to_thread(use)
