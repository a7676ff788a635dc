"""What can be done through OCCI: query, collections, entities, actions, user mixins. Every rule that is not a kind's own.

A caller sees and touches only the caller's project: that is the cloud's port's promise, and the store's key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound
from hansa.cloud.model import Caller
from hansa.cloud.port import Cloud
from hansa.cloud.rules import default_hostname
from hansa.site.occi import rules, store
from hansa.site.occi.catalogue import View
from hansa.site.occi.handler import Handler, Selection
from hansa.site.occi.kinds import HANDLERS
from hansa.site.occi.session import Dialect, Session
from hansa.site.occi.settings import OcciSettings
from hansa.site.occi.views import Views
from hansa.standards.occi import (
    Entity,
    Invocation,
    Kind,
    Link,
    Mixin,
    Patch,
    Resource,
    Value,
    json,
    split_id,
)


@dataclass(frozen=True, slots=True)
class Query:
    """Filter and page of a collection: entities that wear all `categories` and have all `attributes`. `number` 0: no pages."""

    categories: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    page: int = 1
    number: int = 0

    def __bool__(self) -> bool:
        return bool(self.categories or self.attributes)


@dataclass(frozen=True, slots=True)
class Member:
    """An entity as the cloud holds it, with the handler of its kind."""

    handler: Handler[Any]
    native: Any

    def path(self, session: Session) -> str:
        return self.handler.base + self.handler.ident(session, self.native)

    def render(self, session: Session) -> Entity:
        return self.handler.render(session, self.native)


class Service:
    """One for a face. `clock` is monotonic seconds."""

    def __init__(
        self,
        cloud: Cloud,
        database: Database,
        settings: OcciSettings,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._cloud = cloud
        self._database = database
        self._settings = settings
        more = {} if clock is None else {"clock": clock}
        self._views = Views(cloud, database, seconds=settings.model_seconds, **more)

    async def session(self, caller: Caller, hosts: frozenset[str], dialect: Dialect = json) -> Session:
        async def reload() -> View:
            return await self._views.reload(caller)

        view = await self._views.view(caller)
        return Session(caller, self._cloud, self._database, self._settings, view, reload, hosts, dialect)


# ----------------------------------------------------------------------------------------------------------- collections


async def members(session: Session, category: Kind | Mixin | None, query: Query) -> list[Member]:
    """The entities of a kind or mixin (None: all there are), filtered and paged, in order of creation within each kind."""
    narrow = Selection()
    filters = query
    if isinstance(category, Mixin):
        view = session.view
        image, flavor = view.images.get(category.id), view.flavors.get(category.id)
        narrow = Selection(image=image.id if image else None, flavor=flavor.id if flavor else None)
        if narrow == Selection():
            filters = replace(query, categories=(*query.categories, category.id))
    handlers = _handlers(session, category, narrow)
    if len(handlers) == 1 and not filters and query.number and handlers[0].base == "/compute/":
        narrow = replace(narrow, limit=query.number, offset=(query.page - 1) * query.number)
        query = Query()
    found = [Member(handler, native) for handler in handlers for native in await handler.list(session, narrow)]
    if filters:
        found = [member for member in found if _matches(session, member.render(session), filters)]
    if not query.number:
        return found
    first = (query.page - 1) * query.number
    return list(islice(found, first, first + query.number))


async def members_below(session: Session, path: str, query: Query) -> list[Member]:
    """Everything in the collections beneath a path that is none itself."""
    below = [category for location, category in session.view.model.by_location.items() if location.startswith(path)]
    if path == "/":
        return await members(session, None, query)
    everything = await members(session, None, replace(query, number=0))
    wanted = [m for m in everything if any(_is_member(session, m, category) for category in below)]
    first = (query.page - 1) * query.number
    return wanted[first : first + query.number] if query.number else wanted


def _is_member(session: Session, member: Member, category: Kind | Mixin) -> bool:
    if isinstance(category, Kind):
        return member.handler.kind == category.id
    return _matches(session, member.render(session), Query(categories=(category.id,)))


def _handlers(session: Session, category: Kind | Mixin | None, narrow: Selection) -> list[Handler[Any]]:
    if isinstance(category, Kind):
        return [HANDLERS[category.id]]
    offered = [handler for kind, handler in HANDLERS.items() if session.view.model.kind(kind)]
    return offered if narrow == Selection() else offered[:1]


def _matches(session: Session, entity: Entity, query: Query) -> bool:
    model = session.view.model
    worn = (entity.kind, *entity.mixins)
    if not all(any(model.is_a(type_id, wanted) for type_id in worn) for wanted in query.categories):
        return False
    return all(_has(entity, name, value) for name, value in query.attributes.items())


def _has(entity: Entity, name: str, wanted: Value) -> bool:
    core: dict[str, Value] = {"occi.core.id": entity.id, "occi.core.title": entity.title}
    if isinstance(entity, Resource):
        core["occi.core.summary"] = entity.summary
    else:
        core |= {"occi.core.source": entity.source, "occi.core.target": entity.target}
    found = core.get(name) if name in core else entity.attributes.get(name)
    if found is None:
        return False
    if name == "occi.compute.hostname" and found == default_hostname(str(wanted)):
        return True
    return rules.same(found, wanted)


async def delete_members(session: Session, category: Kind) -> None:
    """Delete all entities of a kind that are the project's own; all are checked before the first goes."""
    own = _own(await members(session, category, Query()))
    for member in own:
        await member.handler.check_delete(session, member.native)
    await _delete(session, own)


