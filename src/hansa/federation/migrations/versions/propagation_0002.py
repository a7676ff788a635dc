"""A page is found without going through a whole VO."""

from alembic import op

revision = "propagation_0002"
down_revision = "propagation_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_propagation_entry_vo", "propagation_entry", ["vo", "sequence"])
