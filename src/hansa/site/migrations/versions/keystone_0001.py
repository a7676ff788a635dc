"""The catalogue that admins make: regions, services, endpoints, and who sees which."""

import sqlalchemy as sa
from alembic import op

revision = "keystone_0001"
down_revision = None
branch_labels = ("keystone",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keystone_region",
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("parent", sa.String(255)),
        sa.Column("extra", sa.Text, nullable=False),
    )
    op.create_table(
        "keystone_service",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("description", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
    )
    op.create_table(
        "keystone_endpoint",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("service", sa.String(64), nullable=False, index=True),
        sa.Column("interface", sa.String(8), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("region", sa.String(255)),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
    )
    op.create_table(
        "keystone_endpoint_group",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("filters", sa.Text, nullable=False),
    )
    op.create_table(
        "keystone_project_endpoint",
        sa.Column("project", sa.String(64), primary_key=True),
        sa.Column("endpoint", sa.String(64), primary_key=True, index=True),
    )
    op.create_table(
        "keystone_project_endpoint_group",
        sa.Column("project", sa.String(64), primary_key=True),
        sa.Column("endpoint_group", sa.String(64), primary_key=True, index=True),
    )
