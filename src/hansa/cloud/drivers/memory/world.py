"""What the reference driver knows, and how time passes in it."""

import heapq
import itertools
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hansa.base.errors import CapacityExceeded, NotFound
from hansa.cloud.model import (
    AttachmentId,
    Caller,
    EventKind,
    Flavor,
    FlavorId,
    Image,
    ImageId,
    Network,
    NetworkId,
    ProjectId,
    Quota,
    QuotaItem,
    Server,
    ServerEvent,
    ServerId,
    ServerSpec,
    Volume,
    VolumeId,
)
from hansa.cloud.rules import check_quota

NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Delays:
    """How long things take on the clock; the default is: done at the next call."""

    boot: timedelta = NOTHING
    action: timedelta = NOTHING
    delete: timedelta = NOTHING


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the pretended hosts hold together."""

    vcpus: int
    ram_mib: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a server, and for what; kept beside the server for its events and its boots."""

    vo: str | None
    fqan: str | None
    spec: ServerSpec


class World:
    """State and clock.

    `quota` limits every project (`servers`, `vcpus`, `ram_mib`, `volumes`, `volume_gib`; absent: no limit), `project_quotas`
    replaces it for some. `boot_fault` gives the sentence with which a launch fails, or None. `first_event` is the sequence
    of the first event: a process that forgets its machines when it ends must go on counting where followers stand.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        flavors: Iterable[Flavor] = (),
        images: Iterable[Image] = (),
        networks: Iterable[Network] = (),
        quota: Mapping[str, int] | None = None,
        project_quotas: Mapping[str, Mapping[str, int]] | None = None,
        capacity: Capacity | None = None,
        delays: Delays = Delays(),
        first_event: int = 1,
        boot_fault: Callable[[ServerSpec], str | None] = lambda spec: None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._delays = delays
        self._boot_fault = boot_fault
        self._capacity = capacity
        self._quota = dict(quota or {})
        self._project_quotas = {name: dict(limits) for name, limits in (project_quotas or {}).items()}
        self._flavors: dict[FlavorId, Flavor] = {flavor.id: flavor for flavor in flavors}
        self._images: dict[ImageId, Image] = {image.id: image for image in images}
        self._networks: dict[NetworkId, Network] = {network.id: network for network in networks}
        self._servers: defaultdict[ProjectId, dict[ServerId, Server]] = defaultdict(dict)
        self._volumes: defaultdict[ProjectId, dict[VolumeId, Volume]] = defaultdict(dict)
        self._attachments: dict[AttachmentId, tuple[ProjectId, ServerId]] = {}
        self._origins: dict[ServerId, Origin] = {}
        self._requests: dict[tuple[ProjectId, str], ServerId] = {}
        self._consoles: defaultdict[ServerId, bytearray] = defaultdict(bytearray)
        self._addresses: defaultdict[NetworkId, set[str]] = defaultdict(set)  # given out
        self._turns: defaultdict[NetworkId, Iterator[int]] = defaultdict(itertools.count)
        self._macs = itertools.count(1)
        self._projects: set[str] = set()
        self._events: list[ServerEvent] = []
        self._first_event = first_event
        self._numbers = itertools.count(1)
        self._due: list[tuple[datetime, int, ServerId, Callable[[datetime], None]]] = []
        self._running: dict[ServerId, int] = {}  # the number of the only task of a server that still counts

    async def open(self) -> None:
        self._now()

    async def close(self) -> None:
        """Nothing to let go of: what was made is there at the next `open` of the same object."""

    async def ensure_project(self, project: str, *, description: str = "") -> None:
        self._projects.add(project)

    async def quota(self, caller: Caller) -> Quota:
        self._now()
        limits, used = self._limits(caller.project), self._used(caller.project)
        return Quota({resource: QuotaItem(limits.get(resource), amount) for resource, amount in used.items()})

    async def events(self, after: int = 0, limit: int = 1000) -> list[ServerEvent]:
        self._now()
        start = max(0, after - self._first_event + 1)
        return self._events[start : start + limit]

    def _now(self) -> datetime:
        """The time; before it is told, everything that was due has happened, in order, each at its own moment."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            moment, number, server, finish = heapq.heappop(self._due)
            if self._running.get(server) == number:
                del self._running[server]
                finish(moment)
        return now

    def _later(self, server: ServerId, at: datetime, finish: Callable[[datetime], None]) -> None:
        """The server's task: `finish` runs at that moment, unless another task takes its place."""
        number = next(self._numbers)
        self._running[server] = number
        heapq.heappush(self._due, (at, number, server, finish))

    def _record(self, kind: EventKind, server: Server, time: datetime, detail: str = "") -> None:
        origin = self._origins[server.id]
        self._events.append(
            ServerEvent(
                sequence=self._first_event + len(self._events),
                time=time,
                kind=kind,
                server=server.id,
                project=server.project,
                user=server.user,
                vo=origin.vo,
                fqan=origin.fqan,
                name=server.name,
                image=server.image,
                vcpus=server.flavor.vcpus,
                ram_mib=server.flavor.ram_mib,
                disk_gib=server.flavor.disk_gib,
                detail=detail,
            )
        )

    def _find(self, caller: Caller, server: ServerId) -> Server:
        try:
            return self._servers[caller.project][server]
        except KeyError:
            raise NotFound(f"There is no machine {server}.") from None

    def _put(self, server: Server, at: datetime) -> Server:
        changed = replace(server, updated=at)
        self._servers[server.project][server.id] = changed
        return changed

    def _flavor(self, flavor: FlavorId) -> Flavor:
        try:
            return self._flavors[flavor]
        except KeyError:
            raise NotFound(f"There is no flavor {flavor}.") from None

    def _limits(self, project: ProjectId) -> Mapping[str, int]:
        return self._project_quotas.get(project, self._quota)

    def _used(self, project: ProjectId) -> dict[str, int]:
        servers, volumes = self._servers[project].values(), self._volumes[project].values()
        return {
            "servers": len(servers),
            "vcpus": sum(server.flavor.vcpus for server in servers),
            "ram_mib": sum(server.flavor.ram_mib for server in servers),
            "volumes": len(volumes),
            "volume_gib": -int(-sum(volume.size_gib for volume in volumes) // 1),  # rounded up
        }

    def _reserve(self, project: ProjectId, requested: Mapping[str, int]) -> None:
        """Raise QuotaExceeded or CapacityExceeded if that much more is too much."""
        if limits := self._limits(project):
            used = self._used(project)
            for resource, amount in requested.items():
                check_quota(resource, limit=limits.get(resource), used=used[resource], requested=amount)
        if self._capacity is None:
            return
        flavors = [server.flavor for servers in self._servers.values() for server in servers.values()]
        vcpus = sum(flavor.vcpus for flavor in flavors) + requested.get("vcpus", 0)
        ram_mib = sum(flavor.ram_mib for flavor in flavors) + requested.get("ram_mib", 0)
        if vcpus > self._capacity.vcpus or ram_mib > self._capacity.ram_mib:
            raise CapacityExceeded("The hosts are full; try a smaller flavor, or later.")
