"""Logs: one event a line on standard error, JSON for machines or coloured text for people, with the request's id.

What libraries log through `logging` comes out the same way.
"""

import logging
import sys
from typing import Literal, TextIO

import structlog
from pydantic import Field
from structlog.types import Processor

from hansa.base.config import Settings
from hansa.base.telemetry.redaction import redact

Level = Literal["debug", "info", "warning", "error"]
QUIET = {
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "asyncio": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
}


class LogSettings(Settings):
    level: Level = Field("info", description="The least important events that are written.")
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else JSON lines."
    )


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set the whole process's logging up; calling again replaces it. `stream` defaults to standard error."""
    output = stream or sys.stderr
    console = settings.format == "console" or (settings.format == "auto" and output.isatty())
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=_rendering(console)))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(settings.level.upper())
    logging.captureWarnings(True)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(max(level, logging.root.level))


def _rendering(console: bool) -> list[Processor]:
    # Tracebacks are plain text: the fancy ones show local variables, and those hold secrets.
    cleaning: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
    ]
    if not console:
        return [*cleaning, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [
        *cleaning,
        structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=structlog.dev.plain_traceback),
    ]
