"""Tables of accounts: what was told, what follows from it, by which credentials people are known, and our place in the feed."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime
from hansa.site.accounts.model import Account, Filter, Known, Position, Standing
from hansa.site.accounts.rules import Tally
from hansa.standards.memberfeed import Entry, Gone, Told, parse_entry, state_digest

metadata = sa.MetaData()

feed = sa.Table(
    "accounts_feed",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("lineage", sa.String(64), nullable=False),
    sa.Column("scope", sa.String(32), nullable=False),
    sa.Column("vos", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("head", sa.BigInteger, nullable=False),
    sa.Column("run", sa.String(64)),
    sa.Column("state", sa.String(64), nullable=False),
    sa.Column("issued", UtcDateTime),
    sa.Column("nonce", sa.String(64), nullable=False),
)
"""One row."""
members = sa.Table(
    "accounts_member",
    metadata,
    sa.Column("vo", sa.String(63), primary_key=True),
    sa.Column("uid", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("text", sa.LargeBinary),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("run", sa.String(64)),
    sa.Column("standing", sa.String(10), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", UtcDateTime, index=True),
    sa.Column("held", sa.String(10)),
    sa.Column("kept", sa.Boolean, nullable=False),
    sa.Column("counted", UtcDateTime),
    sa.Column("acted", UtcDateTime),
    sa.Column("withdrawn", sa.Text, nullable=False),
    sa.Index("ix_accounts_member_standing", "vo", "standing"),
    sa.Index("ix_accounts_member_counted", "vo", "counted"),
    sa.Index("ix_accounts_member_held", "vo", "held"),
)
"""`text`: the canonical entry; null for somebody the federation no longer tells of."""
credentials = sa.Table(
    "accounts_credential",
    metadata,
    sa.Column("vo", sa.String(63), primary_key=True),
    sa.Column("uid", sa.String(36), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True, index=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("usable", sa.Boolean, nullable=False),
    sa.ForeignKeyConstraint(["vo", "uid"], ["accounts_member.vo", "accounts_member.uid"], ondelete="CASCADE"),
)
_CHUNK = 400
_ONE = ("vo", "uid")
Uid = tuple[str, str]
"""VO and uid: one account."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An account with the digest of what was told of it."""

    account: Account
    digest: int


# Our place in the feed


def position(connection: Connection) -> Position:
    row = connection.execute(sa.select(feed)).first()
    if row is None:
        return Position()
    return Position(
        row.lineage,
        row.scope,
        tuple(json.loads(row.vos)),
        row.sequence,
        row.head,
        row.run,
        int(row.state, 16),
        row.issued,
        row.nonce,
    )


def set_position(connection: Connection, place: Position) -> None:
    values = {
        "lineage": place.lineage,
        "scope": place.scope,
        "vos": json.dumps(place.vos),
        "sequence": place.sequence,
        "head": place.head,
        "run": place.run,
        "state": _hex(place.state),
        "issued": place.issued,
        "nonce": place.nonce,
    }
    if not connection.execute(feed.update().values(**values)).rowcount:
        connection.execute(feed.insert().values(id=1, **values))


# Members


def load(connection: Connection, vo: str, uids: Sequence[str]) -> dict[str, Stored]:
    found: dict[str, Stored] = {}
    for at in range(0, len(uids), _CHUNK):
        query = sa.select(members).where(members.c.vo == vo, members.c.uid.in_(uids[at : at + _CHUNK]))
        found |= {row.uid: Stored(_account(row), int(row.digest, 16)) for row in connection.execute(query)}
    return found


def save(
    connection: Connection,
    accounts: Sequence[Account],
    told: Mapping[str, Told],
    known: Mapping[str, Stored],
    run: str | None,
) -> None:
    """Accounts of one VO, with what a page told of them; `known`: as they were."""
    rows = [_row(each) | _told(told[each.uid]) | {"run": run} for each in accounts]
    _insert(connection, members, [row for row in rows if row["uid"] not in known])
    _update(connection, members, [row for row in rows if row["uid"] in known])
    _save_credentials(connection, accounts, known)


