"""One act on the registry: who does it, when, and in which transaction. What it changes is noted in that transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from hansa.federation.membership.model import SYSTEM
from hansa.federation.membership.store import changes


@dataclass(frozen=True, slots=True)
class Act:
    """`actor`: the uid of the person who asked for it, or who else did."""

    connection: Connection
    now: datetime
    actor: str = SYSTEM

    def note(self, event: str, *, vo: str | None = None, person: str | None = None, **details: object) -> None:
        """Into the history that others follow (`membership_change`)."""
        changes.insert(self.connection, self.now, self.actor, vo, person, event, details)
