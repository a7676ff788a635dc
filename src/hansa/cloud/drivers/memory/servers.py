"""Machines of the reference driver: creation, power, resize, deletion."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import hansa
from hansa.cloud.drivers.memory.images import Images
from hansa.cloud.drivers.memory.networks import Networks
from hansa.cloud.drivers.memory.volumes import Volumes
from hansa.cloud.drivers.memory.world import Origin
from hansa.cloud.model import (
    Caller,
    CloudInfo,
    EventKind,
    Flavor,
    FlavorId,
    ProjectId,
    Server,
    ServerAction,
    ServerId,
    ServerQuery,
    ServerSpec,
    ServerState,
)
from hansa.cloud.rules import (
    check_action,
    check_fits,
    check_hostname,
    check_name,
    check_query,
    check_resize,
    check_spec,
    default_hostname,
    page,
)

_OUTCOMES: dict[ServerAction, tuple[str, ServerState, EventKind | None]] = {
    ServerAction.START: ("starting", ServerState.ACTIVE, EventKind.STARTED),
    ServerAction.STOP: ("stopping", ServerState.STOPPED, EventKind.STOPPED),
    ServerAction.POWEROFF: ("powering-off", ServerState.STOPPED, EventKind.STOPPED),
    ServerAction.REBOOT: ("rebooting", ServerState.ACTIVE, None),
    ServerAction.RESET: ("resetting", ServerState.ACTIVE, None),
    ServerAction.SUSPEND: ("suspending", ServerState.SUSPENDED, EventKind.SUSPENDED),
    ServerAction.PAUSE: ("pausing", ServerState.PAUSED, EventKind.SUSPENDED),
}
"""Action: the task's name, the state it ends in, the event that tells of it."""


