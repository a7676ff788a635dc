"""The model of a cloud: plain values that every face and every driver shares.

Sizes: memory in MiB, disk in GiB, both integers except `Volume.size_gib` (OCCI allows 0.1). Times are aware UTC datetimes.
Vendor words stay at the drivers' edge; `Server.native_state` keeps the stack's own word for display only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

ServerId = NewType("ServerId", str)
ImageId = NewType("ImageId", str)
FlavorId = NewType("FlavorId", str)
NetworkId = NewType("NetworkId", str)
InterfaceId = NewType("InterfaceId", str)
VolumeId = NewType("VolumeId", str)
AttachmentId = NewType("AttachmentId", str)
ProjectId = NewType("ProjectId", str)

ADMIN = "admin"
"""The role that sees all projects."""
READ_ONLY = "read-only"
"""The role of a credential that may look but not change anything (a limited proxy)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, for which project, with which roles: the outcome of authorisation, given to every service call.

    `user` is stable and unique at this site (for X.509 the subject and issuer names); `display` is for people and audit lines.
    """

    user: str
    project: ProjectId
    roles: frozenset[str] = frozenset()
    display: str = ""
    vo: str | None = None
    fqan: str | None = None
    not_after: datetime | None = None


class ServerState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    ERROR = "error"
    DELETED = "deleted"


class ServerAction(StrEnum):
    """What may be asked of a server's power. `CloudInfo.actions` says which of them a driver offers."""

    START = "start"  # stopped, suspended or paused -> active
    STOP = "stop"  # ask the guest (ACPI), force after the grace period
    POWEROFF = "poweroff"  # at once
    REBOOT = "reboot"  # ask the guest, then reset
    RESET = "reset"  # at once
    SUSPEND = "suspend"  # memory to disk
    PAUSE = "pause"  # memory stays


ALLOWED: Mapping[ServerAction, frozenset[ServerState]] = {
    ServerAction.START: frozenset({ServerState.STOPPED, ServerState.SUSPENDED, ServerState.PAUSED}),
    ServerAction.STOP: frozenset({ServerState.ACTIVE, ServerState.PAUSED}),
    ServerAction.POWEROFF: frozenset(
        {ServerState.ACTIVE, ServerState.PAUSED, ServerState.SUSPENDED, ServerState.ERROR}
    ),
    ServerAction.REBOOT: frozenset({ServerState.ACTIVE}),
    ServerAction.RESET: frozenset({ServerState.ACTIVE}),
    ServerAction.SUSPEND: frozenset({ServerState.ACTIVE}),
    ServerAction.PAUSE: frozenset({ServerState.ACTIVE}),
}
"""From which states an action is possible, when no task is running."""


@dataclass(frozen=True, slots=True)
class Flavor:
    id: FlavorId
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    ephemeral_gib: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    id: ImageId
    name: str
    size_bytes: int
    disk_format: str = "qcow2"
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    architecture: str = "x86_64"
    owner: ProjectId | None = None  # None: for everybody
    description: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Network:
    id: NetworkId
    name: str
    owner: ProjectId | None = None  # None: for everybody
    cidr: str | None = None
    gateway: str | None = None
    allocation: str = "dynamic"  # or "static"
    vlan: int | None = None
    up: bool = True
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """A server's connection to a network. `forwards` maps a guest TCP port to the port it is reachable at on `address`."""

    id: InterfaceId
    network: NetworkId
    mac: str
    address: str | None = None  # where users reach the machine; None while it has none
    gateway: str | None = None
    device: str = "eth0"
    allocation: str = "dynamic"
    active: bool = True
    forwards: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Volume:
    id: VolumeId
    name: str
    size_gib: float
    owner: ProjectId
    state: str = "available"  # creating, available, attaching, in-use, detaching, error
    online: bool = True
    description: str = ""
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    id: AttachmentId
    server: ServerId
    volume: VolumeId
    device: str  # as the guest sees it: /dev/vdb
    mountpoint: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Server:
    id: ServerId
    name: str
    project: ProjectId
    user: str
    state: ServerState
    flavor: Flavor  # as it was when the server was made or last resized
    image: ImageId | None
    created: datetime
    updated: datetime
    hostname: str = ""
    task: str | None = None  # spawning, stopping ...; while set, further changes are a Conflict
    fault: str | None = None  # one sentence, when state is ERROR
    native_state: str = ""
    interfaces: tuple[Interface, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    key_name: str | None = None
    launched: datetime | None = None
    terminated: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What a caller asks for. `request_id` makes creation idempotent within the project: the same id gives the same server."""

    name: str
    image: ImageId
    flavor: FlavorId
    hostname: str = ""
    user_data: bytes = b""
    ssh_keys: tuple[str, ...] = ()
    networks: tuple[NetworkId, ...] = ()  # empty: the driver's default network
    volumes: tuple[VolumeId, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ServerQuery:
    """Filters of a listing; None means any. Order is by creation time, then id; `limit` 0 means all."""

    image: ImageId | None = None
    flavor: FlavorId | None = None
    state: ServerState | None = None
    name: str | None = None
    limit: int = 0
    offset: int = 0
    all_projects: bool = False  # needs the role "admin"


@dataclass(frozen=True, slots=True)
class QuotaItem:
    limit: int | None  # None: no limit
    used: int


@dataclass(frozen=True, slots=True)
class Quota:
    """Of the caller's project: servers, vcpus, ram_mib, volumes, volume_gib."""

    items: Mapping[str, QuotaItem]


class EventKind(StrEnum):
    CREATED = "server.created"  # accepted and recorded
    STARTED = "server.started"  # running (first boot, start, resume)
    STOPPED = "server.stopped"
    SUSPENDED = "server.suspended"
    DELETED = "server.deleted"
    FAILED = "server.failed"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One change of a server, in the order the driver recorded them; `sequence` only grows."""

    sequence: int
    time: datetime
    kind: EventKind
    server: ServerId
    project: ProjectId
    user: str
    vo: str | None
    fqan: str | None
    name: str
    image: ImageId | None
    vcpus: int
    ram_mib: int
    disk_gib: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CloudInfo:
    """What the cloud below is and can do; read once a request, cheap."""

    driver: str
    version: str
    actions: frozenset[ServerAction]
    default_network: NetworkId | None = None
    accelerator: str = ""
