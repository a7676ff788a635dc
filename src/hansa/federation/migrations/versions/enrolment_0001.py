"""Applications to VOs, the links mailed for them, what members were told, and the VOs' rules."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "enrolment_0001"
down_revision = None
branch_labels = ("enrolment",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enrolment_application",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("vo", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("group", sa.String(800), nullable=False),
        sa.Column("state", sa.String(15), nullable=False),
        sa.Column("person", sa.String(36), index=True),
        sa.Column("credential", sa.String(10), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("applicant", sa.String(64), nullable=False, index=True),
        sa.Column("given_name", sa.String(200), nullable=False),
        sa.Column("surname", sa.String(200), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("motivation", sa.Text, nullable=False),
        sa.Column("login", sa.String(32)),
        sa.Column("password", sa.String(255)),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("aup", sa.String(50)),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("submitted", UtcDateTime, nullable=False),
        sa.Column("changed", UtcDateTime, nullable=False),
        sa.Column("expires", UtcDateTime, nullable=False),
        sa.Column("decided_by", sa.String(500), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("same_as", sa.String(36)),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("open_key", sa.String(64), unique=True),
        sa.Column("login_key", sa.String(32), unique=True),
    )
    op.create_index("enrolment_application_queue", "enrolment_application", ["vo", "state", "id"])
    op.create_index("enrolment_application_expiry", "enrolment_application", ["state", "expires"])
    op.create_table(
        "enrolment_link",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("application", sa.Integer, sa.ForeignKey("enrolment_application.id", ondelete="CASCADE"), index=True),
        sa.Column("vo", sa.String(63), nullable=False),
        sa.Column("person", sa.String(36)),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("created", UtcDateTime, nullable=False),
        sa.Column("expires", UtcDateTime, nullable=False, index=True),
        sa.Column("used", UtcDateTime),
    )
    op.create_index("enrolment_link_email", "enrolment_link", ["email", "created"])
    op.create_table(
        "enrolment_notice",
        sa.Column("vo", sa.String(63), primary_key=True),
        sa.Column("person", sa.String(36), primary_key=True),
        sa.Column("what", sa.String(20), primary_key=True),
        sa.Column("until", UtcDateTime, primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "enrolment_cursor",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "enrolment_rules",
        sa.Column("vo", sa.String(63), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("changed", UtcDateTime, nullable=False),
    )
