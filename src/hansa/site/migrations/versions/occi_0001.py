"""User mixins, their entities, and notes on entities."""

import sqlalchemy as sa
from alembic import op

revision = "occi_0001"
down_revision = None
branch_labels = ("occi",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "occi_mixin",
        sa.Column("project", sa.String(255), primary_key=True),
        sa.Column("type_id", sa.String(512), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("rel", sa.Text, nullable=False),
        sa.Column("location", sa.String(512), nullable=False),
        sa.UniqueConstraint("project", "location"),
    )
    op.create_table(
        "occi_tag",
        sa.Column("project", sa.String(255), primary_key=True),
        sa.Column("type_id", sa.String(512), primary_key=True),
        sa.Column("entity", sa.String(512), primary_key=True),
    )
    op.create_table(
        "occi_note",
        sa.Column("project", sa.String(255), primary_key=True),
        sa.Column("entity", sa.String(512), primary_key=True),
        sa.Column("title", sa.Text),
        sa.Column("summary", sa.Text),
    )
