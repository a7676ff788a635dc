"""Events of machines and what they add up to."""

import sqlalchemy as sa
from alembic import op

revision = "usage_0001"
down_revision = None
branch_labels = ("usage",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_event",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("project", sa.String(255), nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("vo", sa.String(255)),
        sa.Column("fqan", sa.Text),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("image", sa.String(255)),
        sa.Column("vcpus", sa.Integer, nullable=False),
        sa.Column("ram_mib", sa.Integer, nullable=False),
        sa.Column("disk_gib", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("usage_event_project", "usage_event", ["project", "sequence"])
    op.create_table(
        "usage_machine",
        sa.Column("server", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("project", sa.String(255), nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("vo", sa.String(255)),
        sa.Column("fqan", sa.Text),
        sa.Column("image", sa.String(255)),
        sa.Column("vcpus", sa.Integer, nullable=False),
        sa.Column("ram_mib", sa.Integer, nullable=False),
        sa.Column("disk_gib", sa.Integer, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True)),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.Column("running_since", sa.DateTime(timezone=True)),
        sa.Column("ran_us", sa.BigInteger, nullable=False),
        sa.Column("cpu_ran_us", sa.BigInteger, nullable=False),
    )
    op.create_index("usage_machine_project", "usage_machine", ["project", "created"])
