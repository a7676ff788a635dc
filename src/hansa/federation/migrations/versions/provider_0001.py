"""Clients of the OpenID Provider, grants, sessions, and what ends them."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "provider_0001"
down_revision = None
branch_labels = ("provider",)
depends_on = None

HASH = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "provider_client",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("secret", HASH),
        sa.Column("redirect_uris", sa.Text, nullable=False),
        sa.Column("logout_uris", sa.Text, nullable=False),
        sa.Column("grants", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("audiences", sa.Text, nullable=False),
        sa.Column("trusted", sa.Boolean, nullable=False),
        sa.Column("created", UtcDateTime, nullable=False),
    )
    op.create_table(
        "provider_grant",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "client", sa.String(64), sa.ForeignKey("provider_client.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("person", sa.String(36), nullable=False, index=True),
        sa.Column("methods", sa.String(100), nullable=False),
        sa.Column("authenticated", UtcDateTime, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("audiences", sa.Text, nullable=False),
        sa.Column("ends", UtcDateTime, nullable=False, index=True),
    )
    op.create_table(
        "provider_code",
        sa.Column("hash", HASH, primary_key=True),
        sa.Column(
            "grant", sa.String(32), sa.ForeignKey("provider_grant.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("challenge", sa.String(43), nullable=False),
        sa.Column("nonce", sa.Text),
        sa.Column("expires", UtcDateTime, nullable=False),
        sa.Column("used", sa.Boolean, nullable=False),
    )
    op.create_table(
        "provider_refresh",
        sa.Column("hash", HASH, primary_key=True),
        sa.Column(
            "grant", sa.String(32), sa.ForeignKey("provider_grant.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("expires", UtcDateTime, nullable=False, index=True),
        sa.Column("used", sa.Boolean, nullable=False),
    )
    op.create_table(
        "provider_device",
        sa.Column("hash", HASH, primary_key=True),
        sa.Column("user_code", HASH, nullable=False, unique=True),
        sa.Column(
            "client", sa.String(64), sa.ForeignKey("provider_client.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("audiences", sa.Text, nullable=False),
        sa.Column("expires", UtcDateTime, nullable=False, index=True),
        sa.Column("interval", sa.Integer, nullable=False),
        sa.Column("polled", UtcDateTime),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column(
            "grant", sa.String(32), sa.ForeignKey("provider_grant.id", ondelete="CASCADE"), nullable=True, index=True
        ),
    )
    op.create_table(
        "provider_session",
        sa.Column("hash", HASH, primary_key=True),
        sa.Column("person", sa.String(36), nullable=False, index=True),
        sa.Column("methods", sa.String(100), nullable=False),
        sa.Column("authenticated", UtcDateTime, nullable=False),
        sa.Column("expires", UtcDateTime, nullable=False, index=True),
    )
    op.create_table(
        "provider_consent",
        sa.Column("client", sa.String(64), sa.ForeignKey("provider_client.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person", sa.String(36), primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "provider_revoked",
        sa.Column("jti", sa.String(80), primary_key=True),
        sa.Column("expires", UtcDateTime, nullable=False, index=True),
    )
    op.create_table(
        "provider_failure",
        sa.Column("login", HASH, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("until", UtcDateTime, nullable=False, index=True),
    )
