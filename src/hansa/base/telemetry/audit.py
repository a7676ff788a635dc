"""The audit log: who did what, and how it ended. JSON lines, only ever appended to, apart from the ordinary log.

    audit("identity.refused", user="/DC=org/CN=Alice", code="forbidden", reason="banned", client="192.0.2.7")

Each line has `time`, `event`, the `request_id` if there is one, and the fields. logrotate may move the file: the next line
opens a new one. A line that cannot be written goes to the ordinary log and is counted; the request goes on.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from hansa.base.telemetry import metrics
from hansa.base.telemetry.redaction import redact
from hansa.base.telemetry.requests import current_request_id

log = structlog.stdlib.get_logger("hansa.audit")


class AuditLog:
    """Appends to the file `path`, made with mode 0640; without a path, lines go to the ordinary log as `hansa.audit`."""

    def __init__(self, path: Path | None = None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._clock = clock
        self._file = -1
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open(path)

    def __call__(self, event: str, /, **fields: object) -> None:
        if self._path is None:
            log.info(event, **fields)
            return
        line = {"time": self._clock().isoformat(), "event": event, "request_id": current_request_id()}
        line |= redact(None, "", {name: value for name, value in fields.items() if name not in line})
        try:
            self._append(self._path, json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
        except OSError as error:
            metrics.audit_failures.inc()
            log.exception("audit.not_written", error=str(error), line=line)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, path: Path, line: bytes) -> None:
        here = os.fstat(self._file) if self._file >= 0 else None
        if here is None or not path.exists() or not os.path.samestat(here, path.stat()):
            self.close()
            self._open(path)
        os.write(self._file, line)  # one write: lines of several processes do not mix

    def _open(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
