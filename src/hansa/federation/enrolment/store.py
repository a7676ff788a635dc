"""Tables and queries of enrolment.

`open_key` and `login_key` are set while an application is open, and unique: one open application for a person and VO, and one
claim to a login, whoever comes at the same time. Links are kept as hashes; passwords leave with the decision.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime
from hansa.federation.enrolment.model import OPEN, Application, Kind, Link, Page, Purpose, State
from hansa.federation.membership.model import Credential, Subject
from hansa.federation.membership.names import search_key
from hansa.federation.membership.store.persons import known_credential, texts

metadata = sa.MetaData()
applications = sa.Table(
    "enrolment_application",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.String(63), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("group", sa.String(800), nullable=False),
    sa.Column("state", sa.String(15), nullable=False),
    sa.Column("person", sa.String(36), index=True),
    sa.Column("credential", sa.String(10), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("applicant", sa.String(64), nullable=False, index=True),
    sa.Column("given_name", sa.String(200), nullable=False),
    sa.Column("surname", sa.String(200), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("motivation", sa.Text, nullable=False),
    sa.Column("login", sa.String(32)),
    sa.Column("password", sa.String(255)),
    sa.Column("locale", sa.String(35), nullable=False),
    sa.Column("aup", sa.String(50)),
    sa.Column("answers", sa.Text, nullable=False),
    sa.Column("submitted", UtcDateTime, nullable=False),
    sa.Column("changed", UtcDateTime, nullable=False),
    sa.Column("expires", UtcDateTime, nullable=False),
    sa.Column("decided_by", sa.String(500), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("same_as", sa.String(36)),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("open_key", sa.String(64), unique=True),
    sa.Column("login_key", sa.String(32), unique=True),
    sa.Index("enrolment_application_queue", "vo", "state", "id"),
    sa.Index("enrolment_application_vo", "vo", "id"),
    sa.Index("enrolment_application_expiry", "state", "expires"),
)
"""`credential`, `subject`, `issuer`: as in `membership_credential`. `applicant`: hash of the three."""
links = sa.Table(
    "enrolment_link",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("purpose", sa.String(10), nullable=False),
    sa.Column("application", sa.Integer, sa.ForeignKey("enrolment_application.id", ondelete="CASCADE"), index=True),
    sa.Column("vo", sa.String(63), nullable=False),
    sa.Column("person", sa.String(36)),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("created", UtcDateTime, nullable=False),
    sa.Column("expires", UtcDateTime, nullable=False, index=True),
    sa.Column("used", UtcDateTime),
    sa.Index("enrolment_link_email", "email", "created"),
)
notices = sa.Table(
    "enrolment_notice",
    metadata,
    sa.Column("vo", sa.String(63), primary_key=True),
    sa.Column("person", sa.String(36), primary_key=True),
    sa.Column("what", sa.String(20), primary_key=True),
    sa.Column("until", UtcDateTime, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""What a member was told about one end of the membership, so that nobody is told twice."""
