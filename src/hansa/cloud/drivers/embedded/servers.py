"""Machines at the port: what may be asked is checked here, in the transaction that records the wish."""

import asyncio
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from hansa.base.errors import BadRequest
from hansa.cloud.drivers.embedded import addresses, launch, removal
from hansa.cloud.drivers.embedded.changes import Changes
from hansa.cloud.drivers.embedded.commandline import CARDS, DRIVES
from hansa.cloud.drivers.embedded.host import GIB
from hansa.cloud.drivers.embedded.networks import DEFAULT
from hansa.cloud.drivers.embedded.store import images, networks, servers, volumes
from hansa.cloud.model import (
    AttachmentId,
    Caller,
    CloudInfo,
    Flavor,
    Quota,
    QuotaItem,
    Server,
    ServerAction,
    ServerEvent,
    ServerId,
    ServerQuery,
    ServerSpec,
    ServerState,
)
from hansa.cloud.rules import (
    check_fits,
    check_hostname,
    check_name,
    check_query,
    check_spec,
    default_hostname,
)
from hansa.cloud.settings import flavors_of
from hansa.standards.cloudinit import CloudInitError, check_user_data, nocloud_files


class Servers(Changes):
    async def info(self) -> CloudInfo:
        return CloudInfo(
            driver="embedded",
            version=self._host.version,
            actions=frozenset(ServerAction),
            default_network=DEFAULT,
            accelerator=self._host.hypervisor.accelerator,
        )

    async def flavors(self, caller: Caller) -> Sequence[Flavor]:
        return flavors_of(self._host.settings.flavors)

    async def servers(self, caller: Caller, query: ServerQuery = ServerQuery()) -> Sequence[Server]:
        check_query(caller, query)
        project = None if query.all_projects else caller.project
        return await self._host.db.read(lambda connection: servers.listing(connection, project, query))

    async def server(self, caller: Caller, server: ServerId) -> Server:
        return await self._host.db.read(lambda connection: servers.of_project(connection, caller.project, server))

    async def create_server(self, caller: Caller, spec: ServerSpec) -> Server:
        _check_spec(spec)
        flavor = self._flavor(spec.flavor)
        await asyncio.to_thread(self._host.check_disk)
        workflow, server = self._host.new_workflow(launch.NAME), ServerId(self._host.new_id())
        accept = partial(self._accept, caller=caller, spec=spec, flavor=flavor, server=server, workflow=workflow)
        made, virtual_bytes = await self._host.db.write(accept)
        if made.id == server:
            await self._host.run(launch.NAME, workflow, server=server, virtual_bytes=virtual_bytes)
        return made

    async def update_server(
        self, caller: Caller, server: ServerId, *, name: str | None = None, hostname: str | None = None
    ) -> Server:
        """A new hostname is told to the guest by nobody; it is what the cloud calls it."""
        changes: dict[str, str] = {}
        if name is not None:
            changes["name"] = check_name(name)
        if hostname is not None:
            changes["hostname"] = check_hostname(hostname)
        now = self._host.clock()

        def write(connection: Connection) -> Server:
            servers.of_project(connection, caller.project, server)
            servers.change(connection, server, now, **changes)
            return servers.get(connection, server)

        return await self._host.db.write(write)

    async def delete_server(self, caller: Caller, server: ServerId) -> None:
        workflow, now = self._host.new_workflow(removal.NAME), self._host.clock()

        def accept(connection: Connection) -> tuple[bool, str | None]:
            found = servers.of_project(connection, caller.project, server)
            if found.task == "deleting":
                return False, None
            previous = servers.with_workflow(connection, server)
            servers.begin(connection, server, "deleting", workflow, now)
            self._host.record(connection, removal.NAME, workflow, server=server, previous=previous)
            return True, previous

        accepted, previous = await self._host.db.write(accept)
        if accepted:
            await self._host.run(removal.NAME, workflow, server=server, previous=previous)

    async def console_log(self, caller: Caller, server: ServerId, *, tail_bytes: int = 65536) -> bytes:
        found = await self.server(caller, server)
        return await asyncio.to_thread(self._host.console, found.id, tail_bytes)

    async def quota(self, caller: Caller) -> Quota:
        limits = self._host.limits(caller.project)
        used = await self._host.db.read(lambda connection: self._host.used(connection, caller.project))
        return Quota({resource: QuotaItem(limits.get(resource), amount) for resource, amount in used.items()})

    async def events(self, after: int = 0, limit: int = 1000) -> Sequence[ServerEvent]:
        return await self._host.db.read(lambda connection: servers.events_after(connection, after, limit))

    def _accept(
        self,
        connection: Connection,
        *,
        caller: Caller,
        spec: ServerSpec,
        flavor: Flavor,
        server: ServerId,
        workflow: str,
    ) -> tuple[Server, int]:
        """The machine with all it holds, or the one that the same request made before."""
        if spec.request_id is not None:
            known = servers.by_request(connection, caller.project, spec.request_id)
            if known is not None:
                return known, 0
        image, virtual_bytes = images.of_project(connection, caller.project, spec.image)
        check_fits(image, flavor)
        if flavor.disk_gib and virtual_bytes > flavor.disk_gib * GIB:
            raise BadRequest(f"The image needs a disk of {-(-virtual_bytes // GIB)} GiB.", field="flavor")
        nets = [networks.of_project(connection, caller.project, network) for network in spec.networks or (DEFAULT,)]
        for volume in spec.volumes:
            volumes.available(connection, caller.project, volume)
        needed = {"servers": 1, "vcpus": flavor.vcpus, "ram_mib": flavor.ram_mib}
        self._host.check_project(connection, caller.project, needed)
        self._host.check_memory(connection, flavor.ram_mib)
        now = self._host.clock()
        made = Server(
            id=server,
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
            metadata=dict(spec.metadata),
        )
        servers.add(connection, made, caller, spec, workflow)
        for network in nets:
            addresses.connect(connection, self._host, server, network, active=network.up)
        for volume in spec.volumes:
            attachment = AttachmentId(self._host.new_id())
            volumes.attach(connection, attachment, server, volume, mountpoint=None, state="in-use")
        self._host.record(connection, launch.NAME, workflow, server=server, virtual_bytes=virtual_bytes)
        return servers.get(connection, server), virtual_bytes


def _check_spec(spec: ServerSpec) -> None:
    """The bounds of every cloud, of this one, and of what a seed can hold."""
    check_spec(spec)
    if len(spec.networks) > CARDS:
        raise BadRequest(f"A machine of this cloud has at most {CARDS} interfaces.", field="networks")
    if len(spec.volumes) > DRIVES:
        raise BadRequest(f"A machine of this cloud has at most {DRIVES} volumes.", field="volumes")
    try:
        check_user_data(spec.user_data)
        nocloud_files("check", spec.hostname or default_hostname(spec.name), spec.ssh_keys, spec.user_data)
    except CloudInitError as error:
        raise BadRequest(str(error), reason=error.code, line=error.line, column=error.column) from error
