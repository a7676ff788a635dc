"""Times as clients of Keystone write them: ISO 8601, in UTC if they name no zone."""

from datetime import UTC, datetime

from hansa.base.errors import BadRequest

MAX_LENGTH = 40


def parse_time(text: str, field: str) -> datetime:
    """BadRequest for what is no time."""
    try:
        found = datetime.fromisoformat(text) if len(text) <= MAX_LENGTH else None
    except ValueError:
        found = None
    if found is None:
        raise BadRequest(f"'{field}' is not a time such as 2026-01-31T12:00:00Z.", field=field)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else _utc(found, field)


def _utc(time: datetime, field: str) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise BadRequest(f"'{field}' lies beyond all calendars.", field=field) from None
