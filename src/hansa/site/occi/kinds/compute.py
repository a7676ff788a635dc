"""compute: a server of the cloud. Its templates are the image and the flavor it was made from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound, Unsupported
from hansa.cloud.model import (
    Flavor,
    Image,
    NetworkId,
    Server,
    ServerAction,
    ServerId,
    ServerQuery,
    ServerSpec,
    VolumeId,
)
from hansa.cloud.port import CanResize, CanSnapshot
from hansa.cloud.rules import check_hostname, check_resize, default_hostname
from hansa.site.occi import context, rules, store
from hansa.site.occi.catalogue import POWER, View, gib
from hansa.site.occi.handler import Selection
from hansa.site.occi.kinds import attach
from hansa.site.occi.kinds.annotate import annotate, forget
from hansa.site.occi.kinds.render import COMPUTE_STATES, render_server
from hansa.site.occi.session import Session
from hansa.standards.occi import Entity, Link, Mixin, Patch, Resource, Value, coerce
from hansa.standards.occi import infrastructure as infra

T = TypeVar("T", Image, Flavor)

_METHODS: Mapping[str, Mapping[str, ServerAction]] = {
    infra.START.id: {"": ServerAction.START},
    infra.STOP.id: {
        "": ServerAction.STOP,
        "graceful": ServerAction.STOP,
        "acpioff": ServerAction.STOP,
        "poweroff": ServerAction.POWEROFF,
    },
    infra.RESTART.id: {
        "": ServerAction.REBOOT,
        "graceful": ServerAction.REBOOT,
        "warm": ServerAction.REBOOT,
        "cold": ServerAction.RESET,
    },
    infra.SUSPEND.id: {
        "": ServerAction.PAUSE,
        "suspend": ServerAction.PAUSE,
        "hibernate": ServerAction.SUSPEND,
    },
}
_LEADS_TO: Mapping[str, str] = {infra.START.id: "active", infra.STOP.id: "inactive", infra.SUSPEND.id: "suspended"}


class Computes:
    kind = infra.COMPUTE.id
    base = "/compute/"

    async def list(self, session: Session, selection: Selection) -> Sequence[Server]:
        query = ServerQuery(
            image=selection.image, flavor=selection.flavor, limit=selection.limit, offset=selection.offset
        )
        return await session.cloud.servers(session.caller, query)

    async def find(self, session: Session, ident: str) -> Server:
        return await session.cloud.server(session.caller, ServerId(ident))

    def ident(self, session: Session, native: Server) -> str:
        return native.id

    def render(self, session: Session, native: Server) -> Resource:
        return render_server(session, native, self.applicable(session, native))

    async def create(self, session: Session, entity: Entity, request_id: str | None) -> Server:
        assert isinstance(entity, Resource)
        mixins = await rules.mixins_of(session, self.kind, entity.mixins)
        values = rules.read_attributes(session.view, self.kind, mixins, entity.attributes, current=None, whole=False)
        flavor = _choose_flavor(session, mixins, values)
        for link in entity.links:
            await attach.check_wishes(session, link)
        networks, volumes = _ends(session, entity.links)
        hostname = str(values.get("occi.compute.hostname", ""))
        spec = ServerSpec(
            name=entity.title or hostname or "machine",
            image=_choose_image(session, mixins).id,
            flavor=flavor.id,
            hostname=as_hostname(hostname),
            user_data=context.user_data(values, limit=session.settings.user_data_bytes),
            ssh_keys=context.ssh_keys(values),
            networks=networks,
            volumes=volumes,
            request_id=request_id,
        )
        made = await session.cloud.create_server(session.caller, spec)
        await annotate(session, self.base + made.id, store.Note(summary=entity.summary), rules.tags_in(session, mixins))
        return made

    async def update(self, session: Session, native: Server, patch: Patch, *, whole: bool) -> None:
        shown = self.render(session, native)
        mixins = await rules.mixins_of(session, self.kind, patch.mixins)
        values = rules.read_attributes(
            session.view, self.kind, mixins, patch.attributes, current=shown.attributes, whole=whole
        )
        if any(name in context.NAMES for name in values):
            raise Forbidden("User data and keys are read when the machine is made; they cannot change later.")
        _check_image(session.view, native, mixins)
        flavor = _other_flavor(session, native, mixins)
        new_links = attach.new_links(session, shown, patch.links, whole=whole)
        name = patch.title if patch.title not in (None, native.name) else None
        hostname = as_hostname(str(values.get("occi.compute.hostname", "")))
        await attach.check_links(session, new_links)
        if name is not None or hostname not in ("", native.hostname):
            await session.patiently(
                lambda: session.cloud.update_server(session.caller, native.id, name=name, hostname=hostname or None)
            )
        if flavor is not None:
            await _resize(session, native, flavor)
        for link in new_links:
            await attach.attach(session, native.id, link)
        note, tags = store.Note(summary=patch.summary), rules.tags_in(session, mixins)
        await annotate(session, self.base + native.id, note, tags, whole=whole)

    async def check_delete(self, session: Session, native: Server) -> None:
        """A machine can always be deleted."""

    async def delete(self, session: Session, native: Server) -> None:
        await session.cloud.delete_server(session.caller, native.id)
        await forget(session, self.base + native.id)

    async def gone(self, session: Session, native: Server) -> bool:
        try:
            await session.cloud.server(session.caller, native.id)
        except NotFound:
            return True
        return False

    def applicable(self, session: Session, native: Server) -> tuple[str, ...]:
        return () if native.task is not None else session.view.actions[native.state]

    async def act(self, session: Session, native: Server, action: str, parameters: Mapping[str, Value]) -> Mixin | None:
        if action == infra.SAVE.id:
            return await _save(session, native, parameters)
        power = _power(session, action, parameters)
        await session.patiently(lambda: _perform(session, native, action, power))
        return None

    def settled(self, session: Session, native: Server, action: str) -> bool:
        return native.task is None and COMPUTE_STATES[native.state] == _LEADS_TO.get(action)


def _power(session: Session, action: str, parameters: Mapping[str, Value]) -> ServerAction:
    """The driver's word for an action and its method; without a method the gentlest that is offered."""
    definition = session.view.model.attributes[action].get("method")
    method = str(coerce(definition, parameters["method"])) if definition and "method" in parameters else ""
    wanted = _METHODS[action][method]
    offered = session.view.info.actions
    if wanted in offered:
        return wanted
    other = next((way for way in POWER[action] if way in offered), None)
    if method or other is None:
        raise Unsupported(f"This cloud cannot {wanted.value} a machine.", ability=wanted.value)
    return other


