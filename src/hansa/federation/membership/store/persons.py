"""Persons and their credentials."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Credential, Details, KnownCredential, Person, Subject
from hansa.federation.membership.names import search_key
from hansa.federation.membership.store.rows import inserted
from hansa.federation.membership.store.tables import credentials, persons
from hansa.standards.x509 import Name

PERSON = (
    persons.c.id,
    persons.c.uid,
    persons.c.name,
    persons.c.given_name,
    persons.c.family_name,
    persons.c.email,
    persons.c.email_verified,
    persons.c.login,
    persons.c.robot,
    persons.c.locale,
    persons.c.sponsor,
)
"""The columns of a Person, in its order."""


def by_id(connection: Connection, person: int) -> Person:
    return person_in(connection.execute(sa.select(*PERSON).where(persons.c.id == person)).one())


def by_uid(connection: Connection, uid: str) -> Person | None:
    return _first(connection, persons.c.uid == uid)


def by_login(connection: Connection, login: str) -> Person | None:
    return _first(connection, persons.c.login == login)


def by_verified_email(connection: Connection, email: str) -> list[Person]:
    """Whoever has proved that address; letters' case does not count."""
    query = sa.select(*PERSON).where(sa.func.lower(persons.c.email) == email.lower(), persons.c.email_verified)
    return [person_in(row) for row in connection.execute(query.order_by(persons.c.id))]


def of(connection: Connection, credential: Credential | Subject, *, usable: bool = False) -> Person | None:
    """Whose credential it is; `usable` passes over suspended ones."""
    query = sa.select(*PERSON).join(credentials, credentials.c.person == persons.c.id).where(*matches(credential))
    if usable:
        query = query.where(credentials.c.suspended.is_(None))
    row = connection.execute(query).first()
    return person_in(row) if row else None


def sponsored(connection: Connection, uid: str) -> list[Person]:
    """The robots that somebody answers for."""
    query = sa.select(*PERSON).where(persons.c.sponsor == uid).order_by(persons.c.id)
    return [person_in(row) for row in connection.execute(query)]


def find(connection: Connection, text: str, *, after: int, limit: int) -> list[Person]:
    """The next persons in whose names, e-mail address, login or credentials every word of `text` stands."""
    query = sa.select(*PERSON).where(persons.c.id > after, *named(connection, text))
    query = query.order_by(persons.c.id).limit(limit)
    return [person_in(row) for row in connection.execute(query)]


def named(connection: Connection, text: str) -> list[sa.ColumnElement[bool]]:
    """Conditions on a person: every word stands somewhere in what names them."""
    words = search_key(text).split()
    if words and connection.dialect.name == "postgresql":
        # How rare the words are decides how to look; a plan made for any words would walk along everybody.
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
    return [persons.c.search.contains(word, autoescape=True) for word in words]


def suspension_of(connection: Connection, credential: Credential | Subject) -> str | None:
    return connection.execute(sa.select(credentials.c.suspended).where(*matches(credential))).scalar()


def insert(connection: Connection, uid: str, details: Details) -> int:
    return inserted(connection, persons, uid=uid, search=_searchable(details, ()), **_columns(details))


def update(connection: Connection, person: int, details: Details) -> None:
    connection.execute(persons.update().where(persons.c.id == person).values(**_columns(details)))
    index(connection, person)


def index(connection: Connection, person: int) -> None:
    """Bring what searches look into up to date."""
    found = by_id(connection, person)
    held = (each.credential for each in known(connection, person))
    text = _searchable(found, held)
    connection.execute(persons.update().where(persons.c.id == person).values(search=text))


def delete(connection: Connection, person: int) -> None:
    connection.execute(persons.delete().where(persons.c.id == person))


def password(connection: Connection, login: str) -> tuple[Person, str | None] | None:
    row = connection.execute(sa.select(persons.c.password, *PERSON).where(persons.c.login == login)).first()
    return (person_in(row), row[0]) if row else None


def set_password(connection: Connection, person: int, hashed: str | None) -> None:
    connection.execute(persons.update().where(persons.c.id == person).values(password=hashed))


def known(connection: Connection, person: int) -> tuple[KnownCredential, ...]:
    query = sa.select(credentials).where(credentials.c.person == person).order_by(credentials.c.id)
    return tuple(
        known_credential(row.id, row.kind, row.subject, row.issuer, row.added, row.suspended)
        for row in connection.execute(query)
    )


def insert_credential(connection: Connection, person: int, credential: Credential | Subject, added: datetime) -> int:
    subject, issuer = texts(credential)
    kind = "x509" if isinstance(credential, Credential) else "subject"
    found = inserted(connection, credentials, person=person, kind=kind, subject=subject, issuer=issuer, added=added)
    index(connection, person)
    return found


def delete_credential(connection: Connection, person: int, credential: int) -> None:
    connection.execute(credentials.delete().where(credentials.c.id == credential, credentials.c.person == person))
    index(connection, person)


def suspend_credential(connection: Connection, credential: int, reason: str | None) -> None:
    connection.execute(credentials.update().where(credentials.c.id == credential).values(suspended=reason))


def known_credential(
    number: int, kind: str, subject: str, issuer: str, added: datetime | None, suspended: str | None
) -> KnownCredential:
    credential: Credential | Subject = Subject(issuer, subject)
    if kind == "x509":
        credential = Credential(Name.parse_rfc4514(subject), _authority(issuer))
    return KnownCredential(number, credential, added, suspended)


@lru_cache(1024)
def _authority(issuer: str) -> Name:
    """There are few, and they stand in every row."""
    return Name.parse_rfc4514(issuer)


def matches(credential: Credential | Subject) -> tuple[sa.ColumnElement[bool], ...]:
    subject, issuer = texts(credential)
    return credentials.c.subject == subject, credentials.c.issuer == issuer


def texts(credential: Credential | Subject) -> tuple[str, str]:
    """Subject and issuer as they are kept."""
    if isinstance(credential, Credential):
        return credential.subject.rfc4514(), credential.issuer.rfc4514()
    return credential.subject, credential.issuer


def _first(connection: Connection, *where: sa.ColumnElement[bool]) -> Person | None:
    row = connection.execute(sa.select(*PERSON).where(*where)).first()
    return person_in(row) if row else None


def person_in(row: Sequence[Any]) -> Person:
    """From the columns PERSON, which come last in the row."""
    return Person(*row[-len(PERSON) :])


def _columns(details: Details) -> Mapping[str, Any]:
    return {field: getattr(details, field) for field in Details.__dataclass_fields__}


def _searchable(person: Details | Person, held: Iterable[Credential | Subject]) -> str:
    names = (person.name, person.given_name, person.family_name, person.email, person.login or "")
    certificates = (c.subject.slash() if isinstance(c, Credential) else c.subject for c in held)
    return search_key("\n".join(filter(None, (*names, *certificates))))
