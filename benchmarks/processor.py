"""Processor time of other processes."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def of_tree(pid: int) -> float:
    """Seconds that the process, its living descendants and those they have waited for have used, user and system."""
    stats = {int(path.parent.name): _stat(path) for path in Path("/proc").glob("[0-9]*/stat")}
    members, waiting = set[int](), {pid}
    while waiting:
        members |= waiting
        waiting = {each for each, fields in stats.items() if fields and int(fields[1]) in waiting} - members
    return sum(sum(map(int, stats[each][11:15])) for each in members if stats.get(each)) / _TICKS


def _stat(path: Path) -> list[str]:
    """The fields after the name (proc(5)): state, parent, …, utime, stime, cutime, cstime at 11 to 14."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:  # gone
        return []
