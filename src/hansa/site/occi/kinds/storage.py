"""storage: a volume. Sizes are GiB; a volume grows and never shrinks."""

from collections.abc import Mapping, Sequence

from hansa.base.errors import BadRequest, Conflict, NotFound, Unsupported
from hansa.cloud.model import Volume
from hansa.cloud.port import HasVolumes
from hansa.site.occi import rules, store
from hansa.site.occi.handler import Selection
from hansa.site.occi.kinds.annotate import annotate, forget
from hansa.site.occi.session import Session
from hansa.standards.occi import Entity, Mixin, Patch, Resource, Value, coerce
from hansa.standards.occi import infrastructure as infra

_SIZE = "occi.storage.size"
_IN_USE = frozenset({"in-use", "attaching", "detaching"})


class Storages:
    kind = infra.STORAGE.id
    base = "/storage/"

    async def list(self, session: Session, selection: Selection) -> Sequence[Volume]:
        return await _able(session).volumes(session.caller)

    async def find(self, session: Session, ident: str) -> Volume:
        for volume in await _able(session).volumes(session.caller):
            if volume.id == ident:
                return volume
        raise NotFound(f"There is no storage {ident}.")

    def ident(self, session: Session, native: Volume) -> str:
        return native.id

    def render(self, session: Session, native: Volume) -> Resource:
        path = self.base + native.id
        attributes: dict[str, Value] = {_SIZE: float(native.size_gib), "occi.storage.state": _state(native)}
        if native.state != "available":
            attributes["occi.storage.state.message"] = native.state
        return Resource(
            kind=self.kind,
            mixins=session.tags(path),
            id=native.id,
            location=path,
            title=native.name,
            summary=native.description or None,
            attributes=attributes,
            actions=self.applicable(session, native),
        )

    async def create(self, session: Session, entity: Entity, request_id: str | None) -> Volume:
        assert isinstance(entity, Resource)
        mixins = await rules.mixins_of(session, self.kind, entity.mixins)
        values = rules.read_attributes(session.view, self.kind, mixins, entity.attributes, current=None, whole=False)
        made = await _able(session).create_volume(
            session.caller,
            name=entity.title or "storage",
            size_gib=_size(values[_SIZE]),
            description=entity.summary or "",
        )
        await annotate(session, self.base + made.id, store.Note(), rules.tags_in(session, mixins))
        return made

    async def update(self, session: Session, native: Volume, patch: Patch, *, whole: bool) -> None:
        shown = self.render(session, native)
        mixins = await rules.mixins_of(session, self.kind, patch.mixins)
        values = rules.read_attributes(
            session.view, self.kind, mixins, patch.attributes, current=shown.attributes, whole=whole
        )
        if patch.links:
            raise BadRequest("A storage owns no links; they belong to machines.", field="Link")
        size = _size(values.get(_SIZE, native.size_gib))
        name = patch.title if patch.title not in (None, native.name) else None
        description = patch.summary if patch.summary not in (None, native.description) else None
        if name is not None or description is not None or size != native.size_gib:
            await _able(session).update_volume(
                session.caller,
                native.id,
                name=name,
                description=description,
                size_gib=size if size != native.size_gib else None,
            )
        await annotate(session, self.base + native.id, store.Note(), rules.tags_in(session, mixins), whole=whole)

    async def check_delete(self, session: Session, native: Volume) -> None:
        if native.state in _IN_USE:
            raise Conflict(f"Storage {native.name} is attached to a machine; detach it first.")

    async def delete(self, session: Session, native: Volume) -> None:
        await _able(session).delete_volume(session.caller, native.id)
        await forget(session, self.base + native.id)

    async def gone(self, session: Session, native: Volume) -> bool:
        return True

    def applicable(self, session: Session, native: Volume) -> tuple[str, ...]:
        if native.state != "available":
            return ()
        return (infra.STORAGE_OFFLINE.id if native.online else infra.STORAGE_ONLINE.id, infra.STORAGE_RESIZE.id)

    async def act(self, session: Session, native: Volume, action: str, parameters: Mapping[str, Value]) -> Mixin | None:
        cloud = _able(session)
        if action == infra.STORAGE_RESIZE.id:
            definition = session.view.model.attributes[action]["size"]
            await cloud.update_volume(
                session.caller, native.id, size_gib=_size(coerce(definition, parameters.get("size")))
            )
        elif action in (infra.STORAGE_ONLINE.id, infra.STORAGE_OFFLINE.id):
            await cloud.update_volume(session.caller, native.id, online=action == infra.STORAGE_ONLINE.id)
        else:
            raise Unsupported("This cloud takes neither backups nor snapshots of storage.", ability="backup")
        return None

    def settled(self, session: Session, native: Volume, action: str) -> bool:
        leads_to = {infra.STORAGE_ONLINE.id: True, infra.STORAGE_OFFLINE.id: False}.get(action)
        return native.online == leads_to


def _able(session: Session) -> HasVolumes:
    if not isinstance(session.cloud, HasVolumes):
        raise Unsupported("This cloud has no volumes.", ability="volumes")
    return session.cloud


def _state(volume: Volume) -> str:
    if volume.state == "error":
        return "error"
    return "online" if volume.online else "offline"


def _size(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)