async def _perform(session: Session, native: Server, action: str, power: ServerAction) -> None:
    """Act once; where a machine that was still coming up has come to the wanted state by itself, all is done."""
    if native.task is not None:
        native = await session.cloud.server(session.caller, native.id)
        if native.task is None and COMPUTE_STATES[native.state] == _LEADS_TO.get(action):
            return
    await session.cloud.act(session.caller, native.id, power)


async def _save(session: Session, native: Server, parameters: Mapping[str, Value]) -> Mixin:
    if not isinstance(session.cloud, CanSnapshot):
        raise Unsupported("This cloud cannot save machines.", ability="snapshot")
    cloud = session.cloud
    name = str(parameters.get("name") or f"{native.name} saved")
    image = await session.patiently(lambda: cloud.save_server(session.caller, native.id, name))
    await session.refresh()
    made = session.view.model.mixin(session.view.image_mixins.get(image.id, ""))
    if made is None:
        raise NotFound(f"The image {image.id} was saved and is gone again.")
    return made


async def _resize(session: Session, native: Server, flavor: Flavor) -> None:
    cloud = session.cloud
    assert isinstance(cloud, CanResize)
    await session.patiently(lambda: cloud.resize_server(session.caller, native.id, flavor.id))


def _ends(session: Session, links: Iterable[Link]) -> tuple[tuple[NetworkId, ...], tuple[VolumeId, ...]]:
    """The networks and volumes that inline links name."""
    networks: list[NetworkId] = []
    volumes: list[VolumeId] = []
    for link in links:
        if attach.link_kind(session, link) == infra.NETWORKINTERFACE.id:
            networks.append(session.network_id(session.ident(link.target, "/network/")))
        else:
            volumes.append(VolumeId(session.ident(link.target, "/storage/")))
    return tuple(networks), tuple(volumes)


