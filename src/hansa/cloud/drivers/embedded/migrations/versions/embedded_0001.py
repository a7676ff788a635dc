"""Machines, networks, volumes, images, events."""

import sqlalchemy as sa
from alembic import op

revision = "embedded_0001"
down_revision = None
branch_labels = ("embedded",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "embedded_image",
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("owner", sa.String(255)),
        sa.Column("ready", sa.Boolean, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("workflow", sa.String(200)),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("virtual_bytes", sa.BigInteger, nullable=False),
        sa.Column("disk_format", sa.String(16), nullable=False),
        sa.Column("min_disk_gib", sa.Integer, nullable=False),
        sa.Column("min_ram_mib", sa.Integer, nullable=False),
        sa.Column("architecture", sa.String(32), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("properties", sa.JSON, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "embedded_server",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("project", sa.String(255), nullable=False, index=True),
        sa.Column("request_id", sa.String(255)),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("hostname", sa.String(255), nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("vo", sa.Text),
        sa.Column("fqan", sa.Text),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("task", sa.String(32)),
        sa.Column("workflow", sa.String(200)),
        sa.Column("fault", sa.Text),
        sa.Column("image", sa.String(255), sa.ForeignKey("embedded_image.id"), nullable=False),
        sa.Column("flavor", sa.JSON, nullable=False),
        sa.Column("next_flavor", sa.JSON),
        sa.Column("server_metadata", sa.JSON, nullable=False),
        sa.Column("ssh_keys", sa.JSON, nullable=False),
        sa.Column("user_data", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("launched", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("project", "request_id"),
    )
    op.create_table(
        "embedded_network",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("owner", sa.String(255)),
        sa.Column("cidr", sa.String(64)),
        sa.Column("gateway", sa.String(64)),
        sa.Column("allocation", sa.String(16), nullable=False),
        sa.Column("vlan", sa.Integer),
        sa.Column("up", sa.Boolean, nullable=False),
        sa.Column("segment", sa.String(32), unique=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "embedded_interface",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("server", sa.String(36), sa.ForeignKey("embedded_server.id"), nullable=False, index=True),
        sa.Column("network", sa.String(36), sa.ForeignKey("embedded_network.id"), nullable=False, index=True),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("mac", sa.String(17), nullable=False, unique=True),
        sa.Column("address", sa.String(64)),
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("forwards", sa.JSON, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.UniqueConstraint("server", "slot"),
        sa.UniqueConstraint("network", "address"),
    )
    op.create_table(
        "embedded_volume",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("project", sa.String(255), nullable=False, index=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("size_gib", sa.Float, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("online", sa.Boolean, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "embedded_attachment",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("server", sa.String(36), sa.ForeignKey("embedded_server.id"), nullable=False, index=True),
        sa.Column("volume", sa.String(36), sa.ForeignKey("embedded_volume.id"), nullable=False, unique=True),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("mountpoint", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.UniqueConstraint("server", "slot"),
    )
    op.create_table(
        "embedded_event",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("server", sa.String(36), nullable=False, index=True),
        sa.Column("project", sa.String(255), nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("vo", sa.Text),
        sa.Column("fqan", sa.Text),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("image", sa.String(255)),
        sa.Column("vcpus", sa.Integer, nullable=False),
        sa.Column("ram_mib", sa.Integer, nullable=False),
        sa.Column("disk_gib", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
