"""Errors are part of the interface: a typed class, a stable code, a sentence a user can act on.

Every refusal of a service is a `HansaError`. Faces translate the class into their protocol's status, never the text.
What went wrong inside (paths, SQL, stack) travels as `__cause__` and reaches the log only.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class HansaError(Exception):
    """Base of every refusal.

    `code` is stable and documented (docs/reference/errors.md); `status` is the HTTP status of native APIs (RFC 9457);
    `message` is safe to show to the caller and says what to do next; `details` holds further JSON members.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class BadRequest(HansaError):
    """The request can never be right as written. `details` may hold `field`, `line`, `column`."""

    code = "bad_request"
    status = 400


class Unauthenticated(HansaError):
    """No credential, or one that proves nothing. `details["reason"]` holds the code of the broken rule."""

    code = "unauthenticated"
    status = 401


class Forbidden(HansaError):
    """We know who you are, and you may not."""

    code = "forbidden"
    status = 403


class NotFound(HansaError):
    """There is no such thing, or it belongs to another project."""

    code = "not_found"
    status = 404


class Conflict(HansaError):
    """The thing's present state does not allow it (machine busy, name taken)."""

    code = "conflict"
    status = 409


class TooLarge(HansaError):
    """The request exceeds a documented bound."""

    code = "too_large"
    status = 413


class QuotaExceeded(HansaError):
    """The project's quota is used up. `details`: `resource`, `limit`, `used`, `requested`."""

    code = "quota_exceeded"
    status = 403


class TooManyRequests(HansaError):
    """Asked more often than people and their robots do."""

    code = "too_many_requests"
    status = 429


class Unsupported(HansaError):
    """The cloud below cannot do this. `details["ability"]` names what is missing."""

    code = "unsupported"
    status = 501


class CapacityExceeded(HansaError):
    """The host has no room now (memory, disk, ports); trying later or smaller may succeed."""

    code = "capacity_exceeded"
    status = 503


class BackendDown(HansaError):
    """An engine below does not answer (hypervisor missing, database away). `details` may hold `retry_after` seconds."""

    code = "backend_down"
    status = 503


class ConfigurationError(HansaError):
    """The configuration file or an environment override is wrong. `details["key"]` names the setting."""

    code = "configuration"
    status = 500
