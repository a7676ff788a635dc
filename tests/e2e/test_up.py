"""From nothing to a machine and back: `hansa up --demo`, `hansa down`, and once more."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.guest import DIRECTORY, guest_image

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
