"""kill -9 of the cloud's process at any point of a machine's creation or deletion: nothing is lost or left over."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.embedded import needs_qemu

from hansa.cloud.model import EventKind

pytestmark = [pytest.mark.qemu, pytest.mark.slow, needs_qemu]

CREATED, STARTED, STOPPED = EventKind.CREATED, EventKind.STARTED, EventKind.STOPPED
SUSPENDED, DELETED, FAILED = EventKind.SUSPENDED, EventKind.DELETED, EventKind.FAILED


async def crashes(directory: Path, mode: str, *times: int) -> list[dict[str, Any]]:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.embedded_crashing", str(directory), mode, *map(str, times)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[4],
        env={"PYTHONPATH": "src", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    told, complaint = await program.communicate()
    assert program.returncode == 0, complaint.decode()[-3000:]
    return [json.loads(line) for line in told.splitlines() if line.startswith(b"{")]


def assert_nothing_left(seen: dict[str, Any], events: list[EventKind]) -> None:
    lists: dict[str, Any] = {key: [] for key in ("servers", "flavors", "addresses", "volumes", "parts")}
    numbers = dict.fromkeys(("processes", "directories", "memory", "used"), 0)
    assert {**seen, "images": 1, "saved": 0} == {**lists, **numbers, "images": 1, "saved": 0, "events": events}


async def test_a_creation_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    told = await crashes(tmp_path, "create")
    assert [each["point"] for each in told if each["died"]] == [
        "wish recorded",
        *(f"{step} {what}" for step in ("disk", "seed", "boot", "running") for what in ("begins", "ends")),
    ]
    for each in told:
        after = each["after"]
        assert after["servers"] == [["active", None]], each
        assert after["events"] == [CREATED, STARTED], each
        assert (after["processes"], after["directories"], after["parts"], after["used"]) == (1, 1, [], 1), each
        assert len(after["addresses"]) == 1
        assert_nothing_left(each["end"], [CREATED, STARTED, DELETED])


async def test_a_deletion_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    told = await crashes(tmp_path, "delete")
    assert [each["point"] for each in told if each["died"]] == [
        "wish recorded",
        *(f"{step} {what}" for step in ("settle", "halt", "erase", "forget", "sweep") for what in ("begins", "ends")),
    ]
    for each in told:
        assert_nothing_left(each["after"], [CREATED, STARTED, DELETED])


async def test_a_failed_creation_that_was_cut_off_is_undone(tmp_path: Path) -> None:
    told = await crashes(tmp_path, "fail")
    undone = [
        f"{step} {what}" for step in ("undo boot", "undo seed", "undo disk", "failed") for what in ("begins", "ends")
    ]
    assert [each["point"] for each in told if each["died"]][-len(undone) :] == undone
    for each in told:
        after = each["after"]
        assert after["servers"] == [["error", "The host has not enough memory for the machine."]], each
        assert after["events"] == [CREATED, FAILED], each
        assert (after["processes"], after["parts"], after["used"]) == (0, [], 1), each
        assert_nothing_left(each["end"], [CREATED, FAILED, DELETED])


@pytest.mark.parametrize(
    ("mode", "expected", "events"),
    [
        ("suspend", {"servers": [["suspended", None]], "processes": 0, "memory": 1}, [SUSPENDED]),
        ("start", {"servers": [["active", None]], "processes": 1, "memory": 0}, [SUSPENDED, STARTED]),
        ("resize", {"servers": [["active", None]], "processes": 1, "flavors": ["bigger"]}, [STOPPED, STARTED]),
        ("save", {"servers": [["active", None]], "processes": 1, "saved": 1, "images": 2}, []),
        ("attach", {"servers": [["active", None]], "processes": 1, "volumes": ["in-use"]}, []),
    ],
)
async def test_a_change_that_was_cut_off_is_finished(
    mode: str, expected: dict[str, Any], events: list[EventKind], tmp_path: Path
) -> None:
    told = await crashes(tmp_path, mode)
    assert len([each for each in told if each["died"]]) >= 5, "before and after each step, and before the first"
    for each in told:
        assert {key: each["after"][key] for key in expected} == expected, each
        assert each["after"]["events"] == [CREATED, STARTED, *events], each
        assert each["after"]["parts"] == [], each
        assert_nothing_left(each["end"], [CREATED, STARTED, *events, DELETED])


@pytest.mark.parametrize("mode", ["create", "delete"])
async def test_it_may_be_killed_at_any_moment(mode: str, tmp_path: Path) -> None:
    for each in await crashes(tmp_path, mode, 0, 3, 10, 20, 30, 45, 60, 80, 100, 130):
        assert each["died"], each
        if mode == "create":
            assert each["after"]["servers"] == [["active", None]], each
            assert each["after"]["events"] == [CREATED, STARTED], each
            assert each["after"]["processes"] == 1, each
        assert_nothing_left(each["end"], [CREATED, STARTED, DELETED])
