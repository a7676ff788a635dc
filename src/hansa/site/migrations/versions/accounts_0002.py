"""What the brake counts is found without going through all members."""

from alembic import op

revision = "accounts_0002"
down_revision = "accounts_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_accounts_member_counted", "accounts_member", ["vo", "counted"])
    op.create_index("ix_accounts_member_held", "accounts_member", ["vo", "held"])
