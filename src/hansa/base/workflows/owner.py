"""Names for engines, by which others on the same host see that the process behind one is gone.

A killed server that is started again must go on at once, not after its old lease has run out. A name holds what Linux
knows a process by: boot, PID namespace, PID and start time. Of another host's engines only the lease can tell.
"""

import os
import uuid
from pathlib import Path

PROC = Path("/proc")


def name() -> str:
    """Of one engine in this process."""
    return "/".join([*_here(), str(os.getpid()), _start_time(os.getpid()), uuid.uuid4().hex[:8]])


def is_dead(owner: str, *, one_host: bool) -> bool:
    """True only if the process surely ended. `one_host`: all owners ran on this host (SQLite), so an earlier boot is over."""
    boot, namespace, pid, started, _ = owner.split("/")
    here = _here()
    if boot != here[0]:
        return one_host
    return namespace == here[1] and _start_time(int(pid)) != started


def _here() -> tuple[str, str]:
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return boot, str((PROC / "self/ns/pid").stat().st_ino)


def _start_time(pid: int) -> str:
    """Field 22 of proc_pid_stat(5), counted behind the command's name, which may hold anything. Empty: no such process."""
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state[0] in "ZX" else state[19]
