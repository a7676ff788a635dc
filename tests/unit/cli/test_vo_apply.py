"""`hansa vo apply` at a terminal: it asks, hears what is wrong, asks again. The federation is real, over TLS."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_files, write_secret
from tests.support.ports import free_port
from tests.support.voms import write_config

from hansa.base.config import load
from hansa.base.serving import running
from hansa.federation.config import FederationConfig
from hansa.federation.membership.service import Membership
from hansa.federation.server import assembled

TYPED = {
    "Given name": ["Sangwan"],
    "Surname": ["Kim"],
    "E-mail": ["nobody", "sangwan@example.org"],
    "Why do you want to join?": ["Science."],
    "Login (": ["Sangwan", "sangwan"],
    "Password (": ["s3cret-enough"],
    "Repeat the password": ["s3cret-enough"],
    "Do you accept it?": ["y"],
}


@dataclass
class Home:
    grid: Grid
    directory: Path
    registry: Membership


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    grid, web = Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port()), free_port()
    config = write_config(grid, tmp_path, grid.port)
    url = f"https://localhost:{web}"
    tls = '{certificate = "hostcert.pem", key = "hostkey.pem"}'
    listener = f'[[web.listeners]]\nname = "web"\nport = {web}\ntls = {tls}\n'
    config.write_text(config.read_text() + f'[web]\npublic_url = "{url}"\n{listener}[mail]\noutbox = "outbox"\n')
    certificate, key = split_credential(grid.user("Sangwan"))
    write_files(tmp_path / ".globus", {"usercert.pem": certificate})
    write_secret(tmp_path / ".globus/userkey.pem", key)
    paths = f'[paths]\ncertificates = "{tmp_path}/certificates"\nproxy = "{tmp_path}/x509up"\n'
    (tmp_path / "profile.toml").write_text(f'{paths}[federation]\nurl = "{url}"\n')
    async with assembled(load(config, FederationConfig, {})) as federation:
        await federation.registry.create_vo(grid.vo)
        await federation.registry.publish_policy(grid.vo, "1", "Be kind.")
        async with running(federation.app, federation.listeners):
            yield Home(grid, tmp_path, federation.registry)


def at_a_terminal(home: Home, answers: dict[str, list[str]]) -> tuple[int, str]:
    """Exit code and all that was on the screen; `answers` are typed where their question is asked."""
    environment = {
        "HOME": str(home.directory),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HANSA_PROFILE": str(home.directory / "profile.toml"),
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, "-m", "hansa.cli.main", "vo", "apply", home.grid.vo]
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        command, env=environment, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
    )
    os.close(inner)
    left = {question: list(typed) for question, typed in answers.items()}
    screen, seen, end = "", 0, time.monotonic() + 60
    while time.monotonic() < end and select.select([terminal], [], [], 30)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux's end of a terminal
            break
        screen += data.decode("utf-8", "replace")
        for question, typed in left.items():
            at = screen.find(question, seen)
            if at >= 0 and typed and screen.rstrip().endswith((":", "]:", "]")):
                seen = len(screen)
                os.write(terminal, f"{typed.pop(0)}\n".encode())
    os.close(terminal)
    return process.wait(30), screen


async def test_it_asks_again_what_was_wrong_and_then_applies(home: Home) -> None:
    code, screen = await asyncio.to_thread(at_a_terminal, home, TYPED)
    assert code == 0, screen
    assert "You apply as /DC=org/DC=example/O=people/CN=Sangwan" in screen
    assert "This is no e-mail address" in screen
    assert "login: A login begins with a small letter" in screen
    assert "Be kind." in screen
    assert "please follow the link in the message" in screen
    assert "s3cret" not in screen


async def test_without_the_policy_nobody_joins(home: Home) -> None:
    code, screen = await asyncio.to_thread(at_a_terminal, home, {**TYPED, "Do you accept it?": ["n"]})
    assert (code, "Without that you cannot join." in screen) == (2, True), screen
