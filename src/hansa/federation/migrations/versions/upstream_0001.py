"""Log-ins that are under way at other identity providers."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "upstream_0001"
down_revision = None
branch_labels = ("upstream",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstream_attempt",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("resume", sa.Text, nullable=False),
        sa.Column("person", sa.String(36)),
        sa.Column("remembered", sa.Text, nullable=False),
        sa.Column("expires", UtcDateTime, nullable=False, index=True),
        sa.Column("issuer", sa.Text),
        sa.Column("subject", sa.Text),
    )
