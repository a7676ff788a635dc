"""Servers that outlive the command that starts them: known by pid and start time, so that a reused pid is nobody of ours."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hansa.base.errors import BackendDown, Conflict
from hansa.base.i18n import _

START_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A program of ours to run: `hansa ARGUMENTS`, listening at `address` and `port`. `config` is the file it reads."""

    name: str
    arguments: tuple[str, ...]
    config: Path
    address: str
    port: int
    log: Path


@dataclass(frozen=True, slots=True)
class Running:
    """`started` is the start time in clock ticks after boot (field 22 of /proc/PID/stat)."""

    pid: int
    started: int
    config_digest: str


def ensure(server: Server, records: Path) -> bool:
    """Make the server run with its present configuration; False if it did already.

    Raises Conflict when something else listens there, BackendDown when the server does not come up.
    """
    record = _record(records, server.name)
    running = _read(record)
    digest = hashlib.sha256(server.config.read_bytes()).hexdigest()
    if running is not None and is_alive(running):
        if running.config_digest == digest and _answers(server):
            return False
        stop(running)
    record.unlink(missing_ok=True)
    stop_strays(server)
    _check_free(server)
    _start(server, record, digest)
    return True


def stop_all(records: Path) -> list[str]:
    """Stop every server that is recorded; the names of those that were alive."""
    stopped = []
    for record in sorted(records.glob("*.json")):
        running = _read(record)
        if running is not None and is_alive(running):
            stop(running)
            stopped.append(record.stem)
        record.unlink()
    return stopped


def stop_strays(server: Server) -> bool:
    """Stop processes with the server's very command line that no record knows: an `up` died while it started them."""
    tail = b"\0".join(word.encode() for word in server.arguments) + b"\0"
    found = [Running(pid, started, "") for pid, started in _all_processes() if _command_line(pid).endswith(tail)]
    for stray in found:
        stop(stray)
    return bool(found)


def _all_processes() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (started := _start_time(int(entry.name))) is not None:
            yield int(entry.name), started


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_alive(running: Running) -> bool:
    return _start_time(running.pid) == running.started


def stop(running: Running) -> None:
    """Ask, wait, force."""
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0)):
        if not is_alive(running):
            return
        os.kill(running.pid, number)
        deadline = time.monotonic() + seconds
        while is_alive(running) and time.monotonic() < deadline:
            time.sleep(0.05)


def _start(server: Server, record: Path, digest: str) -> None:
    server.log.parent.mkdir(parents=True, exist_ok=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    pid = _spawn([sys.executable, "-m", "hansa.cli.main", *server.arguments], server.log)
    running = Running(pid, _start_time(pid) or 0, digest)
    record.write_text(json.dumps(asdict(running)))
    try:
        _wait(server, running)
    except BaseException:
        stop(running)
        record.unlink(missing_ok=True)
        raise


def _spawn(command: list[str], log: Path) -> int:
    """The pid of a process in a session of its own, which is nobody's child: the shell that started it has ended."""
    done = subprocess.run(
        ["sh", "-c", 'log=$1; shift; "$@" >>"$log" 2>&1 & echo $!', "sh", str(log), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=_environment(os.environ),
        start_new_session=True,
        check=True,
    )
    return int(done.stdout)


def _wait(server: Server, running: Running) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server):
        if not is_alive(running) or time.monotonic() > deadline:
            raise BackendDown(
                _("{name} did not come up: {last}").format(name=server.name, last=_last_line(server.log)),
                next=_("read {log}").format(log=server.log),
            )
        time.sleep(0.05)


def _answers(server: Server) -> bool:
    try:
        with socket.create_connection((server.address, server.port), timeout=2):
            return True
    except OSError:
        return False


def _check_free(server: Server) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((server.address, server.port))
        except OSError as error:
            message = _("{name} cannot listen on {address} port {port}: {why}.")
            raise Conflict(
                message.format(name=server.name, address=server.address, port=server.port, why=error.strerror),
                next=_("stop what listens there, or use other addresses: hansa down; hansa up --network 127.55"),
            ) from error


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Without the caller's HANSA_ variables: they would override the servers' configuration files."""
    return {name: value for name, value in environ.items() if not name.startswith("HANSA_")}


def _start_time(pid: int) -> int | None:
    """None when there is no such process, or it has ended and only waits to be noticed."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def _record(records: Path, name: str) -> Path:
    return records / f"{name}.json"


def _read(record: Path) -> Running | None:
    try:
        return Running(**json.loads(record.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return lines[-1] if lines else _("it said nothing")
