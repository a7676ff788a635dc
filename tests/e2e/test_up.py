"""From nothing to a machine and back: `hansa up --demo`, `hansa down`, and once more."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.guest import DIRECTORY, guest_image
from tests.support.visitor import Visitor

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="qemu-system-x86_64 is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]

NETWORK = "127.77"


def hansa(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hansa.cli.main", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=280)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory with the guest's packages, so that the test needs no network; everything is down afterwards."""
    guest_image()
    directory = tmp_path / "var"
    shutil.copytree(DIRECTORY, directory / "guest")
    yield directory
    hansa("down", "--dir", str(directory))


def processes_below(directory: Path) -> list[str]:
    """Command lines that name something below the directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in line:
            found.append(line)
    return found


def test_up_gives_a_machine_and_down_leaves_nothing(place: Path) -> None:
    place_option = ("--dir", str(place))
    up = hansa("up", *place_option, "--network", NETWORK, "--demo")
    assert up.returncode == 0, up.stdout + up.stderr
    assert re.search(r"Hello from \S+, which came up in", up.stdout), up.stdout + up.stderr
    assert "my-first-machine" in up.stdout  # hansa usage
    assert any("qemu-system" in line for line in processes_below(place))

    again = hansa("up", *place_option)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("runs on 127.77.") == 3

    down = hansa("down", *place_option)
    assert down.returncode == 0, down.stderr
    assert processes_below(place) == []
    assert {path.name for path in place.iterdir()} == {".lock", "guest"}
    for address, port in ((f"{NETWORK}.0.1", 15002), (f"{NETWORK}.10.1", 8787), (f"{NETWORK}.20.1", 8787)):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, port), timeout=1)

    once_more = hansa("up", *place_option, "--network", NETWORK)
    assert once_more.returncode == 0, once_more.stderr
    assert once_more.stderr.count("started on 127.77.") == 3


def test_a_login_in_a_browser_opens_every_site_until_the_vo_says_no(place: Path) -> None:
    """Device flow at the federation's provider; its token at the sites; the member feed that ends it."""
    done = hansa("up", "--dir", str(place), "--network", NETWORK)
    assert done.returncode == 0, done.stderr
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
        "HANSA_PROFILE": str(place / "user" / "profile.toml"),
        "HANSA_FEDERATION_CONFIG": str(place / "federation" / "federation.toml"),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hansa.cli.main", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)

    command = [sys.executable, "-m", "hansa.cli.main", "login", "--method", "device"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as login:
        try:
            _confirm(login, place)
            assert login.wait(60) == 0
        finally:
            login.kill()
    known = json.loads(run("whoami", "-o", "json").stdout)
    assert known["login name"] == "ada"
    assert {each["site"]: each["project"] for each in known["sites"]} == {
        "lyra": "fedcloud.egi.eu",
        "orion": "fedcloud.egi.eu",
    }
    assert run("vm", "list").returncode == 0
    assert run("vo", "member", "suspend", "fedcloud.egi.eu", "1", "--reason", "a test").returncode == 0
    for _attempt in range(50):
        refused = run("vm", "list")
        if refused.returncode:
            break
        time.sleep(0.2)
    assert "has suspended you (a test)" in refused.stderr
    assert run("logout").returncode == 0
    assert run("whoami").returncode == 3


def _confirm(login: subprocess.Popen[str], place: Path) -> None:
    """In a browser, what the command line asks for."""
    assert login.stderr
    said = next(line for line in login.stderr if "user_code=" in line)
    address = re.search(r"https://\S+user_code=\S+", said)
    assert address
    visitor = Visitor(place / "authority" / "cacert.pem")
    password = (place / "user" / "password").read_text().strip()
    page = visitor.submit(visitor.get(address[0]), login="ada", password=password)
    page = visitor.submit(visitor.submit(page), decision="allow")
    assert page.heading == "The device is connected"


def test_a_federation_that_is_kept_comes_back_with_its_machine(place: Path) -> None:
    place_option = ("--dir", str(place))
    assert hansa("up", *place_option, "--network", NETWORK, "--demo").returncode == 0
    kept = hansa("down", *place_option, "--keep")
    assert kept.returncode == 0, kept.stderr
    assert "lyra/my-first-machine" in kept.stderr
    assert processes_below(place) == []
    assert hansa("up", *place_option).returncode == 0
    profile = {
        "HANSA_PROFILE": str(place / "user" / "profile.toml"),
        "X509_USER_PROXY": str(place / "user" / "proxy.pem"),
    }
    listing = subprocess.run(
        [place / "bin" / "hansa", "vm", "list"],
        capture_output=True,
        text=True,
        env={**os.environ, **profile},
        check=True,
    )
    assert "my-first-machine" in listing.stdout
