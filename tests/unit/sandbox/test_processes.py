"""Servers are started once, recognised again, and never mistaken for another process."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hansa.base.errors import BackendDown, Conflict
from hansa.sandbox import processes
from hansa.sandbox.layout import Layout
from hansa.sandbox.processes import Running, Server
from hansa.sandbox.up import exclusive

CONFIG = """
[site]
name = "test"
public_url = "http://127.0.0.1:{port}"

[[listeners]]
name = "plain"
port = {port}

[database]
url = "sqlite:///site.db"

[identity]
trust_dir = ""

[cloud]
driver = "memory"
"""


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A small site."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "site.toml"
    config.write_text(CONFIG.format(port=port).replace("sqlite:///", f"sqlite:///{tmp_path}/"))
    arguments = ("site", "serve", "--config", str(config))
    return Server("test", arguments, config, "127.0.0.1", port, tmp_path / "log")


@contextmanager
def stopped_after(records: Path) -> Iterator[None]:
    try:
        yield
    finally:
        processes.stop_all(records)


def test_a_server_starts_once_and_again_when_its_configuration_changes(server: Server, tmp_path: Path) -> None:
    records = tmp_path / "run"
    with stopped_after(records):
        assert processes.ensure(server, records)
        assert not processes.ensure(server, records)
        server.config.write_text(server.config.read_text() + "\n[usage]\ninterval = 9.0\n")
        assert processes.ensure(server, records)
    assert processes.stop_all(records) == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((server.address, server.port), timeout=1)


def test_a_server_whose_record_was_lost_is_found_by_its_command_line(server: Server, tmp_path: Path) -> None:
    assert not processes.stop_strays(server)
    processes.ensure(server, tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    assert processes.stop_strays(server)
    assert not processes.stop_strays(server)


def test_a_server_that_fails_says_why(server: Server, tmp_path: Path) -> None:
    server.config.write_text(server.config.read_text().replace('driver = "memory"', 'driver = "pigeon"'))
    with pytest.raises(BackendDown, match=r"test did not come up: .+") as caught:
        processes.ensure(server, tmp_path / "run")
    assert str(server.log) in caught.value.details["next"]
    assert not list((tmp_path / "run").glob("*"))


def test_a_taken_port_is_named(server: Server, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((server.address, server.port))
        other.listen()
        with pytest.raises(Conflict, match=f"port {server.port}: Address already in use"):
            processes.ensure(server, tmp_path / "run")


def test_a_process_with_a_reused_number_is_nobody_of_ours(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        stranger = Running(other.pid, started=1, config_digest="")
        assert not processes.is_alive(stranger)
        processes.stop(stranger)
        assert other.poll() is None
        other.communicate(b"\n")
    assert not processes.is_alive(Running(2**22 + 1, 1, ""))


def test_two_commands_do_not_work_on_one_directory_at_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with exclusive(layout), pytest.raises(Conflict, match="Another hansa up or down"), exclusive(layout):
        pass
    with exclusive(layout):
        assert os.access(tmp_path / ".lock", os.W_OK)
