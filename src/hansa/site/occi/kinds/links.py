"""networkinterface and storagelink: what connects a machine to a network or a volume. The machine owns them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hansa.base.errors import BadRequest, Conflict, NotFound, Unsupported
from hansa.cloud.model import Attachment, Interface, Server, ServerId
from hansa.cloud.port import HasNetworks, HasVolumes
from hansa.site.occi import rules, store
from hansa.site.occi.handler import Selection
from hansa.site.occi.kinds import attach
from hansa.site.occi.kinds.annotate import annotate, forget
from hansa.site.occi.kinds.render import render_attachment, render_interface
from hansa.site.occi.session import Session
from hansa.standards.occi import Entity, Link, Mixin, Patch, Value
from hansa.standards.occi import infrastructure as infra


@dataclass(frozen=True, slots=True)
class Wire:
    """A card or a disk, and the machine it is in."""

    server: Server
    end: Interface | Attachment


class _Links:
    """What both kinds share."""

    kind: str
    base: str

    def _ends(self, server: Server) -> Sequence[Interface | Attachment]:
        raise NotImplementedError

    async def list(self, session: Session, selection: Selection) -> Sequence[Wire]:
        servers = await session.cloud.servers(session.caller)
        return [Wire(server, end) for server in servers for end in self._ends(server)]

    async def find(self, session: Session, ident: str) -> Wire:
        for wire in await self.list(session, Selection()):
            if wire.end.id == ident:
                return wire
        raise NotFound(f"There is no link {self.base}{ident}.")

    def ident(self, session: Session, native: Wire) -> str:
        return native.end.id

    def render(self, session: Session, native: Wire) -> Link:
        if isinstance(native.end, Interface):
            return render_interface(session, native.server, native.end)
        return render_attachment(session, native.server, native.end)

    async def create(self, session: Session, entity: Entity, request_id: str | None) -> Wire:
        if not isinstance(entity, Link) or not entity.source:
            raise BadRequest("A link needs occi.core.source and occi.core.target.", field="occi.core.source")
        mixins = await rules.mixins_of(session, self.kind, entity.mixins)
        await attach.check_wishes(session, entity)
        server = await session.cloud.server(session.caller, ServerId(session.ident(entity.source, "/compute/")))
        end = await attach.attach(session, server.id, entity)
        tags = rules.tags_in(session, mixins)
        await annotate(session, self.base + end.id, store.Note(title=entity.title), tags)
        return Wire(server, end)

    async def update(self, session: Session, native: Wire, patch: Patch, *, whole: bool) -> None:
        shown = self.render(session, native)
        mixins = await rules.mixins_of(session, self.kind, patch.mixins)
        values = rules.read_attributes(
            session.view, self.kind, mixins, patch.attributes, current=shown.attributes, whole=whole
        )
        if patch.links:
            raise BadRequest("A link owns no links.", field="Link")
        for name, value in values.items():
            if not rules.same(shown.attributes.get(name), value):
                raise BadRequest(f"Attribute {name} is fixed when a link is made.", field=name)
        note = store.Note(title=patch.title)
        await annotate(session, self.base + native.end.id, note, rules.tags_in(session, mixins), whole=whole)

    async def check_delete(self, session: Session, native: Wire) -> None:
        if native.server.task is not None and session.settings.patience_seconds == 0:
            raise Conflict("The machine is busy; try again when it has finished.", task=native.server.task)

    async def delete(self, session: Session, native: Wire) -> None:
        await session.patiently(lambda: _detach(session, native))
        await forget(session, self.base + native.end.id)

    async def gone(self, session: Session, native: Wire) -> bool:
        return True

    def applicable(self, session: Session, native: Wire) -> tuple[str, ...]:
        return ()

    async def act(self, session: Session, native: Wire, action: str, parameters: Mapping[str, Value]) -> Mixin | None:
        raise BadRequest("Links have no actions.")

    def settled(self, session: Session, native: Wire, action: str) -> bool:
        return False


class Interfaces(_Links):
    kind = infra.NETWORKINTERFACE.id
    base = "/networkinterface/"

    def _ends(self, server: Server) -> Sequence[Interface]:
        return server.interfaces


class StorageLinks(_Links):
    kind = infra.STORAGELINK.id
    base = "/storagelink/"

    def _ends(self, server: Server) -> Sequence[Attachment]:
        return server.attachments


async def _detach(session: Session, wire: Wire) -> None:
    cloud, end = session.cloud, wire.end
    if isinstance(end, Interface):
        if not isinstance(cloud, HasNetworks):
            raise Unsupported("This cloud connects machines to networks only when they are made.", ability="networks")
        await cloud.detach_interface(session.caller, wire.server.id, end.id)
    elif isinstance(cloud, HasVolumes):
        await cloud.detach_volume(session.caller, end.id)
