"""What was proved a moment ago need not be proved again."""

from collections import OrderedDict
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """At most `size` values by key; each holds until its time, and only for the very snapshots it was proved against."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, tuple[T, datetime, tuple[object, ...]]] = OrderedDict()

    def get(self, key: bytes, now: datetime, *snapshots: object) -> T | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, until, proved_against = entry
        if now >= until or any(then is not current for then, current in zip(proved_against, snapshots, strict=True)):
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: bytes, value: T, until: datetime, *snapshots: object) -> None:
        self._entries[key] = (value, until, snapshots)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