async def act_on_members(session: Session, category: Kind | Mixin, term: str, invocation: Invocation) -> None:
    """An action on all members that are not yet where it leads; none is touched unless all can be."""
    found = _own(await members(session, category, Query()))
    action = _checked_action(session, term, invocation)
    if action not in {name for known in _origins(session, category, found) for name in known.actions}:
        raise BadRequest(f"Action {action} is not defined for {category.id}.")
    due = [member for member in found if not member.handler.settled(session, member.native, action)]
    for member in due:
        if _is_ready(member) and action not in member.handler.applicable(session, member.native):
            raise Conflict(f"{member.path(session)} cannot {term} now; nothing was changed.")
    for member in due:
        await member.handler.act(session, member.native, action, invocation.attributes)


def _own(found: Sequence[Member]) -> list[Member]:
    """Without what is everybody's (shared networks): nothing done to a whole collection is meant for it."""
    return [member for member in found if getattr(member.native, "owner", "") is not None]


def _origins(session: Session, category: Kind | Mixin, found: Sequence[Member]) -> Sequence[Kind | Mixin]:
    kinds = (session.view.model.kind(member.handler.kind) for member in found)
    return [category, *(kind for kind in kinds if kind is not None)]


def _is_ready(member: Member) -> bool:
    """Busy machines are waited for when they are asked to act."""
    return getattr(member.native, "task", None) is None


# ------------------------------------------------------------------------------------------------------ user mixins' sets


async def resolve(session: Session, references: Sequence[str]) -> tuple[str, ...]:
    """The locations of existing entities that references name. NotFound for any that is not there."""
    found = []
    for reference in references:
        member = await find(session, _path_of(session, reference))
        found.append(member.path(session))
    if not found:
        raise BadRequest("Name the entities in X-OCCI-Location.")
    return tuple(found)


def _path_of(session: Session, reference: str) -> str:
    for kind, handler in HANDLERS.items():
        if session.view.model.kind(kind) and handler.base in reference:
            return handler.base + session.ident(reference, handler.base)
    return reference


def check_user_mixin(session: Session, mixin: Mixin) -> None:
    """What templates and standard mixins mean is not changed by putting them on existing entities in bulk."""
    if mixin.id not in session.view.user_mixins:
        raise Forbidden(f"Entities get {mixin.id} when they are made or updated, not through its collection.")


async def associate(session: Session, mixin: Mixin, references: Sequence[str]) -> None:
    check_user_mixin(session, mixin)
    entities = await resolve(session, references)
    await session.write(lambda c: store.tag(c, session.caller.project, mixin.id, entities))


