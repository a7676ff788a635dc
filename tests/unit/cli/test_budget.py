"""What commands may cost on the user's machine: CPU of a whole process, compiled bytecode, an idle machine."""

import os
import resource
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.replay import Said, replaying

SLACK = 2.0
"""A shared, busy machine costs more CPU for the same work; a heavy import costs far more than this factor."""

EMPTY = Said('{"resources":[]}', "application/occi+json")
SITES = 24


def cpu(arguments: list[str], bytecode: Path, **environment: str) -> float:
    """The least CPU seconds of five runs, after one that compiles."""
    command = [sys.executable, "-m", "hansa.cli.main", *arguments]
    settings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(bytecode),
        **environment,
    }
    used = []
    for _run in range(6):
        before = _children()
        subprocess.run(command, env=settings, check=True, capture_output=True)
        used.append(_children() - before)
    return min(used[1:])


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_help_costs_at_most_120_ms(tmp_path: Path) -> None:
    assert cpu(["--help"], tmp_path) <= 0.120 * SLACK


def test_listing_machines_at_24_sites_costs_at_most_300_ms(tmp_path: Path) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(replaying({("GET", "/compute/"): EMPTY})) for _site in range(SITES)]
        sites = (f'[[site]]\nname = "S{n}"\nendpoint = "{peer.url}/"\n' for n, peer in enumerate(peers))
        profile = tmp_path / "profile.toml"
        profile.write_text("".join(sites))
        assert cpu(["--profile", str(profile), "vm", "list"], tmp_path / "bytecode") <= 0.300 * SLACK
        assert all(len(peer.asked) == 6 for peer in peers)


@pytest.mark.parametrize("command", ["vm", "proxy", "image"])
def test_help_of_a_group_costs_no_more_than_a_quarter_of_a_second(tmp_path: Path, command: str) -> None:
    assert cpu([command, "--help"], tmp_path) <= 0.250 * SLACK
