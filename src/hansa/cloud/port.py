"""The `Cloud` port: what every driver does, and abilities that some have beside it.

Every method takes the `Caller` and sees only what the caller's project owns or what is shared; another project's object
is `NotFound`. Long operations return as soon as the wish is durable: the object shows `task` until they end. Refusals are
`hansa.base.errors` (NotFound, Conflict, BadRequest, QuotaExceeded, CapacityExceeded, Unsupported, BackendDown).

An ability is a separate protocol. A face asks `isinstance(cloud, HasVolumes)` and advertises only what is there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from hansa.cloud.model import (
    Attachment,
    AttachmentId,
    Caller,
    CloudInfo,
    Flavor,
    FlavorId,
    Image,
    ImageId,
    Interface,
    InterfaceId,
    Network,
    NetworkId,
    Quota,
    Server,
    ServerAction,
    ServerEvent,
    ServerId,
    ServerQuery,
    ServerSpec,
    Volume,
    VolumeId,
)


@runtime_checkable
class Cloud(Protocol):
    """What every driver can do."""

    async def open(self) -> None:
        """Recover: adopt what runs, finish or undo what was half made. Called once before any other method."""

    async def close(self) -> None:
        """Let go without touching the machines: they run on."""

    async def info(self) -> CloudInfo: ...

    async def flavors(self, caller: Caller) -> Sequence[Flavor]: ...

    async def images(self, caller: Caller) -> Sequence[Image]: ...

    async def networks(self, caller: Caller) -> Sequence[Network]: ...

    async def servers(self, caller: Caller, query: ServerQuery = ServerQuery()) -> Sequence[Server]:
        """All matching servers with all their detail in one call (faces must never need N+1)."""

    async def server(self, caller: Caller, server: ServerId) -> Server: ...

    async def create_server(self, caller: Caller, spec: ServerSpec) -> Server:
        """Accept durably and return with state PENDING and task "spawning"; ACTIVE or ERROR follows."""

    async def update_server(
        self, caller: Caller, server: ServerId, *, name: str | None = None, hostname: str | None = None
    ) -> Server: ...

    async def act(self, caller: Caller, server: ServerId, action: ServerAction) -> Server:
        """Accept a power action. Conflict if a task runs or the state does not allow it (`model.ALLOWED`)."""

    async def delete_server(self, caller: Caller, server: ServerId) -> None:
        """Accept deletion from any state, also while a task runs. Idempotent until gone; then NotFound."""

    async def console_log(self, caller: Caller, server: ServerId, *, tail_bytes: int = 65536) -> bytes:
        """The end of the serial console's output; kept when a launch failed."""

    async def quota(self, caller: Caller) -> Quota: ...

    async def events(self, after: int = 0, limit: int = 1000) -> Sequence[ServerEvent]:
        """Recorded changes of all projects with a sequence greater than `after`, for accounting and notification."""


@runtime_checkable
class HasVolumes(Protocol):
    async def volumes(self, caller: Caller) -> Sequence[Volume]: ...

    async def create_volume(self, caller: Caller, *, name: str, size_gib: float, description: str = "") -> Volume: ...

    async def update_volume(
        self,
        caller: Caller,
        volume: VolumeId,
        *,
        name: str | None = None,
        description: str | None = None,
        size_gib: float | None = None,
        online: bool | None = None,
    ) -> Volume:
        """Rename, grow (never shrink: BadRequest) or switch on- and offline (Conflict while attached)."""

    async def delete_volume(self, caller: Caller, volume: VolumeId) -> None:
        """Conflict while attached."""

    async def attach_volume(
        self, caller: Caller, server: ServerId, volume: VolumeId, *, mountpoint: str | None = None
    ) -> Attachment: ...

    async def detach_volume(self, caller: Caller, attachment: AttachmentId) -> None: ...


@runtime_checkable
class HasNetworks(Protocol):
    """Networks of one's own, and interfaces that come and go."""

    async def create_network(
        self,
        caller: Caller,
        *,
        name: str,
        cidr: str | None = None,
        gateway: str | None = None,
        allocation: str = "dynamic",
        vlan: int | None = None,
    ) -> Network: ...

    async def update_network(
        self, caller: Caller, network: NetworkId, *, name: str | None = None, up: bool | None = None
    ) -> Network: ...

    async def delete_network(self, caller: Caller, network: NetworkId) -> None:
        """Conflict while a server is connected."""

    async def attach_interface(self, caller: Caller, server: ServerId, network: NetworkId) -> Interface: ...

    async def detach_interface(self, caller: Caller, server: ServerId, interface: InterfaceId) -> None: ...


@runtime_checkable
class CanResize(Protocol):
    async def resize_server(self, caller: Caller, server: ServerId, flavor: FlavorId) -> Server:
        """Cold resize: a running server is stopped and started again. Disks never shrink (BadRequest)."""


@runtime_checkable
class CanSnapshot(Protocol):
    async def save_server(self, caller: Caller, server: ServerId, name: str) -> Image:
        """A new image of the project from the server's disk (OCCI `save`)."""


@runtime_checkable
class HasImageStore(Protocol):
    """Images come from outside: the catalogue and the operator put them in."""

    async def add_image(self, image: Image, source: Path) -> Image:
        """Copy a local file in. BadRequest if its content is not `image.disk_format` or names a backing file."""

    async def remove_image(self, image: ImageId) -> None: ...


@runtime_checkable
class HasProjects(Protocol):
    async def ensure_project(self, project: str, *, description: str = "") -> None:
        """Make the project if it is not there (policy `autocreate`)."""