cursors = sa.Table(
    "enrolment_cursor",
    metadata,
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)
"""How far the registry's history was followed."""
rules = sa.Table(
    "enrolment_rules",
    metadata,
    sa.Column("vo", sa.String(63), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("changed", UtcDateTime, nullable=False),
)
_IS_OPEN = applications.c.state.in_([state.value for state in OPEN])


def hashed(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def applicant_key(credential: Credential | Subject) -> str:
    return hashed(_kind(credential), *texts(credential))


def insert(connection: Connection, application: Application, password: str | None) -> Application:
    """The given `id` is not looked at. Ask `open_of` and `claims` first: the keys are unique."""
    query = applications.insert().values(**columns(application, password)).returning(applications.c.id)
    return load(connection, connection.execute(query).scalar_one())


def columns(application: Application, password: str | None) -> dict[str, Any]:
    """An open application as its row."""
    subject, issuer = texts(application.credential)
    who = application.person or applicant_key(application.credential)
    return {name: getattr(application, name) for name in _SAME} | {
        "kind": application.kind.value,
        "state": application.state.value,
        "credential": _kind(application.credential),
        "subject": subject,
        "issuer": issuer,
        "applicant": applicant_key(application.credential),
        "answers": json.dumps(dict(application.answers), ensure_ascii=False),
        "password": password,
        "search": _searchable(application),
        "open_key": hashed(application.vo, application.group, who),
        "login_key": application.login,
    }


def load(connection: Connection, number: int) -> Application:
    found = find(connection, number)
    assert found is not None
    return found


def find(connection: Connection, number: int) -> Application | None:
    row = connection.execute(sa.select(applications).where(applications.c.id == number)).one_or_none()
    return None if row is None else _application(row)


def password(connection: Connection, number: int) -> str | None:
    """The hash that the person will have."""
    found: str | None = connection.execute(
        sa.select(applications.c.password).where(applications.c.id == number)
    ).scalar_one()
    return found


def update(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(applications.update().where(applications.c.id == number).values(**values))


def move(connection: Connection, number: int, state: State, now: datetime, **values: Any) -> Application:
    """Into a state; an application that ends gives its keys back and forgets the password."""
    ended = {} if state.is_open else {"open_key": None, "login_key": None, "password": None}
    update(connection, number, state=state.value, changed=now, **ended, **values)
    return load(connection, number)


def open_of(
    connection: Connection, vo: str, group: str, credential: Credential | Subject | None, person: str | None
) -> int | None:
    """The open application of this person, or of the holder of this credential."""
    owners = [owner for owner in (person, credential and applicant_key(credential)) if owner]
    keys = [hashed(vo, group, owner) for owner in owners]
    return connection.execute(sa.select(applications.c.id).where(applications.c.open_key.in_(keys)).limit(1)).scalar()


def claims(connection: Connection, login: str) -> int | None:
    """The open application that wants this login."""
    return connection.execute(sa.select(applications.c.id).where(applications.c.login_key == login)).scalar()


def of_applicant(
    connection: Connection, credential: Credential | Subject | None, person: str | None, limit: int
) -> list[Application]:
    """Newest first."""
    query = sa.select(applications).where(_is_by(credential, person)).order_by(applications.c.id.desc()).limit(limit)
    return [_application(row) for row in connection.execute(query)]


def since(connection: Connection, credential: Credential | Subject, moment: datetime) -> int:
    """How many applications came from this credential since then."""
    query = sa.select(sa.func.count()).where(
        applications.c.applicant == applicant_key(credential), applications.c.submitted >= moment
    )
    return int(connection.execute(query).scalar_one())


def listed(
    connection: Connection,
    vo: str,
    *,
    state: State | None,
    groups: Sequence[str] | None,
    search: str,
    after: int | None,
    limit: int,
) -> Page:
    """Newest first. `groups`: only applications to them and to those below; None for all. `after`: a number to go on below."""
    query = sa.select(applications).where(applications.c.vo == vo)
    if state:
        query = query.where(applications.c.state == state.value)
    if groups is not None:
        query = query.where(sa.or_(sa.false(), *(_at_or_below(path) for path in groups)))
    for word in search_key(search).split()[:8]:
        query = query.where(applications.c.search.contains(word, autoescape=True))
    if after is not None:
        query = query.where(applications.c.id < after)
    rows = connection.execute(query.order_by(applications.c.id.desc()).limit(limit + 1)).all()
    items = tuple(_application(row) for row in rows[:limit])
    return Page(items, items[-1].id if len(rows) > limit else None)


def waiting(connection: Connection, vo: str, limit: int) -> int:
    """How many wait for a decision, counted up to `limit`."""
    this = (applications.c.vo == vo) & (applications.c.state == State.MAIL_VERIFIED.value)
    some = sa.select(applications.c.id).where(this).limit(limit).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def stale(connection: Connection, now: datetime, limit: int) -> list[Application]:
    """Open ones whose time is up."""
    query = sa.select(applications).where(_IS_OPEN, applications.c.expires <= now)
    return [_application(row) for row in connection.execute(query.order_by(applications.c.expires).limit(limit))]


def insert_link(connection: Connection, token: str, link: Link, now: datetime) -> None:
    values = {
        "hash": hashed(token),
        "purpose": link.purpose.value,
        "application": link.application,
        "vo": link.vo,
        "person": link.person,
        "email": link.email,
        "created": now,
        "expires": link.expires,
    }
    connection.execute(links.insert().values(**values))


def find_link(connection: Connection, token: str) -> Link | None:
    row = connection.execute(sa.select(links).where(links.c.hash == hashed(token))).one_or_none()
    if row is None:
        return None
    return Link(Purpose(row.purpose), row.vo, row.email, row.expires, row.used, row.application, row.person)


def use_link(connection: Connection, token: str, now: datetime) -> None:
    connection.execute(links.update().where(links.c.hash == hashed(token)).values(used=now))


def letters_to(connection: Connection, email: str, moment: datetime) -> int:
    """How many links were mailed to that address since then."""
    query = sa.select(sa.func.count()).where(links.c.email == email, links.c.created >= moment)
    return int(connection.execute(query).scalar_one())


def latest_letter(connection: Connection, application: int) -> tuple[int, datetime | None]:
    """How many links an application has had, and when the last was made."""
    query = sa.select(sa.func.count(), sa.func.max(links.c.created)).where(links.c.application == application)
    count, last = connection.execute(query).one()
    return count, last


def end_links(connection: Connection, application: int, now: datetime) -> None:
    """Earlier unused links of an application no longer serve."""
    unused = (links.c.application == application) & links.c.used.is_(None) & (links.c.expires > now)
    connection.execute(links.update().where(unused).values(expires=now))


def forget_links(connection: Connection, before: datetime) -> int:
    return connection.execute(links.delete().where(links.c.expires < before)).rowcount


def notice(connection: Connection, vo: str, person: str, what: str, until: datetime, step: int, now: datetime) -> bool:
    """Note that somebody was told; False if they had been already."""
    this = {"vo": vo, "person": person, "what": what, "until": until, "step": step}
    query = sa.select(sa.literal(1)).where(*(notices.c[name] == value for name, value in this.items()))
    if connection.execute(query).first():
        return False
    connection.execute(notices.insert().values(**this, at=now))
    return True


def noticed_at(connection: Connection, vo: str, person: str, what: str, until: datetime) -> datetime | None:
    """When somebody was told; None if they were not."""
    this = (notices.c.vo == vo) & (notices.c.person == person) & (notices.c.what == what) & (notices.c.until == until)
    return connection.execute(sa.select(sa.func.min(notices.c.at)).where(this)).scalar()


def load_cursor(connection: Connection, name: str) -> int | None:
    return connection.execute(sa.select(cursors.c.seq).where(cursors.c.name == name)).scalar()


def save_cursor(connection: Connection, name: str, seq: int) -> None:
    connection.execute(cursors.delete().where(cursors.c.name == name))
    connection.execute(cursors.insert().values(name=name, seq=seq))


def load_rules(connection: Connection, vo: str) -> Any:
    """The document as it was stored, None if there is none."""
    text = connection.execute(sa.select(rules.c.document).where(rules.c.vo == vo)).scalar()
    return None if text is None else json.loads(text)


def save_rules(connection: Connection, vo: str, document: str, now: datetime) -> None:
    connection.execute(rules.delete().where(rules.c.vo == vo))
    connection.execute(rules.insert().values(vo=vo, document=document, changed=now))


_SAME = (
    "vo",
    "group",
    "person",
    "given_name",
    "surname",
    "email",
    "motivation",
    "login",
    "locale",
    "aup",
    "submitted",
    "changed",
    "expires",
    "decided_by",
    "reason",
    "same_as",
)
"""Columns that are in the table as they are in an Application."""


def _application(row: Any) -> Application:
    values: Mapping[str, Any] = {name: getattr(row, name) for name in _SAME}
    known = known_credential(0, row.credential, row.subject, row.issuer, None, None)
    return Application(
        id=row.id,
        kind=Kind(row.kind),
        state=State(row.state),
        credential=known.credential,
        answers=json.loads(row.answers),
        **values,
    )


def _kind(credential: Credential | Subject) -> str:
    return "x509" if isinstance(credential, Credential) else "subject"


def _is_by(credential: Credential | Subject | None, person: str | None) -> sa.ColumnElement[bool]:
    ways: list[sa.ColumnElement[bool]] = [sa.false()]
    if credential is not None:
        ways.append(applications.c.applicant == applicant_key(credential))
    if person is not None:
        ways.append(applications.c.person == person)
    return sa.or_(*ways)


def _at_or_below(path: str) -> sa.ColumnElement[bool]:
    return (applications.c.group == path) | applications.c.group.startswith(path + "/", autoescape=True)


def _searchable(application: Application) -> str:
    held = application.credential
    subject = held.subject.slash() if isinstance(held, Credential) else held.subject
    return search_key("\n".join((application.name, application.email, application.login or "", subject)))
