"""The audit log is only appended to, survives rotation, and holds no secret."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from structlog.testing import capture_logs

from hansa.base.telemetry.audit import AuditLog

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_says_when_what_who_and_how_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "log" / "audit.jsonl"
    audit = AuditLog(path, clock=lambda: NOON)
    with structlog.contextvars.bound_contextvars(request_id="req-1"):
        audit("identity.refused", user="/DC=org/CN=Álice\n", reason="banned", token="sesame", time="forged")
    audit.close()
    assert lines(path) == [
        {
            "time": "2026-01-02T12:00:00+00:00",
            "event": "identity.refused",
            "request_id": "req-1",
            "user": "/DC=org/CN=Álice\\x0a",
            "reason": "banned",
            "token": "***",
        }
    ]
    assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0


def test_a_rotated_file_is_left_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditLog(path)
    audit("one")
    path.rename(tmp_path / "audit.jsonl.1")
    audit("two")
    audit.close()
    audit("three")
    audit.close()
    assert [line["event"] for line in lines(path)] == ["two", "three"]
    assert [line["event"] for line in lines(tmp_path / "audit.jsonl.1")] == ["one"]


def test_a_line_that_cannot_be_written_is_told_to_the_ordinary_log(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    audit = AuditLog(tmp_path / "log/audit.jsonl")
    (tmp_path / "log/audit.jsonl").unlink()
    (tmp_path / "log").rmdir()
    with capture_logs() as logs:
        audit("lost", user="alice")
    assert logs[0]["event"] == "audit.not_written"
    assert logs[0]["line"]["user"] == "alice"


def test_without_a_file_lines_go_to_the_ordinary_log() -> None:
    with capture_logs() as logs:
        AuditLog()("server.created", user="alice")
    assert logs == [{"event": "server.created", "user": "alice", "log_level": "info"}]
