"""Members as the federation tells of them."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "accounts_0001"
down_revision = None
branch_labels = ("accounts",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts_feed",
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
    op.create_table(
        "accounts_member",
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
    )
    op.create_index("ix_accounts_member_standing", "accounts_member", ["vo", "standing"])
    op.create_table(
        "accounts_credential",
        sa.Column("vo", sa.String(63), primary_key=True),
        sa.Column("uid", sa.String(36), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True, index=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("usable", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["vo", "uid"], ["accounts_member.vo", "accounts_member.uid"], ondelete="CASCADE"),
    )
