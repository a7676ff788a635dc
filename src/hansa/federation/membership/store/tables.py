"""The tables, as the migrations make them."""

import sqlalchemy as sa

from hansa.base.database import UtcDateTime

metadata = sa.MetaData()

vos = sa.Table(
    "membership_vo",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(63), nullable=False, unique=True),
    sa.Column("created", UtcDateTime, nullable=False),
)
persons = sa.Table(
    "membership_person",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("uid", sa.String(36), nullable=False, server_default=""),
    sa.Column("given_name", sa.String(200), nullable=False, server_default=""),
    sa.Column("family_name", sa.String(200), nullable=False, server_default=""),
    sa.Column("email_verified", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("login", sa.String(32)),
    sa.Column("password", sa.String(255)),
    sa.Column("robot", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("locale", sa.String(35), nullable=False, server_default=""),
    sa.Column("search", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_membership_person_uid", "uid", unique=True),
    sa.Index("ix_membership_person_login", "login", unique=True),
)
"""`search`: what a search looks into, by `names.search_key`."""
credentials = sa.Table(
    "membership_credential",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "person", sa.Integer, sa.ForeignKey("membership_person.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("kind", sa.String(10), nullable=False, server_default="x509"),
    sa.Column("added", UtcDateTime),
    sa.Column("suspended", sa.Text),
    sa.UniqueConstraint("subject", "issuer"),
)
"""`kind`: `x509`, where both names are in RFC 4514 form, or `subject`, where the issuer is a URI: the two cannot collide.

`suspended`: the reason.
"""
members = sa.Table(
    "membership_member",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id"), nullable=False),
    sa.Column("person", sa.Integer, sa.ForeignKey("membership_person.id"), nullable=False, index=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.UniqueConstraint("vo", "person"),
)
groups = sa.Table(
    "membership_group",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id"), nullable=False),
    sa.Column("path", sa.String(800), nullable=False),
    sa.UniqueConstraint("vo", "path"),
)
group_members = sa.Table(
    "membership_group_member",
    metadata,
    sa.Column("member", sa.Integer, sa.ForeignKey("membership_member.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "group", sa.Integer, sa.ForeignKey("membership_group.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
)
role_grants = sa.Table(
    "membership_role_grant",
    metadata,
    sa.Column("member", sa.Integer, primary_key=True),
    sa.Column("group", sa.Integer, primary_key=True),
    sa.Column("role", sa.String(63), primary_key=True),
    sa.ForeignKeyConstraint(
        ["member", "group"], ["membership_group_member.member", "membership_group_member.group"], ondelete="CASCADE"
    ),
)
issued = sa.Table(
    "membership_issued_ac",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.String(63), nullable=False),
    sa.Column("serial", sa.String(40), nullable=False, unique=True),
    sa.Column("issued", UtcDateTime, nullable=False, index=True),
    sa.Column("not_after", UtcDateTime, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("fqans", sa.Text, nullable=False),
    sa.Column("client", sa.String(100), nullable=False),
    sa.Column("dialect", sa.String(10), nullable=False),
)
changes = sa.Table(
    "membership_change",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(500), nullable=False),
    sa.Column("vo", sa.String(63)),
    sa.Column("person", sa.String(36), index=True),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Index("ix_membership_change_vo", "vo", "seq"),
    sqlite_autoincrement=True,
)
"""The history of the registry, and the outbox that others follow: `seq` is never used twice."""