async def replace_associated(session: Session, mixin: Mixin, references: Sequence[str]) -> None:
    check_user_mixin(session, mixin)
    entities = await resolve(session, references) if references else ()
    await session.write(lambda c: store.retag(c, session.caller.project, mixin.id, entities))


async def dissociate(session: Session, mixin: Mixin, references: Sequence[str]) -> None:
    """Take the mixin off the entities named, or off all where none is named. The entities live on."""
    check_user_mixin(session, mixin)
    entities = await resolve(session, references) if references else None
    await session.write(lambda c: store.untag(c, session.caller.project, mixin.id, entities))


# --------------------------------------------------------------------------------------------------------------- entities


async def find(session: Session, path: str) -> Member:
    """The entity at a location."""
    for kind, handler in HANDLERS.items():
        ident = path.removeprefix(handler.base)
        if ident != path and ident and "/" not in ident and session.view.model.kind(kind):
            return Member(handler, await handler.find(session, ident))
    raise NotFound(f"There is nothing at {path[:200]}.")


async def create(session: Session, entity: Entity, request_id: str | None) -> Member:
    """Make an entity of any kind that has a location."""
    kind = session.view.model.kind(entity.kind)
    handler = HANDLERS.get(entity.kind)
    if kind is None or handler is None:
        raise BadRequest(f"There is no kind {entity.kind[:200]} here that entities can have.")
    if isinstance(entity, Link) and not session.view.model.is_a(kind.id, _LINK):
        raise BadRequest(f"An entity of kind {kind.term} has neither source nor target.")
    if isinstance(entity, Resource) and session.view.model.is_a(kind.id, _LINK):
        raise BadRequest("A link needs occi.core.source and occi.core.target.", field="occi.core.target")
    if isinstance(entity, Resource) and entity.links and handler.base != "/compute/":
        raise BadRequest(f"An entity of kind {kind.term} owns no links; they belong to machines.", field="Link")
    return Member(handler, await handler.create(session, entity, request_id))


_LINK = "http://schemas.ogf.org/occi/core#link"


async def update(session: Session, path: str, patch: Patch, *, whole: bool) -> Member:
    """Apply a partial or full representation and give what it became."""
    if whole and not any(path.startswith(handler.base) for handler in HANDLERS.values()):
        raise BadRequest("The site chooses where entities are; make one with POST to its kind.")
    member = await find(session, path)
    if patch.kind not in (None, member.handler.kind):
        raise BadRequest("The kind of an entity cannot change.", field="kind")
    if whole and patch.kind is None:
        raise BadRequest("A full update names the kind.", field="kind")
    await member.handler.update(session, member.native, patch, whole=whole)
    return await find(session, path)


async def act(session: Session, path: str, term: str, invocation: Invocation) -> Mixin | None:
    """One action on one entity, which must be able to perform it now."""
    member = await find(session, path)
    action = _checked_action(session, term, invocation)
    kind = session.view.model.kind(member.handler.kind)
    if kind is None or action not in kind.actions:
        raise BadRequest(f"Action {action} is not defined for this entity.")
    return await member.handler.act(session, member.native, action, invocation.attributes)


def _checked_action(session: Session, term: str, invocation: Invocation) -> str:
    action = invocation.action
    if split_id(action)[1] != term:
        raise BadRequest(f"?action={term[:80]} and the action {action} differ.")
    if session.view.model.action(action) is None:
        raise BadRequest(f"There is no action {action} here.")
    for name in invocation.attributes:
        if name not in session.view.model.attributes[action]:
            raise BadRequest(f"Action {action} has no parameter {name}.", field=name)
    return action


async def delete(session: Session, path: str) -> None:
    member = await find(session, path)
    await member.handler.check_delete(session, member.native)
    await _delete(session, (member,))


async def _delete(session: Session, doomed: Sequence[Member]) -> None:
    """Delete, and wait a little until they are gone: clients read 200 as "is no more"."""
    for member in doomed:
        await member.handler.delete(session, member.native)

    async def gone() -> bool:
        return all([await member.handler.gone(session, member.native) for member in doomed])

    await session.eventually(gone)
