"""network, and its mixin ipnetwork. The shared default network is `/network/public`."""

from collections.abc import Mapping, Sequence

from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound, Unsupported
from hansa.cloud.model import Network
from hansa.cloud.port import HasNetworks
from hansa.site.occi import rules, store
from hansa.site.occi.handler import Selection
from hansa.site.occi.kinds.annotate import annotate, forget
from hansa.site.occi.session import Session
from hansa.standards.occi import Entity, Mixin, Patch, Resource, Value
from hansa.standards.occi import infrastructure as infra

_LABEL = "occi.network.label"


class Networks:
    kind = infra.NETWORK.id
    base = "/network/"

    async def list(self, session: Session, selection: Selection) -> Sequence[Network]:
        return await session.cloud.networks(session.caller)

    async def find(self, session: Session, ident: str) -> Network:
        wanted = session.network_id(ident)
        for network in await session.cloud.networks(session.caller):
            if network.id == wanted:
                return network
        raise NotFound(f"There is no network {ident}.")

    def ident(self, session: Session, native: Network) -> str:
        return session.network_path(native.id).removeprefix(self.base)

    def render(self, session: Session, native: Network) -> Resource:
        path = session.network_path(native.id)
        attributes: dict[str, Value] = {
            "occi.network.vlan": native.vlan,
            _LABEL: native.name,
            "occi.network.state": "active" if native.up else "inactive",
        }
        mixins = session.tags(path)
        if native.cidr is not None:
            mixins = (infra.IPNETWORK.id, *mixins)
            attributes["occi.network.address"] = native.cidr
            attributes["occi.network.gateway"] = native.gateway
            attributes["occi.network.allocation"] = native.allocation
        return Resource(
            kind=self.kind,
            mixins=mixins,
            id=path.removeprefix(self.base),
            location=path,
            title=native.name,
            summary=session.note(path).summary,
            attributes={name: value for name, value in attributes.items() if value is not None},
            actions=self.applicable(session, native),
        )

    async def create(self, session: Session, entity: Entity, request_id: str | None) -> Network:
        assert isinstance(entity, Resource)
        cloud = _able(session)
        mixins = await rules.mixins_of(session, self.kind, entity.mixins)
        values = rules.read_attributes(session.view, self.kind, mixins, entity.attributes, current=None, whole=False)
        vlan = values.get("occi.network.vlan")
        made = await cloud.create_network(
            session.caller,
            name=entity.title or _text(values, _LABEL) or "network",
            cidr=_text(values, "occi.network.address"),
            gateway=_text(values, "occi.network.gateway"),
            allocation=_text(values, "occi.network.allocation") or "dynamic",
            vlan=vlan if isinstance(vlan, int) else None,
        )
        await annotate(session, self.base + made.id, store.Note(summary=entity.summary), rules.tags_in(session, mixins))
        return made

    async def update(self, session: Session, native: Network, patch: Patch, *, whole: bool) -> None:
        shown = self.render(session, native)
        mixins = await rules.mixins_of(session, self.kind, patch.mixins)
        values = rules.read_attributes(
            session.view, self.kind, mixins, patch.attributes, current=shown.attributes, whole=whole
        )
        if patch.links:
            raise BadRequest("A network owns no links; they belong to machines.", field="Link")
        for name, value in values.items():
            if name != _LABEL and not rules.same(shown.attributes.get(name), value):
                raise BadRequest(f"Attribute {name} is fixed when a network is made.", field=name)
        label = _text(values, _LABEL)
        renamed = next((new for new in (patch.title, label) if new is not None and new != native.name), None)
        if renamed is not None:
            await _able(session).update_network(session.caller, native.id, name=renamed)
        await annotate(
            session, str(shown.location), store.Note(summary=patch.summary), rules.tags_in(session, mixins), whole=whole
        )

    async def check_delete(self, session: Session, native: Network) -> None:
        if native.owner != session.caller.project:
            raise Forbidden("The network is everybody's; only the operator changes it.")
        for server in await session.cloud.servers(session.caller):
            if any(card.network == native.id for card in server.interfaces) and server.task != "deleting":
                raise _connected(native)

    async def delete(self, session: Session, native: Network) -> None:
        await _able(session).delete_network(session.caller, native.id)
        await forget(session, self.base + native.id)

    async def gone(self, session: Session, native: Network) -> bool:
        return True

    def applicable(self, session: Session, native: Network) -> tuple[str, ...]:
        if not isinstance(session.cloud, HasNetworks) or native.owner != session.caller.project:
            return ()
        return (infra.NETWORK_DOWN.id if native.up else infra.NETWORK_UP.id,)

    async def act(
        self, session: Session, native: Network, action: str, parameters: Mapping[str, Value]
    ) -> Mixin | None:
        await _able(session).update_network(session.caller, native.id, up=action == infra.NETWORK_UP.id)
        return None

    def settled(self, session: Session, native: Network, action: str) -> bool:
        return native.up == (action == infra.NETWORK_UP.id)


def _able(session: Session) -> HasNetworks:
    if not isinstance(session.cloud, HasNetworks):
        raise Unsupported("The networks of this cloud are the operator's.", ability="networks")
    return session.cloud


def _connected(network: Network) -> Conflict:
    return Conflict(f"A machine is connected to network {network.name}; disconnect it first.")


def _text(values: Mapping[str, Value], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else str(value)
