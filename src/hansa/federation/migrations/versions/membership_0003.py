"""What a VO says of itself, its policy and who accepted it, generic attributes, ends of group memberships, robots' sponsors."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "membership_0003"
down_revision = "membership_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _grow_vo()
    op.add_column("membership_person", sa.Column("sponsor", sa.String(36)))
    op.create_index("ix_membership_person_sponsor", "membership_person", ["sponsor"])
    op.add_column("membership_member", sa.Column("aup", sa.Integer))
    op.add_column("membership_member", sa.Column("aup_at", UtcDateTime))
    op.add_column("membership_member", sa.Column("announced", sa.String(20), nullable=False, server_default=""))
    op.create_index("ix_membership_member_vo", "membership_member", ["vo", "id"])
    op.create_index("ix_membership_member_until", "membership_member", ["vo", "until"])
    op.add_column("membership_group", sa.Column("description", sa.Text, nullable=False, server_default=""))
    op.add_column("membership_group_member", sa.Column("until", UtcDateTime))
    op.create_index("ix_membership_group_member_until", "membership_group_member", ["until"])
    op.create_index("ix_membership_issued_ac_vo", "membership_issued_ac", ["vo", "id"])
    _create_policies()
    _create_attributes()
    op.create_table(
        "membership_role",
        sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("description", sa.Text, nullable=False),
    )
    op.create_table(
        "membership_link",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("person", sa.Integer, sa.ForeignKey("membership_person.id", ondelete="CASCADE"), nullable=False),
        sa.Column("expires", UtcDateTime, nullable=False),
    )


def _grow_vo() -> None:
    for column in (
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
    ):
        op.add_column("membership_vo", column)


def _create_policies() -> None:
    op.create_table(
        "membership_aup",
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
    op.create_table(
        "membership_aup_acceptance",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("aup", sa.Integer, sa.ForeignKey("membership_aup.id", ondelete="CASCADE"), nullable=False),
        sa.Column("person", sa.String(36), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(500), nullable=False),
    )
    op.create_index("ix_membership_aup_acceptance_person", "membership_aup_acceptance", ["person", "aup"])


def _create_attributes() -> None:
    op.create_table(
        "membership_attribute",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("is_unique", sa.Boolean, nullable=False),
        sa.UniqueConstraint("vo", "name"),
    )
    for owner in ("member", "group"):
        op.create_table(
            f"membership_{owner}_attribute",
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
