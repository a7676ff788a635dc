"""Who is exported."""

from collections.abc import Iterable
from datetime import datetime

from hansa.standards.memberfeed import Certificate, Entry, MemberState


def present(entries: Iterable[Entry], now: datetime) -> list[Entry]:
    """Members who may come in now, by VO and uid."""
    found = [each for each in entries if each.state is MemberState.ACTIVE and (each.until is None or each.until > now)]
    return sorted(found, key=lambda each: (each.vo, each.uid))


def certificates(entry: Entry) -> list[Certificate]:
    """Those that may be used, the newest last."""
    return [each for each in entry.certificates if each.usable]
