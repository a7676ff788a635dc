"""Persons who stay the same wherever they come from: uid, login and password, OIDC and SAML subjects; the registry's history."""

import unicodedata
import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "membership_0002"
down_revision = "membership_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("membership_person", sa.Column("uid", sa.String(36), nullable=False, server_default=""))
    op.add_column("membership_person", sa.Column("given_name", sa.String(200), nullable=False, server_default=""))
    op.add_column("membership_person", sa.Column("family_name", sa.String(200), nullable=False, server_default=""))
    op.add_column(
        "membership_person", sa.Column("email_verified", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("membership_person", sa.Column("login", sa.String(32)))
    op.add_column("membership_person", sa.Column("password", sa.String(255)))
    op.add_column("membership_person", sa.Column("robot", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("membership_person", sa.Column("locale", sa.String(35), nullable=False, server_default=""))
    op.add_column("membership_person", sa.Column("search", sa.Text, nullable=False, server_default=""))
    op.add_column("membership_credential", sa.Column("kind", sa.String(10), nullable=False, server_default="x509"))
    op.add_column("membership_credential", sa.Column("added", UtcDateTime))
    op.add_column("membership_credential", sa.Column("suspended", sa.Text))
    op.create_table(
        "membership_change",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.String(500), nullable=False),
        sa.Column("vo", sa.String(63)),
        sa.Column("person", sa.String(36), index=True),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_membership_change_vo", "membership_change", ["vo", "seq"])
    _fill_persons()
    op.create_index("ix_membership_person_uid", "membership_person", ["uid"], unique=True)
    op.create_index("ix_membership_person_login", "membership_person", ["login"], unique=True)


def _fill_persons() -> None:
    """Everybody gets a uid, what searches look into, and the beginning of a history: those who follow it start from nothing."""
    connection = op.get_bind()
    person = sa.table(
        "membership_person",
        *(sa.column(name, sa.String) for name in ("id", "uid", "name", "email", "search")),
    )
    credential = sa.table("membership_credential", sa.column("person"), sa.column("subject"))
    subjects: dict[Any, list[str]] = {}
    for row in connection.execute(sa.select(credential.c.person, credential.c.subject)):
        subjects.setdefault(row.person, []).append(row.subject)
    uids = {}
    for row in connection.execute(sa.select(person)).all():
        uids[row.id] = str(uuid.uuid4())
        name = unicodedata.normalize("NFC", row.name)
        text = _key("\n".join((name, row.email, *subjects.get(row.id, ()))))
        change = person.update().where(person.c.id == row.id)
        connection.execute(change.values(uid=uids[row.id], name=name, search=text))
    _begin_history(connection, uids)


def _begin_history(connection: sa.Connection, uids: dict[Any, str]) -> None:
    vo = sa.table("membership_vo", sa.column("id"), sa.column("name"))
    member = sa.table(
        "membership_member", sa.column("id"), sa.column("vo"), sa.column("person"), sa.column("since", UtcDateTime)
    )
    change = sa.table(
        "membership_change",
        sa.column("at", UtcDateTime),
        *(sa.column(name) for name in ("actor", "vo", "person", "event", "details")),
    )
    query = sa.select(member.c.since, vo.c.name, member.c.person).join(vo, vo.c.id == member.c.vo)
    for since, name, person in connection.execute(query.order_by(member.c.id)).all():
        connection.execute(change.insert().values(**_added(since, name, uids[person])))


def _added(since: datetime, vo: str, uid: str) -> dict[str, Any]:
    return {"at": since, "actor": "system", "vo": vo, "person": uid, "event": "member.added", "details": "{}"}


def _key(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in parts if unicodedata.category(c) != "Mn"))
