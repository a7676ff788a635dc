"""Application credentials, their access rules, trusts, sealed credentials, policy blobs."""

import sqlalchemy as sa
from alembic import op

revision = "keystone_0002"
down_revision = "keystone_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keystone_application_credential",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.Column("unrestricted", sa.Boolean, nullable=False),
        sa.Column("access_rules", sa.Text),
        sa.Column("secret_hash", sa.String(255), nullable=False),
        sa.Column("names", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "name"),
    )
    op.create_table(
        "keystone_access_rule",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("path", sa.String(128), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.UniqueConstraint("user_id", "service", "path", "method"),
    )
    op.create_table(
        "keystone_trust",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("trustor", sa.String(64), nullable=False, index=True),
        sa.Column("trustee", sa.String(64), nullable=False, index=True),
        sa.Column("project_id", sa.String(64)),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("impersonation", sa.Boolean, nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.Column("remaining_uses", sa.Integer),
        sa.Column("redelegation_count", sa.Integer, nullable=False),
        sa.Column("redelegated_from", sa.String(64), index=True),
        sa.Column("names", sa.Text, nullable=False),
    )
    op.create_table(
        "keystone_credential",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False, index=True),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("project_id", sa.String(64)),
    )
    op.create_table(
        "keystone_policy",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("blob", sa.Text, nullable=False),
    )
