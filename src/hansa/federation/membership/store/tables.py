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
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("homepage", sa.String(500), nullable=False, server_default=""),
    sa.Column("contact", sa.String(254), nullable=False, server_default=""),
    sa.Column("membership_days", sa.Integer),
    sa.Column("grace_days", sa.Integer, nullable=False, server_default="0"),
    sa.Column("removal_days", sa.Integer),
    sa.Column("aup_days", sa.Integer),
    sa.Column("aup_grace_days", sa.Integer, nullable=False, server_default="15"),
    sa.Column("aup_floor", sa.Integer),
    sa.Column("aup_asked", UtcDateTime),
)
"""`aup_floor`: number of the oldest version of the policy whose acceptance still counts; `aup_asked`: when that came to be."""
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
    sa.Column("sponsor", sa.String(36), index=True),
    sa.Index("ix_membership_person_uid", "uid", unique=True),
    sa.Index("ix_membership_person_login", "login", unique=True),
)
"""`search`: what a search looks into, by `names.search_key`; `sponsor`: the uid of the human who answers for a robot."""
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
    sa.Column("aup", sa.Integer),
    sa.Column("aup_at", UtcDateTime),
    sa.Column("announced", sa.String(20), nullable=False, server_default=""),
    sa.UniqueConstraint("vo", "person"),
    sa.Index("ix_membership_member_vo", "vo", "id"),
    sa.Index("ix_membership_member_until", "vo", "until"),
)
"""`aup`, `aup_at`: the version of the policy accepted last, and when. `announced`: what time alone has done to the
membership, as far as it is noted in the history."""
groups = sa.Table(
    "membership_group",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id"), nullable=False),
    sa.Column("path", sa.String(800), nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("vo", "path"),
)
group_members = sa.Table(
    "membership_group_member",
    metadata,
    sa.Column("member", sa.Integer, sa.ForeignKey("membership_member.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "group", sa.Integer, sa.ForeignKey("membership_group.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    sa.Column("until", UtcDateTime, index=True),
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
    sa.Index("ix_membership_issued_ac_vo", "vo", "id"),
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
roles = sa.Table(
    "membership_role",
    metadata,
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
)
policies = sa.Table(
    "membership_aup",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id", ondelete="CASCADE"), nullable=False),
    sa.Column("version", sa.String(50), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("url", sa.String(500), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("published", UtcDateTime, nullable=False),
    sa.Column("asks_again", sa.Boolean, nullable=False),
    sa.UniqueConstraint("vo", "version"),
)
acceptances = sa.Table(
    "membership_aup_acceptance",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("aup", sa.Integer, sa.ForeignKey("membership_aup.id", ondelete="CASCADE"), nullable=False),
    sa.Column("person", sa.String(36), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String(500), nullable=False),
    sa.Index("ix_membership_aup_acceptance_person", "person", "aup"),
)
"""Evidence: it stays when the member leaves. `by` differs from `person` for robots."""
attributes = sa.Table(
    "membership_attribute",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("is_unique", sa.Boolean, nullable=False),
    sa.UniqueConstraint("vo", "name"),
)


def _values(owner: str) -> sa.Table:
    return sa.Table(
        f"membership_{owner}_attribute",
        metadata,
        sa.Column(owner, sa.Integer, sa.ForeignKey(f"membership_{owner}.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "attribute",
            sa.Integer,
            sa.ForeignKey("membership_attribute.id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        ),
        sa.Column("value", sa.String(255), nullable=False),
    )


member_values = _values("member")
group_values = _values("group")
links = sa.Table(
    "membership_link",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("person", sa.Integer, sa.ForeignKey("membership_person.id", ondelete="CASCADE"), nullable=False),
    sa.Column("expires", UtcDateTime, nullable=False),
)
"""One-time tokens with which another credential joins a person's; `token` is the SHA-256 of what was handed out."""
