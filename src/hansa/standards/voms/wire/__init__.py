"""The VOMS protocol: requests and replies as values, and both dialects they travel in (`rest`, `legacy`).

A server looks at the first bytes: `G` or `0G` begins the REST dialect, `<` or `0<` the legacy one (`dialect_of`).
"""

from enum import Enum

from hansa.standards.voms.wire import legacy, rest
from hansa.standards.voms.wire.encoding import MAX_REPLY_BYTES
from hansa.standards.voms.wire.messages import (
    MAX_REQUEST_BYTES,
    AcReply,
    AcRequest,
    ErrorReply,
    ListReply,
    Notice,
    Refusal,
    Reply,
    Warn,
    command,
    parse_wanted,
)


class Dialect(Enum):
    """How a client speaks."""

    REST = "rest"
    LEGACY = "legacy"


def dialect_of(data: bytes) -> Dialect | None:
    """The dialect that the first bytes of a connection begin; None if they do not tell yet."""
    start = data.removeprefix(b"0")
    if not start:
        return None
    return Dialect.LEGACY if start.startswith(b"<") else Dialect.REST


__all__ = [
    "MAX_REPLY_BYTES",
    "MAX_REQUEST_BYTES",
    "AcReply",
    "AcRequest",
    "Dialect",
    "ErrorReply",
    "ListReply",
    "Notice",
    "Refusal",
    "Reply",
    "Warn",
    "command",
    "dialect_of",
    "legacy",
    "parse_wanted",
    "rest",
]
