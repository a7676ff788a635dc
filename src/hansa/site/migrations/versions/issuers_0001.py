"""OS-FEDERATION: identity providers, protocols, mappings and service providers that admins made."""

import sqlalchemy as sa
from alembic import op

revision = "issuers_0001"
down_revision = None
branch_labels = ("issuers",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "issuers_provider",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("domain_id", sa.String(64), nullable=False),
        sa.Column("authorization_ttl", sa.Integer),
    )
    op.create_table(
        "issuers_remote_id",
        sa.Column("remote_id", sa.String(255), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False, index=True),
    )
    op.create_table(
        "issuers_protocol",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("mapping", sa.String(64), nullable=False),
        sa.Column("remote_id_attribute", sa.String(64)),
    )
    op.create_table(
        "issuers_mapping",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "issuers_service_provider",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("auth_url", sa.String(256), nullable=False),
        sa.Column("sp_url", sa.String(256), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("relay_state_prefix", sa.String(256)),
    )