def put(connection: Connection, accounts: Sequence[Account]) -> None:
    """Accounts that are there already, as they shall be; what was told of them stays."""
    _update(connection, members, [_row(each) for each in accounts])


def mark(connection: Connection, vo: str, uids: Sequence[str], run: str) -> None:
    """The snapshot names them."""
    for at in range(0, len(uids), _CHUNK):
        here = (members.c.vo == vo) & members.c.uid.in_(uids[at : at + _CHUNK])
        connection.execute(members.update().where(here).values(run=run))


def unmarked(connection: Connection, run: str) -> dict[str, int]:
    """VO -> how many told of before, whom the snapshot does not name."""
    query = sa.select(members.c.vo, sa.func.count()).where(*_unmarked(run)).group_by(members.c.vo)
    return {row[0]: row[1] for row in connection.execute(query)}


def some_unmarked(connection: Connection, run: str, vo: str, limit: int) -> dict[str, Stored]:
    query = sa.select(members).where(members.c.vo == vo, *_unmarked(run)).order_by(members.c.uid).limit(limit)
    return {row.uid: Stored(_account(row), int(row.digest, 16)) for row in connection.execute(query)}


def _unmarked(run: str) -> tuple[sa.ColumnElement[bool], ...]:
    return members.c.text.is_not(None), sa.or_(members.c.run.is_(None), members.c.run != run)


def state(connection: Connection) -> int:
    """The digest of all that is told of."""
    found = connection.execute(sa.select(members.c.digest).where(members.c.text.is_not(None))).scalars()
    return state_digest(0, added=[int(each, 16) for each in found])


