"""Connecting a machine to networks and volumes: the same for inline links and for links made on their own."""

from collections.abc import Iterable, Sequence

from hansa.base.errors import BadRequest, NotFound, Unsupported
from hansa.cloud.model import Attachment, Interface, ServerId, VolumeId
from hansa.cloud.port import HasNetworks, HasVolumes
from hansa.site.occi import rules
from hansa.site.occi.session import Session, parts_of
from hansa.standards.occi import Link, Resource
from hansa.standards.occi import infrastructure as infra


def link_kind(session: Session, link: Link) -> str:
    """The kind of a link; where the client leaves it open, its target tells."""
    if link.kind in (infra.NETWORKINTERFACE.id, infra.STORAGELINK.id) and session.view.model.kind(link.kind):
        return link.kind
    path = parts_of(link.target).path
    if link.kind == infra.LINK.id and path.startswith("/network/"):
        return infra.NETWORKINTERFACE.id
    if link.kind == infra.LINK.id and path.startswith("/storage/") and session.view.model.kind(infra.STORAGELINK.id):
        return infra.STORAGELINK.id
    raise BadRequest(f"A machine cannot have a link of kind {link.kind}.", field="Link")


def new_links(session: Session, shown: Resource, links: Iterable[Link], *, whole: bool) -> Sequence[Link]:
    """Links of a representation that the machine does not have. A full update may repeat links, not make new ones."""
    known = {link.location for link in shown.links} | {link.id for link in shown.links}
    targets = {link.target for link in shown.links}
    found = []
    for link in links:
        location = parts_of(link.location or "").path
        if location in known or (link.id in known and link.id is not None):
            continue
        if whole and parts_of(link.target).path in targets:
            continue
        found.append(link)
    if whole and found:
        raise BadRequest("A full update leaves links as they are; make new links with POST.", field="Link")
    return found


_GIVEN_BY_NETWORK = frozenset(
    {
        "occi.networkinterface.mac",
        "occi.networkinterface.address",
        "occi.networkinterface.gateway",
        "occi.networkinterface.allocation",
    }
)


async def check_wishes(session: Session, link: Link) -> None:
    """The attributes and mixins a client gives a new link. The device may be wished for, and is the cloud's choice."""
    kind = link_kind(session, link)
    mixins = await rules.mixins_of(session, kind, link.mixins)
    values = rules.read_attributes(session.view, kind, mixins, link.attributes, current=None, whole=False)
    for name in values:
        if name in _GIVEN_BY_NETWORK:
            raise BadRequest(f"Attribute {name} is given by the network, not asked for.", field=name)


async def check_links(session: Session, links: Iterable[Link]) -> None:
    """Refuse before anything is changed what `attach` would refuse: foreign kinds, unknown targets."""
    for link in links:
        await check_wishes(session, link)
        if link_kind(session, link) == infra.NETWORKINTERFACE.id:
            network = session.network_id(session.ident(link.target, "/network/"))
            if network not in {each.id for each in await session.cloud.networks(session.caller)}:
                raise NotFound(f"There is no network {network}.")
        elif isinstance(session.cloud, HasVolumes):
            volume = session.ident(link.target, "/storage/")
            if volume not in {each.id for each in await session.cloud.volumes(session.caller)}:
                raise NotFound(f"There is no storage {volume}.")


async def attach(session: Session, server: ServerId, link: Link) -> Interface | Attachment:
    cloud, caller = session.cloud, session.caller
    if link_kind(session, link) == infra.NETWORKINTERFACE.id:
        if not isinstance(cloud, HasNetworks):
            raise Unsupported("This cloud connects machines to networks only when they are made.", ability="networks")
        network = session.network_id(session.ident(link.target, "/network/"))
        return await session.patiently(lambda: cloud.attach_interface(caller, server, network))
    if not isinstance(cloud, HasVolumes):
        raise Unsupported("This cloud has no volumes.", ability="volumes")
    volume = VolumeId(session.ident(link.target, "/storage/"))
    mountpoint = link.attributes.get("occi.storagelink.mountpoint")
    where = str(mountpoint) if mountpoint is not None else None
    return await session.patiently(lambda: cloud.attach_volume(caller, server, volume, mountpoint=where))
