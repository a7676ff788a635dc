"""The tables. A row of `embedded_server` lives until the machine is gone; what happened to it stays in `embedded_event`."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from hansa.base.database import UtcDateTime

metadata = MetaData()

images = Table(
    "embedded_image",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("owner", String(255)),
    Column("ready", Boolean, nullable=False),  # False: its file is being made
    Column("removed", Boolean, nullable=False),  # no longer on offer; the file stays while disks are based on it
    Column("workflow", String(200)),  # what makes it, if a workflow does
    Column("size_bytes", Integer, nullable=False),
    Column("virtual_bytes", Integer, nullable=False),
    Column("disk_format", String(16), nullable=False),
    Column("min_disk_gib", Integer, nullable=False),
    Column("min_ram_mib", Integer, nullable=False),
    Column("architecture", String(32), nullable=False),
    Column("description", Text, nullable=False),
    Column("properties", JSON, nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

servers = Table(
    "embedded_server",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", String(255), nullable=False, index=True),
    Column("request_id", String(255)),
    Column("name", String(255), nullable=False),
    Column("hostname", String(255), nullable=False),
    Column("user", Text, nullable=False),
    Column("vo", Text),
    Column("fqan", Text),
    Column("state", String(16), nullable=False, index=True),
    Column("task", String(32)),
    Column("workflow", String(200)),  # what carries the task out; nobody else may change the machine meanwhile
    Column("fault", Text),
    Column("image", String(255), ForeignKey("embedded_image.id"), nullable=False),
    Column("flavor", JSON, nullable=False),
    Column("next_flavor", JSON),  # while it is being resized
    Column("server_metadata", JSON, nullable=False),
    Column("ssh_keys", JSON, nullable=False),
    Column("user_data", LargeBinary, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("updated", UtcDateTime, nullable=False),
    Column("launched", UtcDateTime),
    UniqueConstraint("project", "request_id"),
)

networks = Table(
    "embedded_network",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("owner", String(255)),
    Column("cidr", String(64)),
    Column("gateway", String(64)),
    Column("allocation", String(16), nullable=False),
    Column("vlan", Integer),
    Column("up", Boolean, nullable=False),
    Column("segment", String(32), unique=True),  # multicast group and port; None: behind QEMU's NAT
    Column("created", UtcDateTime, nullable=False),
)

interfaces = Table(
    "embedded_interface",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("server", String(36), ForeignKey("embedded_server.id"), nullable=False, index=True),
    Column("network", String(36), ForeignKey("embedded_network.id"), nullable=False, index=True),
    Column("slot", Integer, nullable=False),
    Column("mac", String(17), nullable=False, unique=True),
    Column("address", String(64)),
    Column("device", String(16), nullable=False),
    Column("forwards", JSON, nullable=False),  # pairs of guest port and host port
    Column("active", Boolean, nullable=False),
    UniqueConstraint("server", "slot"),
    UniqueConstraint("network", "address"),
)

volumes = Table(
    "embedded_volume",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", String(255), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("size_gib", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("online", Boolean, nullable=False),
    Column("description", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

attachments = Table(
    "embedded_attachment",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("server", String(36), ForeignKey("embedded_server.id"), nullable=False, index=True),
    Column("volume", String(36), ForeignKey("embedded_volume.id"), nullable=False, unique=True),
    Column("slot", Integer, nullable=False),
    Column("mountpoint", Text),
    Column("active", Boolean, nullable=False),
    UniqueConstraint("server", "slot"),
)

events = Table(
    "embedded_event",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("time", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("server", String(36), nullable=False, index=True),
    Column("project", String(255), nullable=False),
    Column("user", Text, nullable=False),
    Column("vo", Text),
    Column("fqan", Text),
    Column("name", String(255), nullable=False),
    Column("image", String(255)),
    Column("vcpus", Integer, nullable=False),
    Column("ram_mib", Integer, nullable=False),
    Column("disk_gib", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,  # a number is never given twice, also after rows were pruned
)
