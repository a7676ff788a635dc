"""`hansa federation serve` as a process: it serves a VO to the day it is told to stop."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_credential, write_files
from tests.support.ports import free_port
from tests.support.voms import write_config
from tests.support.wire import Wire, client_context

from hansa.standards.voms import ac_extension, verify_acs
from hansa.standards.voms.wire import AcReply, rest
from hansa.standards.x509 import validate_chain


async def hansa(*words: object) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "hansa.cli.main", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)


async def done(*words: object) -> None:
    process = await hansa(*words)
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()


async def test_from_an_empty_directory_to_a_member_with_a_certificate(tmp_path: Path) -> None:
    grid = Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port())
    config = write_config(grid, tmp_path, grid.port)
    alice = grid.user()
    write_files(tmp_path, {"alice.pem": split_credential(alice)[0]})
    await done("vo", "--config", config, "create", grid.vo)
    await done("vo", "--config", config, "member", "add", grid.vo, tmp_path / "alice.pem")
    server = await hansa("federation", "serve", "--config", config)
    try:
        client = client_context(write_credential(tmp_path / "client.pem", alice))
        async with asyncio.timeout(30):
            wire = await _connected(grid.port, client, server)
        async with wire:
            reply = rest.parse_reply((await wire.get("/generate-ac")).body)
        assert isinstance(reply, AcReply)
        proxy = grid.proxy(alice, extensions=[ac_extension([reply.ac])])
        identity = validate_chain(proxy.chain, grid.trust(), now=grid.now)
        (found,) = verify_acs(identity, grid.trust(), grid.vomsdir(), now=datetime.now(UTC))
        assert found.vo == grid.vo
    finally:
        server.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(server.communicate(), 20)
    assert server.returncode == 0, err.decode()
    assert b"voms.issued" in err


@pytest.mark.parametrize(
    ("broken", "said"),
    [("aakey.pem", "authority"), ("hostkey.pem", "host certificate"), ("federation.toml", "TOML")],
)
async def test_a_broken_file_stops_the_start_with_a_sentence(tmp_path: Path, broken: str, said: str) -> None:
    config = write_config(Grid(now=datetime.now(UTC)), tmp_path, free_port())
    (tmp_path / broken).write_text("rubbish")
    server = await hansa("federation", "serve", "--config", config)
    _, err = await asyncio.wait_for(server.communicate(), 30)
    assert server.returncode == 1
    assert said in err.decode()
    assert "Traceback" not in err.decode()


async def _connected(port: int, client: object, server: asyncio.subprocess.Process) -> Wire:
    while server.returncode is None:
        try:
            return await Wire.to(port, client)  # type: ignore[arg-type]
        except OSError:
            await asyncio.sleep(0.1)
    raise AssertionError("the server ended")
