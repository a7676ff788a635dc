"""Tables of propagation: every member as sites are told (a projection of the registry, numbered by change), and the sites."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime
from hansa.federation.membership.model import Credential
from hansa.federation.propagation.model import Delivery, Lag, Place, Site
from hansa.standards.memberfeed import state_digest
from hansa.standards.x509 import Name

metadata = sa.MetaData()

state = sa.Table(
    "propagation_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("lineage", sa.String(64), nullable=False),
    sa.Column("cursor", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("horizon", sa.BigInteger, nullable=False),
    sa.Column("ready", sa.Boolean, nullable=False),
)
"""One row. `cursor`: the last change of the registry that was taken over."""
entries = sa.Table(
    "propagation_entry",
    metadata,
    sa.Column("vo", sa.String(63), primary_key=True),
    sa.Column("uid", sa.String(36), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
    sa.Column("changed", UtcDateTime, nullable=False),
    sa.Column("text", sa.LargeBinary),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Index("ix_propagation_entry_vo", "vo", "sequence"),
)
"""`text`: the canonical entry; null for somebody who has gone."""
digests = sa.Table(
    "propagation_vo",
    metadata,
    sa.Column("vo", sa.String(63), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
)
scans = sa.Table(
    "propagation_scan",
    metadata,
    sa.Column("vo", sa.String(63), primary_key=True),
    sa.Column("position", sa.String(36), nullable=False),
)
"""VOs to be compared with the registry from `position` (a uid) on."""
sites = sa.Table(
    "propagation_site",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("created", UtcDateTime, nullable=False),
    sa.Column("subject", sa.Text),
    sa.Column("issuer", sa.Text),
    sa.Column("jwk", sa.Text),
    sa.Column("url", sa.Text),
)
site_vos = sa.Table(
    "propagation_site_vo",
    metadata,
    sa.Column("site", sa.String(100), sa.ForeignKey("propagation_site.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("vo", sa.String(63), primary_key=True),
)
deliveries = sa.Table(
    "propagation_delivery",
    metadata,
    sa.Column("site", sa.String(100), sa.ForeignKey("propagation_site.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("lineage", sa.String(64), nullable=False),
    sa.Column("confirmed", sa.BigInteger, nullable=False),
    sa.Column("seen", UtcDateTime),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("next_attempt", UtcDateTime),
)
_CHUNK = 500
_NOTHING = "0" * 64


@dataclass(frozen=True, slots=True)
class Row:
    vo: str
    uid: str
    sequence: int
    text: bytes | None


# The projection


def place(connection: Connection) -> Place | None:
    """None before the first look at the registry."""
    found = connection.execute(sa.select(state)).first()
    return Place(found.lineage, found.sequence, found.horizon, found.ready) if found else None


def begin(connection: Connection, lineage: str, cursor: int, vos: Iterable[str]) -> None:
    """The feed's first line: everything that the registry has is yet to be read."""
    connection.execute(state.insert().values(id=1, lineage=lineage, cursor=cursor, sequence=0, horizon=0, ready=False))
    for vo in vos:
        ask_scan(connection, vo)


def cursor(connection: Connection) -> int:
    return int(connection.execute(sa.select(state.c.cursor)).scalar_one())


def set_cursor(connection: Connection, value: int) -> None:
    connection.execute(state.update().values(cursor=value))


def set_ready(connection: Connection) -> None:
    connection.execute(state.update().values(ready=True))


def ask_scan(connection: Connection, vo: str) -> None:
    """From the beginning, also if one is under way."""
    finish_scan(connection, vo)
    connection.execute(scans.insert().values(vo=vo, position=""))


def next_scan(connection: Connection) -> tuple[str, str] | None:
    found = connection.execute(sa.select(scans.c.vo, scans.c.position).order_by(scans.c.vo).limit(1)).first()
    return (found.vo, found.position) if found else None


def move_scan(connection: Connection, vo: str, position: str) -> None:
    connection.execute(scans.update().where(scans.c.vo == vo).values(position=position))


def finish_scan(connection: Connection, vo: str) -> None:
    connection.execute(scans.delete().where(scans.c.vo == vo))


def put(connection: Connection, vo: str, told: dict[str, tuple[bytes | None, int]], now: datetime) -> list[str]:
    """Take over the entries of these people (uid -> text and digest, None for gone); gives those that are news."""
    known = {row.uid: row for row in _known(connection, vo, list(told))}
    news = [uid for uid in sorted(told) if _is_news(known.get(uid), told[uid])]
    if not news:
        return []
    last = int(connection.execute(sa.select(state.c.sequence)).scalar_one())
    rows = [
        {
            "vo": vo,
            "uid": uid,
            "sequence": last + number,
            "changed": now,
            "text": told[uid][0],
            "digest": _hex(told[uid][1]),
        }
        for number, uid in enumerate(news, 1)
    ]
    _replace(connection, rows, known)
    connection.execute(state.update().values(sequence=last + len(news)))
    _add_up(
        connection,
        vo,
        added=[told[uid][1] for uid in news],
        removed=[int(known[uid].digest, 16) for uid in news if uid in known],
    )
    return news


def _is_news(known: Any, told: tuple[bytes | None, int]) -> bool:
    if known is None:
        return told[0] is not None
    return bool(known.digest != _hex(told[1]))


def _known(connection: Connection, vo: str, uids: Sequence[str]) -> Iterable[Any]:
    query = sa.select(entries.c.uid, entries.c.digest).where(entries.c.vo == vo)
    for at in range(0, len(uids), _CHUNK):
        yield from connection.execute(query.where(entries.c.uid.in_(uids[at : at + _CHUNK])))


