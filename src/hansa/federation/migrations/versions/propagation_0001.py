"""The member feed: what sites are told, and the sites."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "propagation_0001"
down_revision = None
branch_labels = ("propagation",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "propagation_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("lineage", sa.String(64), nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("horizon", sa.BigInteger, nullable=False),
        sa.Column("ready", sa.Boolean, nullable=False),
    )
    op.create_table(
        "propagation_entry",
        sa.Column("vo", sa.String(63), primary_key=True),
        sa.Column("uid", sa.String(36), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
        sa.Column("changed", UtcDateTime, nullable=False),
        sa.Column("text", sa.LargeBinary),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "propagation_vo",
        sa.Column("vo", sa.String(63), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "propagation_scan",
        sa.Column("vo", sa.String(63), primary_key=True),
        sa.Column("position", sa.String(36), nullable=False),
    )
    op.create_table(
        "propagation_site",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("created", UtcDateTime, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("issuer", sa.Text),
        sa.Column("jwk", sa.Text),
        sa.Column("url", sa.Text),
    )
    op.create_table(
        "propagation_site_vo",
        sa.Column("site", sa.String(100), sa.ForeignKey("propagation_site.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("vo", sa.String(63), primary_key=True),
    )
    op.create_table(
        "propagation_delivery",
        sa.Column("site", sa.String(100), sa.ForeignKey("propagation_site.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("lineage", sa.String(64), nullable=False),
        sa.Column("confirmed", sa.BigInteger, nullable=False),
        sa.Column("seen", UtcDateTime),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("next_attempt", UtcDateTime),
    )
