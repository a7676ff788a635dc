"""The table of queued messages.

A message that is under way carries the `owner` that took it, and is `due` again when the owner's time is up. Its content is
dropped when it was sent: it may hold a one-time link.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime
from hansa.base.mail.model import Envelope, Mail, MailState

metadata = sa.MetaData()
mails = sa.Table(
    "mail_message",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("about", sa.String(60), nullable=False),
    sa.Column("recipient", sa.String(254), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("queued", UtcDateTime, nullable=False),
    sa.Column("due", UtcDateTime, nullable=False),
    sa.Column("ended", UtcDateTime),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("owner", sa.String(200)),
    sa.Index("mail_message_due", "state", "due"),
)
_SHOWN = [mails.c[name] for name in Mail.__slots__]


def insert(connection: Connection, *, about: str, recipient: str, subject: str, content: bytes, now: datetime) -> int:
    values = {
        "about": about,
        "recipient": recipient,
        "subject": subject,
        "content": content,
        "state": MailState.WAITING.value,
        "attempts": 0,
        "queued": now,
        "due": now,
        "error": "",
    }
    return int(connection.execute(mails.insert().values(**values).returning(mails.c.id)).scalar_one())


def claim(connection: Connection, owner: str, now: datetime, lease: timedelta, limit: int) -> list[Envelope]:
    """Take what is due for `lease`."""
    query = sa.select(mails.c.id, mails.c.queued, mails.c.recipient, mails.c.content)
    query = query.where(mails.c.state == MailState.WAITING.value, mails.c.due <= now)
    rows = connection.execute(query.order_by(mails.c.due, mails.c.id).limit(limit).with_for_update(skip_locked=True))
    taken = [Envelope(row.id, row.queued, row.recipient, row.content) for row in rows]
    mine = mails.update().where(mails.c.id.in_([each.id for each in taken]))
    connection.execute(mine.values(owner=owner, due=now + lease, attempts=mails.c.attempts + 1))
    return taken


def release(connection: Connection, now: datetime, is_dead: Callable[[str], bool]) -> None:
    """What owners that died had taken is due at once."""
    query = sa.select(mails.c.owner).where(mails.c.state == MailState.WAITING.value, mails.c.owner.is_not(None))
    dead = [owner for owner in connection.execute(query.distinct()).scalars() if is_dead(owner)]
    connection.execute(mails.update().where(mails.c.owner.in_(dead)).values(owner=None, due=now))


def sent(connection: Connection, number: int, now: datetime) -> None:
    values = {"state": MailState.SENT.value, "ended": now, "content": b"", "error": "", "owner": None}
    connection.execute(mails.update().where(mails.c.id == number).values(**values))


def deferred(connection: Connection, number: int, due: datetime, error: str) -> None:
    connection.execute(mails.update().where(mails.c.id == number).values(due=due, error=error, owner=None))


def failed(connection: Connection, number: int, now: datetime, error: str) -> None:
    values = {"state": MailState.FAILED.value, "ended": now, "error": error, "owner": None}
    connection.execute(mails.update().where(mails.c.id == number).values(**values))


def again(connection: Connection, number: int, now: datetime) -> bool:
    """A failed message waits once more, as if queued now. False if there is no such failed message."""
    this = (mails.c.id == number) & (mails.c.state == MailState.FAILED.value)
    values = {"state": MailState.WAITING.value, "attempts": 0, "queued": now, "due": now, "ended": None}
    return connection.execute(mails.update().where(this).values(**values)).rowcount > 0


def tried(connection: Connection, number: int) -> tuple[int, datetime]:
    """How often, and since when."""
    query = sa.select(mails.c.attempts, mails.c.queued).where(mails.c.id == number)
    row = connection.execute(query).one()
    return row.attempts, row.queued


def forget(connection: Connection, before: datetime) -> int:
    """Remove what ended before; how many."""
    return connection.execute(mails.delete().where(mails.c.ended < before)).rowcount


def listed(connection: Connection, state: MailState | None, limit: int) -> list[Mail]:
    """The latest first."""
    query = sa.select(*_SHOWN).order_by(mails.c.id.desc()).limit(limit)
    if state:
        query = query.where(mails.c.state == state.value)
    return [_mail(row) for row in connection.execute(query)]


def content(connection: Connection, number: int) -> tuple[Mail, bytes] | None:
    row = connection.execute(sa.select(*_SHOWN, mails.c.content).where(mails.c.id == number)).one_or_none()
    return None if row is None else (_mail(row[:-1]), row.content)


def waiting(connection: Connection) -> int:
    query = sa.select(sa.func.count()).where(mails.c.state == MailState.WAITING.value)
    return int(connection.execute(query).scalar_one())


def _mail(row: Sequence[Any]) -> Mail:
    values = dict(zip(Mail.__slots__, row, strict=False))
    return Mail(**{**values, "state": MailState(values["state"])})