class Servers(Volumes, Networks, Images):
    async def info(self) -> CloudInfo:
        shared = (network.id for network in self._networks.values() if network.owner is None)
        return CloudInfo(
            driver="memory",
            version=hansa.__version__,
            actions=frozenset(ServerAction),
            default_network=next(shared, None),
        )

    async def flavors(self, caller: Caller) -> Sequence[Flavor]:
        return list(self._flavors.values())

    async def servers(self, caller: Caller, query: ServerQuery = ServerQuery()) -> Sequence[Server]:
        check_query(caller, query)
        self._now()
        if query.all_projects:
            return page((server for owned in self._servers.values() for server in owned.values()), query)
        return page(self._servers[caller.project].values(), query)

    async def server(self, caller: Caller, server: ServerId) -> Server:
        self._now()
        return self._find(caller, server)

    async def create_server(self, caller: Caller, spec: ServerSpec) -> Server:
        check_spec(spec)
        now = self._now()
        if spec.request_id is not None and (known := self._requests.get((caller.project, spec.request_id))):
            return self._find(caller, known)
        image, flavor = self._image(caller, spec.image), self._flavor(spec.flavor)
        check_fits(image, flavor)
        default = (await self.info()).default_network
        networks = [self._network(caller, network) for network in spec.networks or ((default,) if default else ())]
        volumes = [self._available(caller, volume) for volume in spec.volumes]
        self._reserve(caller.project, {"servers": 1, "vcpus": flavor.vcpus, "ram_mib": flavor.ram_mib})
        server = Server(
            id=ServerId(self._new_id()),
            name=spec.name,
            project=caller.project,
            user=caller.user,
            state=ServerState.PENDING,
            flavor=flavor,
            image=image.id,
            created=now,
            updated=now,
            hostname=spec.hostname or default_hostname(spec.name),
            task="spawning",
            native_state="pending",
            interfaces=self._connect(networks),
            metadata=dict(spec.metadata),
        )
        self._origins[server.id] = Origin(caller.vo, caller.fqan, spec)
        if spec.request_id is not None:
            self._requests[caller.project, spec.request_id] = server.id
        server = self._put(replace(server, attachments=self._plug(server, volumes)), now)
        self._record(EventKind.CREATED, server, now)
        self._later(server.id, now + self._delays.boot, partial(self._booted, caller.project, server.id))
        return server

    async def update_server(
        self, caller: Caller, server: ServerId, *, name: str | None = None, hostname: str | None = None
    ) -> Server:
        now = self._now()
        found = self._find(caller, server)
        return self._put(
            replace(
                found,
                name=found.name if name is None else check_name(name),
                hostname=found.hostname if hostname is None else check_hostname(hostname),
            ),
            now,
        )

    async def act(self, caller: Caller, server: ServerId, action: ServerAction) -> Server:
        now = self._now()
        found = self._find(caller, server)
        check_action(found, action)
        task, _, _ = _OUTCOMES[action]
        self._later(found.id, now + self._delays.action, partial(self._acted, found.project, found.id, action))
        return self._put(replace(found, task=task), now)

    async def delete_server(self, caller: Caller, server: ServerId) -> None:
        now = self._now()
        found = self._find(caller, server)
        if found.task == "deleting":
            return
        self._put(replace(found, task="deleting"), now)
        self._later(found.id, now + self._delays.delete, partial(self._deleted, found.project, found.id))

    async def console_log(self, caller: Caller, server: ServerId, *, tail_bytes: int = 65536) -> bytes:
        self._now()
        log = self._consoles[self._find(caller, server).id]
        return bytes(log[max(0, len(log) - tail_bytes) :])

    async def resize_server(self, caller: Caller, server: ServerId, flavor: FlavorId) -> Server:
        now = self._now()
        found, wanted = self._find(caller, server), self._flavor(flavor)
        check_resize(found, wanted)
        more = {"vcpus": wanted.vcpus - found.flavor.vcpus, "ram_mib": wanted.ram_mib - found.flavor.ram_mib}
        self._reserve(caller.project, more)
        if found.state is ServerState.ACTIVE:
            self._record(EventKind.STOPPED, found, now, "resize")
        self._later(found.id, now + self._delays.action, partial(self._resized, found.project, found.id))
        return self._put(replace(found, flavor=wanted, task="resizing"), now)

    def _booted(self, project: ProjectId, server: ServerId, at: datetime) -> None:
        found = self._servers[project][server]
        if fault := self._boot_fault(self._origins[server].spec):
            self._put(replace(found, state=ServerState.ERROR, task=None, fault=fault, native_state="error"), at)
            self._record(EventKind.FAILED, found, at, fault)
            return
        self._power(found, ServerState.ACTIVE, EventKind.STARTED, at)

    def _acted(self, project: ProjectId, server: ServerId, action: ServerAction, at: datetime) -> None:
        found = self._servers[project][server]
        _, state, event = _OUTCOMES[action]
        self._power(found, state, event, at)

    def _resized(self, project: ProjectId, server: ServerId, at: datetime) -> None:
        found = self._servers[project][server]
        self._power(found, found.state, EventKind.STARTED if found.state is ServerState.ACTIVE else None, at)

    def _power(self, server: Server, state: ServerState, event: EventKind | None, at: datetime) -> None:
        launched = server.launched or (at if state is ServerState.ACTIVE else None)
        after = replace(server, state=state, task=None, fault=None, native_state=state.value, launched=launched)
        self._consoles[server.id] += f"{at.isoformat()} {server.hostname} {state}\n".encode()
        self._put(after, at)
        if event is not None:
            self._record(event, after, at)

    def _deleted(self, project: ProjectId, server: ServerId, at: datetime) -> None:
        gone = self._servers[project].pop(server)
        self._unplug_all(gone)
        self._disconnect(gone.interfaces)
        self._record(EventKind.DELETED, gone, at)
        origin = self._origins.pop(server)
        if origin.spec.request_id is not None:
            del self._requests[gone.project, origin.spec.request_id]
        self._consoles.pop(server, None)
