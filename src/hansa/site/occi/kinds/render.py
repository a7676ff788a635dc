"""How servers and what hangs on them look as OCCI entities. Called a thousand times for a long listing: no look-ups in loops."""

from collections.abc import Mapping

from hansa.cloud.model import Attachment, Interface, Server, ServerState
from hansa.site.occi.catalogue import View, gib
from hansa.site.occi.extensions import FORWARDING, FORWARDS
from hansa.site.occi.session import Session
from hansa.standards.occi import Link, Resource, Value
from hansa.standards.occi import infrastructure as infra

COMPUTE_STATES: Mapping[ServerState, str] = {
    ServerState.PENDING: "inactive",
    ServerState.ACTIVE: "active",
    ServerState.PAUSED: "suspended",
    ServerState.SUSPENDED: "suspended",
    ServerState.STOPPED: "inactive",
    ServerState.ERROR: "error",
    ServerState.DELETED: "inactive",
}
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "i386": "x86", "i686": "x86"}
_COMPUTE, _NETWORK, _STORAGE = infra.COMPUTE.id, infra.NETWORK.id, infra.STORAGE.id
_INTERFACE, _STORAGELINK = infra.NETWORKINTERFACE.id, infra.STORAGELINK.id
_IP, _FORWARDING, _OS_VMS = infra.IPNETWORKINTERFACE.id, FORWARDING.id, infra.OS_VMS.id


def render_server(session: Session, server: Server, actions: tuple[str, ...]) -> Resource:
    view = session.view
    path = f"/compute/{server.id}"
    mixins: list[str] = []
    attributes: dict[str, Value] = {}
    if server.image is not None and (template := view.image_mixins.get(server.image)):
        mixins.append(template)
        if word := _ARCHITECTURES.get(view.images[template].architecture):
            attributes["occi.compute.architecture"] = word
    mixins.extend(view.flavor_mixins.get(server.flavor.id, ()))
    attributes["occi.compute.cores"] = server.flavor.vcpus
    attributes["occi.compute.memory"] = gib(server.flavor.ram_mib)
    if server.flavor.ephemeral_gib:
        attributes["occi.compute.ephemeral_storage.size"] = float(server.flavor.ephemeral_gib)
    if server.hostname:
        attributes["occi.compute.hostname"] = server.hostname
    attributes["occi.compute.state"] = COMPUTE_STATES[server.state]
    if message := server.fault or server.task:
        attributes["occi.compute.state.message"] = message
    if server.native_state:
        mixins.append(_OS_VMS)
        attributes["org.openstack.compute.state"] = server.native_state
    links = [render_interface(session, server, card) for card in server.interfaces]
    links += [render_attachment(session, server, disk) for disk in server.attachments]
    annotations = view.annotations
    mixins.extend(annotations.tags.get(path, ()))
    note = annotations.notes.get(path)
    return Resource(
        kind=_COMPUTE,
        mixins=tuple(mixins),
        id=server.id,
        location=path,
        title=server.name,
        summary=note.summary if note else None,
        attributes=attributes,
        links=tuple(links),
        actions=actions,
    )


def render_interface(session: Session, server: Server, card: Interface) -> Link:
    attributes: dict[str, Value] = {
        "occi.networkinterface.interface": card.device,
        "occi.networkinterface.mac": card.mac,
        "occi.networkinterface.state": "active" if card.active else "inactive",
    }
    mixins: tuple[str, ...] = ()
    if card.address is not None:
        mixins = (_IP,)
        attributes["occi.networkinterface.address"] = card.address
        if card.gateway is not None:
            attributes["occi.networkinterface.gateway"] = card.gateway
        attributes["occi.networkinterface.allocation"] = card.allocation
    if card.forwards:
        mixins = (*mixins, _FORWARDING)
        attributes[FORWARDS] = " ".join(f"{guest}:{port}" for guest, port in sorted(card.forwards.items()))
    path = f"/networkinterface/{card.id}"
    worn, title = _annotations(session.view, path)
    return Link(
        kind=_INTERFACE,
        target=session.network_path(card.network),
        source=f"/compute/{server.id}",
        target_kind=_NETWORK,
        source_kind=_COMPUTE,
        mixins=mixins + worn,
        id=card.id,
        location=path,
        title=title,
        attributes=attributes,
    )


def render_attachment(session: Session, server: Server, disk: Attachment) -> Link:
    attributes: dict[str, Value] = {"occi.storagelink.deviceid": disk.device}
    if disk.mountpoint:
        attributes["occi.storagelink.mountpoint"] = disk.mountpoint
    attributes["occi.storagelink.state"] = "active" if disk.active else "inactive"
    path = f"/storagelink/{disk.id}"
    worn, title = _annotations(session.view, path)
    return Link(
        kind=_STORAGELINK,
        target=f"/storage/{disk.volume}",
        source=f"/compute/{server.id}",
        target_kind=_STORAGE,
        source_kind=_COMPUTE,
        mixins=worn,
        id=disk.id,
        location=path,
        title=title,
        attributes=attributes,
    )


def _annotations(view: View, path: str) -> tuple[tuple[str, ...], str | None]:
    """The user mixins and the title of a link."""
    note = view.annotations.notes.get(path)
    return view.annotations.tags.get(path, ()), note.title if note else None