def tally(connection: Connection, vo: str, since: datetime) -> Tally:
    """`since`: from when on losses count."""

    def count(*where: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(members).where(members.c.vo == vo, *where)
        return int(connection.execute(query).scalar_one())

    return Tally(
        active=count(members.c.standing == Standing.ACTIVE.value),
        lost=count(members.c.counted >= since, members.c.standing != Standing.ACTIVE.value),
        held=count(members.c.held > ""),  # not `IS NOT NULL`, for which SQLite takes no index
    )


def accounts(connection: Connection, wanted: Filter, *, limit: int, after: Uid = ("", "")) -> list[Account]:
    """In order of VO and uid."""
    query = sa.select(members).where(sa.tuple_(members.c.vo, members.c.uid) > sa.tuple_(*map(sa.literal, after)))
    exact = {"vo": wanted.vo, "uid": wanted.uid, "standing": wanted.standing and wanted.standing.value}
    for name, value in exact.items():
        if value is not None:
            query = query.where(members.c[name] == value)
    if wanted.held:
        query = query.where(members.c.held.is_not(None))
    return [_account(row) for row in connection.execute(query.order_by(members.c.vo, members.c.uid).limit(limit))]


def ended(connection: Connection, now: datetime, limit: int) -> list[Account]:
    """With access, though the end that was told has passed."""
    query = sa.select(members).where(members.c.until <= now, members.c.standing.in_(("active", "suspended")))
    return [_account(row) for row in connection.execute(query.limit(limit))]


def due(connection: Connection, left_before: datetime, limit: int) -> list[Account]:
    """Those whose grace is over; the longest first."""
    query = sa.select(members).where(members.c.standing == Standing.LEAVING.value, members.c.since <= left_before)
    return [_account(row) for row in connection.execute(query.order_by(members.c.since).limit(limit))]


def forget(connection: Connection, acted_before: datetime) -> int:
    """Those who went long ago and are no longer told of. How many."""
    old = (members.c.standing == Standing.GONE.value) & (members.c.acted < acted_before) & members.c.text.is_(None)
    return connection.execute(members.delete().where(old)).rowcount


def counts(connection: Connection) -> dict[str, int]:
    query = sa.select(members.c.standing, sa.func.count()).group_by(members.c.standing)
    return {row[0]: row[1] for row in connection.execute(query)}


def held(connection: Connection) -> int:
    query = sa.select(sa.func.count()).select_from(members).where(members.c.held.is_not(None))
    return int(connection.execute(query).scalar_one())


# Credentials


def holders(connection: Connection, known: Known) -> list[tuple[Account, bool]]:
    """The accounts that such a credential belongs or once belonged to, and whether it may still be used."""
    query = sa.select(members, credentials.c.usable).join(credentials).where(credentials.c.key == _key(known))
    return [(_account(row), row.usable) for row in connection.execute(query)]


def credentials_of(connection: Connection, vo: str, uid: str) -> list[Known]:
    query = sa.select(credentials).where(credentials.c.vo == vo, credentials.c.uid == uid)
    return [Known(row.kind, row.issuer, row.subject, row.usable) for row in connection.execute(query)]


def _save_credentials(connection: Connection, changed: Sequence[Account], known: Mapping[str, Stored]) -> None:
    """Those that are no longer told of stay, not to be used: they must not open the door another way."""
    new = [_credential_row(each, held) for each in changed if each.uid not in known for held in _held(each.entry)]
    old = [each for each in changed if each.uid in known]
    for each in old:
        before = {_key(held): held for held in credentials_of(connection, each.vo, each.uid)}
        now = {_key(held): held for held in _held(each.entry)} if each.entry else {}
        if before == now:
            continue
        here = (credentials.c.vo == each.vo) & (credentials.c.uid == each.uid)
        connection.execute(credentials.delete().where(here))
        lost = {key: Known(held.kind, held.issuer, held.subject, usable=False) for key, held in before.items()}
        new += [_credential_row(each, held) for held in (lost | now if each.entry else before).values()]
    _insert(connection, credentials, new)


def _held(entry: Entry | None) -> list[Known]:
    if entry is None:
        return []
    certificates = [Known("x509", each.issuer, each.subject, each.usable) for each in entry.certificates]
    found = [*certificates, *(Known("oidc", each.issuer, each.subject, each.usable) for each in entry.logins)]
    return list({_key(each): each for each in found}.values())


def _credential_row(account: Account, held: Known) -> dict[str, Any]:
    return {
        "vo": account.vo,
        "uid": account.uid,
        "key": _key(held),
        "kind": held.kind,
        "issuer": held.issuer,
        "subject": held.subject,
        "usable": held.usable,
    }


def _key(known: Known) -> str:
    return hashlib.sha256("\0".join((known.kind, known.issuer, known.subject)).encode()).hexdigest()


# Rows


def _account(row: Any) -> Account:
    entry = parse_entry(row.text) if row.text is not None else None
    assert not isinstance(entry, Gone)
    return Account(
        vo=row.vo,
        uid=row.uid,
        name=row.name,
        standing=Standing(row.standing),
        since=row.since,
        entry=entry,
        reason=row.reason,
        until=row.until,
        held=Standing(row.held) if row.held else None,
        kept=row.kept,
        counted=row.counted,
        acted=row.acted,
        withdrawn=tuple(json.loads(row.withdrawn)),
    )


def _row(account: Account) -> dict[str, Any]:
    return {
        "vo": account.vo,
        "uid": account.uid,
        "name": account.name,
        "standing": account.standing.value,
        "since": account.since,
        "reason": account.reason,
        "until": account.until,
        "held": account.held and account.held.value,
        "kept": account.kept,
        "counted": account.counted,
        "acted": account.acted,
        "withdrawn": json.dumps(account.withdrawn),
    }


def _told(told: Told) -> dict[str, Any]:
    return {"text": None if isinstance(told.entry, Gone) else told.text, "digest": _hex(told.digest)}


def _insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), list(rows))


def _update(connection: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows with all the same columns, by their primary key."""
    changes = [{**{f"at_{name}": row[name] for name in _ONE}, **row} for row in rows]
    if not changes:
        return
    here = sa.and_(*(table.c[name] == sa.bindparam(f"at_{name}") for name in _ONE))
    values: dict[str, Any] = {
        name: sa.bindparam(name) for name in changes[0] if not name.startswith("at_") and name not in _ONE
    }
    connection.execute(table.update().where(here).values(values), changes)


def _hex(number: int) -> str:
    return f"{number:064x}"