def _replace(connection: Connection, rows: Sequence[dict[str, Any]], known: Collection[str]) -> None:
    new = [row for row in rows if row["uid"] not in known]
    old = [row | {"at_vo": row["vo"], "at_uid": row["uid"]} for row in rows if row["uid"] in known]
    if new:
        connection.execute(entries.insert(), new)
    if old:
        at = (entries.c.vo == sa.bindparam("at_vo")) & (entries.c.uid == sa.bindparam("at_uid"))
        connection.execute(entries.update().where(at), old)


def _add_up(connection: Connection, vo: str, *, added: Sequence[int], removed: Sequence[int]) -> None:
    before = connection.execute(sa.select(digests.c.digest).where(digests.c.vo == vo)).scalar()
    if before is None:
        connection.execute(digests.insert().values(vo=vo, digest=_NOTHING))
    total = state_digest(int(before or _NOTHING, 16), added=added, removed=removed)
    connection.execute(digests.update().where(digests.c.vo == vo).values(digest=_hex(total)))


def present(connection: Connection, vo: str, after: str, limit: int) -> list[str]:
    """The uids that are told of, in order."""
    query = sa.select(entries.c.uid).where(entries.c.vo == vo, entries.c.uid > after, entries.c.text.is_not(None))
    return list(connection.execute(query.order_by(entries.c.uid).limit(limit)).scalars())


def rows(connection: Connection, vos: Sequence[str], after: int, limit: int) -> list[Row]:
    """The next ones of these VOs, in order. One by one: over several, SQLite would sort all that they have."""
    query = sa.select(entries.c.vo, entries.c.uid, entries.c.sequence, entries.c.text)
    query = query.where(entries.c.sequence > after).order_by(entries.c.sequence).limit(limit)
    found = (Row(*row) for vo in vos for row in connection.execute(query.where(entries.c.vo == vo)))
    return sorted(found, key=lambda row: row.sequence)[:limit]


def digest(connection: Connection, vos: Sequence[str]) -> int:
    """Of all entries of these VOs."""
    found = connection.execute(sa.select(digests.c.digest).where(digests.c.vo.in_(vos))).scalars()
    return state_digest(0, added=[int(each, 16) for each in found])


def changed_vos(connection: Connection, after: int) -> set[str]:
    query = sa.select(entries.c.vo).where(entries.c.sequence > after).distinct()
    return set(connection.execute(query).scalars())


def forget(connection: Connection, before: datetime) -> int:
    """Those who went before that moment; a site that has not heard of it begins anew. How many."""
    old = (entries.c.text.is_(None)) & (entries.c.changed < before)
    last = connection.execute(sa.select(sa.func.max(entries.c.sequence)).where(old)).scalar()
    if last is None:
        return 0
    gone = connection.execute(entries.delete().where(old)).rowcount
    connection.execute(state.update().where(state.c.horizon < last).values(horizon=last))
    return gone


# Sites


def insert_site(connection: Connection, site: Site) -> None:
    holder = site.certificate
    connection.execute(
        sites.insert().values(
            name=site.name,
            created=site.created,
            subject=holder and holder.subject.rfc4514(),
            issuer=holder and holder.issuer.rfc4514(),
            jwk=site.jwk,
            url=site.url,
        )
    )
    connection.execute(deliveries.insert().values(site=site.name, lineage="", confirmed=0, failures=0, error=""))
    set_vos(connection, site.name, site.vos)


def set_vos(connection: Connection, site: str, vos: Sequence[str]) -> None:
    connection.execute(site_vos.delete().where(site_vos.c.site == site))
    if vos:
        connection.execute(site_vos.insert(), [{"site": site, "vo": vo} for vo in vos])


def delete_site(connection: Connection, name: str) -> bool:
    return connection.execute(sites.delete().where(sites.c.name == name)).rowcount > 0


def load_sites(connection: Connection, *where: sa.ColumnElement[bool]) -> list[Site]:
    held: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(site_vos).order_by(site_vos.c.vo)):
        held.setdefault(row.site, []).append(row.vo)
    found = connection.execute(sa.select(sites).where(*where).order_by(sites.c.name))
    return [Site(row.name, row.created, tuple(held.get(row.name, ())), _holder(row), row.jwk, row.url) for row in found]


def site(connection: Connection, name: str) -> Site | None:
    return next(iter(load_sites(connection, sites.c.name == name)), None)


def sites_of_certificate(connection: Connection, holder: Credential) -> list[Site]:
    """Several sites may be run from one host."""
    subject, issuer = holder.subject.rfc4514(), holder.issuer.rfc4514()
    return load_sites(connection, sites.c.subject == subject, sites.c.issuer == issuer)


def _holder(row: Any) -> Credential | None:
    if row.subject is None:
        return None
    return Credential(Name.parse_rfc4514(row.subject), Name.parse_rfc4514(row.issuer))


def load_deliveries(connection: Connection) -> dict[str, Delivery]:
    return {row.site: Delivery(**row._mapping) for row in connection.execute(sa.select(deliveries))}


def save_deliveries(connection: Connection, told: Iterable[Delivery]) -> None:
    """Of sites that are still there."""
    for each in told:
        values = {name: getattr(each, name) for name in deliveries.c.keys() if name != "site"}  # noqa: SIM118
        connection.execute(deliveries.update().where(deliveries.c.site == each.site).values(**values))


def lag(connection: Connection, vos: Sequence[str], after: int) -> Lag:
    query = sa.select(sa.func.count(), sa.func.min(entries.c.changed))
    count, since = connection.execute(query.where(entries.c.vo.in_(vos), entries.c.sequence > after)).one()
    return Lag(count, since)


def _hex(number: int) -> str:
    return f"{number:064x}"
