"""Virtual organisations, their members, and the attribute certificates issued to them."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "membership_0001"
down_revision = None
branch_labels = ("membership",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "membership_vo",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(63), nullable=False, unique=True),
        sa.Column("created", UtcDateTime, nullable=False),
    )
    op.create_table(
        "membership_person",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
    )
    op.create_table(
        "membership_credential",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "person", sa.Integer, sa.ForeignKey("membership_person.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.UniqueConstraint("subject", "issuer"),
    )
    op.create_table(
        "membership_member",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id"), nullable=False),
        sa.Column("person", sa.Integer, sa.ForeignKey("membership_person.id"), nullable=False, index=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("until", UtcDateTime),
        sa.UniqueConstraint("vo", "person"),
    )
    op.create_table(
        "membership_group",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id"), nullable=False),
        sa.Column("path", sa.String(800), nullable=False),
        sa.UniqueConstraint("vo", "path"),
    )
    op.create_table(
        "membership_group_member",
        sa.Column("member", sa.Integer, sa.ForeignKey("membership_member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "group", sa.Integer, sa.ForeignKey("membership_group.id", ondelete="CASCADE"), primary_key=True, index=True
        ),
    )
    op.create_table(
        "membership_role_grant",
        sa.Column("member", sa.Integer, primary_key=True),
        sa.Column("group", sa.Integer, primary_key=True),
        sa.Column("role", sa.String(63), primary_key=True),
        sa.ForeignKeyConstraint(
            ["member", "group"],
            ["membership_group_member.member", "membership_group_member.group"],
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "membership_issued_ac",
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
