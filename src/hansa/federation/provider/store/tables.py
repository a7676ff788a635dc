"""The provider's tables."""

import sqlalchemy as sa

from hansa.base.database import UtcDateTime

metadata = sa.MetaData()
HASH = sa.String(64)
"""SHA-256, in hexadecimal."""


def _client(*, index: bool = True) -> sa.Column[str]:
    return sa.Column(
        "client", sa.String(64), sa.ForeignKey("provider_client.id", ondelete="CASCADE"), nullable=False, index=index
    )


def _grant(*, nullable: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("provider_grant.id", ondelete="CASCADE")
    return sa.Column("grant", sa.String(32), key, nullable=nullable, index=True)


clients = sa.Table(
    "provider_client",
    metadata,
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
grants = sa.Table(
    "provider_grant",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    _client(),
    sa.Column("person", sa.String(36), nullable=False, index=True),
    sa.Column("methods", sa.String(100), nullable=False),
    sa.Column("authenticated", UtcDateTime, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("audiences", sa.Text, nullable=False),
    sa.Column("ends", UtcDateTime, nullable=False, index=True),
)
codes = sa.Table(
    "provider_code",
    metadata,
    sa.Column("hash", HASH, primary_key=True),
    _grant(),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("challenge", sa.String(43), nullable=False),
    sa.Column("nonce", sa.Text),
    sa.Column("expires", UtcDateTime, nullable=False),
    sa.Column("used", sa.Boolean, nullable=False),
)
refreshes = sa.Table(
    "provider_refresh",
    metadata,
    sa.Column("hash", HASH, primary_key=True),
    _grant(),
    sa.Column("expires", UtcDateTime, nullable=False, index=True),
    sa.Column("used", sa.Boolean, nullable=False),
)
devices = sa.Table(
    "provider_device",
    metadata,
    sa.Column("hash", HASH, primary_key=True),
    sa.Column("user_code", HASH, nullable=False, unique=True),
    _client(),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("audiences", sa.Text, nullable=False),
    sa.Column("expires", UtcDateTime, nullable=False, index=True),
    sa.Column("interval", sa.Integer, nullable=False),
    sa.Column("polled", UtcDateTime),
    sa.Column("state", sa.String(10), nullable=False),
    _grant(nullable=True),
)
sessions = sa.Table(
    "provider_session",
    metadata,
    sa.Column("hash", HASH, primary_key=True),
    sa.Column("person", sa.String(36), nullable=False, index=True),
    sa.Column("methods", sa.String(100), nullable=False),
    sa.Column("authenticated", UtcDateTime, nullable=False),
    sa.Column("expires", UtcDateTime, nullable=False, index=True),
)
consents = sa.Table(
    "provider_consent",
    metadata,
    sa.Column("client", sa.String(64), sa.ForeignKey("provider_client.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("person", sa.String(36), primary_key=True),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)
revoked = sa.Table(
    "provider_revoked",
    metadata,
    sa.Column("jti", sa.String(80), primary_key=True),
    sa.Column("expires", UtcDateTime, nullable=False, index=True),
)
failures = sa.Table(
    "provider_failure",
    metadata,
    sa.Column("login", HASH, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False, index=True),
)
"""`until`: when the count is forgotten, and a locked login opens."""