def _one(found: Iterable[T], what: str) -> T | None:
    distinct = {each.id: each for each in found}
    if len(distinct) > 1:
        raise Conflict(f"A machine is made from one {what}; these are {len(distinct)}.")
    return next(iter(distinct.values()), None)


def _choose_image(session: Session, mixins: Iterable[Mixin]) -> Image:
    view = session.view
    chosen = _one((view.images[mixin.id] for mixin in mixins if mixin.id in view.images), "os_tpl")
    if chosen is not None:
        return chosen
    wanted = session.settings.default_image
    for image in view.images.values():
        if wanted in ("", image.id, image.name):
            return image
    raise BadRequest("Name an os_tpl: this site has no default one.", field="os_tpl")


def _choose_flavor(session: Session, mixins: Sequence[Mixin], values: Mapping[str, Value]) -> Flavor:
    """The template's; else the smallest that holds the sizes asked for and the image; else the operator's default."""
    view = session.view
    chosen = _one((view.flavors[mixin.id] for mixin in mixins if mixin.id in view.flavors), "resource_tpl")
    if chosen is not None:
        return chosen
    cores, memory = (_number(view, name, values) for name in ("occi.compute.cores", "occi.compute.memory"))
    image, wanted = _choose_image(session, mixins), session.settings.default_flavor
    flavors = {flavor.id: flavor for flavor in view.flavors.values()}.values()
    if not cores and not memory and (named := [f for f in flavors if wanted and wanted in (f.id, f.name)]):
        return named[0]
    fitting = [
        flavor
        for flavor in flavors
        if flavor.vcpus >= cores
        and gib(flavor.ram_mib) >= memory
        and flavor.disk_gib >= image.min_disk_gib
        and flavor.ram_mib >= image.min_ram_mib
    ]
    if not fitting:
        raise BadRequest("No resource template is large enough for what is asked.", field="resource_tpl")
    return min(fitting, key=lambda flavor: (flavor.vcpus, flavor.ram_mib, flavor.disk_gib))


def _number(view: View, name: str, values: Mapping[str, Value]) -> float:
    if name not in values:
        return 0
    value = coerce(view.model.attributes[infra.COMPUTE.id][name], values[name])
    assert isinstance(value, int | float)
    return value


def _check_image(view: View, native: Server, mixins: Iterable[Mixin]) -> None:
    for mixin in mixins:
        if mixin.id in view.images and view.images[mixin.id].id != native.image:
            raise Unsupported("A machine keeps the image it was made from; make another machine.", ability="rebuild")


def _other_flavor(session: Session, native: Server, mixins: Iterable[Mixin]) -> Flavor | None:
    """The flavor to resize to. Clients that write back what they read name the old one beside the new: the new one counts."""
    named = [session.view.flavors[mixin.id] for mixin in mixins if mixin.id in session.view.flavors]
    flavor = _one((flavor for flavor in named if flavor.id != native.flavor.id), "resource_tpl")
    if flavor is None:
        return None
    if not isinstance(session.cloud, CanResize):
        raise Unsupported("This cloud cannot resize machines.", ability="resize")
    if native.task is None:
        check_resize(native, flavor)
    return flavor


def as_hostname(wanted: str) -> str:
    """What a client calls host name, bent to one: they send titles with blanks."""
    if not wanted:
        return ""
    try:
        return check_hostname(wanted)
    except BadRequest:
        return default_hostname(wanted)
