"""Mail on its way."""

import sqlalchemy as sa
from alembic import op

from hansa.base.database import UtcDateTime

revision = "mail_0001"
down_revision = None
branch_labels = ("mail",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_message",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("about", sa.String(60), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("queued", UtcDateTime, nullable=False),
        sa.Column("due", UtcDateTime, nullable=False),
        sa.Column("ended", UtcDateTime),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("owner", sa.String(200)),
    )
    op.create_index("mail_message_due", "mail_message", ["state", "due"])
