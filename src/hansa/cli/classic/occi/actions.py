"""What `occi` does: each action of the original, on the site's model."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from hansa.cli.classic.occi import render
from hansa.cli.classic.occi.options import Options
from hansa.client.occi import Occi
from hansa.standards.occi import Action, Category, Invocation, Kind, Link, Mixin, Resource, Value
from hansa.standards.occi import infrastructure as infra

_POLL_SECONDS = 1.0
_AWAITED = frozenset({"active", "online"})
_LINK_KINDS = (
    (("/network/", "/ipreservation/"), infra.NETWORKINTERFACE.id, infra.NETWORK.id),
    (("/storage/",), infra.STORAGELINK.id, infra.STORAGE.id),
    (("/securitygroup/",), infra.INFRASTRUCTURE + "securitygrouplink", infra.INFRASTRUCTURE + "securitygroup"),
)
_CONTEXT_MIXINS = {
    "public_key": (infra.OPENSTACK_PUBLIC_KEY, "org.openstack.credentials.publickey.data"),
    "user_data": (infra.OPENSTACK_USER_DATA, "org.openstack.compute.user_data"),
}


class Refused(Exception):
    """The request makes no sense at this site; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Session:
    """A site, and what it offers."""

    site: Occi
    categories: tuple[Category, ...]
    options: Options

    @property
    def kinds(self) -> list[Kind]:
        return [category for category in self.categories if isinstance(category, Kind)]

    @property
    def mixins(self) -> list[Mixin]:
        return [category for category in self.categories if isinstance(category, Mixin)]

    def kind(self, name: str) -> Kind | None:
        """A kind by term or identifier."""
        return next((kind for kind in self.kinds if name in (kind.term, kind.id)), None)

    def mixin(self, name: str) -> Mixin:
        """The one mixin that `SCHEME#TERM` or `SHORT#TERM` means: `os_tpl#x` is the x that depends on os_tpl."""
        short, _hash, term = name.rpartition("#")
        exact = [mixin for mixin in self.mixins if mixin.id == name]
        near = [mixin for mixin in self.mixins if mixin.term.lower() == term.lower() and _is_short(mixin, short)]
        found = exact or near
        if not found:
            raise Refused(f'The specified mixin is not declared in the model! "{name}"')
        if len(found) > 1:
            raise Refused(f'"{name}" fits several mixins: {", ".join(mixin.id for mixin in found)}')
        return found[0]


def _is_short(mixin: Mixin, short: str) -> bool:
    if any(parent.rpartition("#")[2] == short for parent in mixin.depends):
        return True
    return bool(short) and mixin.scheme.rstrip("#").rpartition("/")[2] == short


def perform(session: Session) -> str:
    """Do what the options say; gives the text for stdout."""
    options = session.options
    resource = options.resource or ""
    match options.action:
        case "list":
            return render.locations(_list(session, resource), options.output_format)
        case "describe":
            return _describe(session, resource)
        case "create":
            return f"{_create(session, resource)}\n"
        case "link":
            return f"{_link(session, resource)}\n"
        case "delete" | "unlink":
            session.site.delete(_place(session, resource, "there is nothing to delete here!"))
            return ""
        case "trigger":
            return _trigger(session, resource)
        case "update":
            place = _place(session, resource, "there is nothing to update here!")
            session.site.update(place, [_mention(session.mixin(name)) for name in options.mixin])
            return ""
    raise Refused(f'Unknown action "{options.action}"!')


def _list(session: Session, resource: str) -> Sequence[str]:
    if kind := session.kind(resource):
        return session.site.locations(kind.location or f"/{kind.term}/")
    parent = next((mixin for mixin in session.mixins if resource in (mixin.term, mixin.id)), None)
    if parent is None:
        raise Refused(f'Unknown resource "{resource}", there is nothing to list here!')
    return [mixin.id for mixin in _templates(session, parent)]


def _templates(session: Session, parent: Mixin) -> list[Mixin]:
    return [mixin for mixin in session.mixins if parent.id in mixin.depends]


def _describe(session: Session, resource: str) -> str:
    output_format = session.options.output_format
    if kind := session.kind(resource):
        found = [session.site.entity(place) for place in session.site.locations(kind.location or f"/{kind.term}/")]
        return render.entities(found, session.categories, output_format)
    if _is_place(session, resource):
        return render.entities([session.site.entity(resource)], session.categories, output_format)
    if "#" not in resource or any(resource == mixin.id and _templates(session, mixin) for mixin in session.mixins):
        parent = next((mixin for mixin in session.mixins if resource in (mixin.term, mixin.id)), None)
        if parent is None:
            raise Refused(f'Unknown resource "{resource}", there is nothing to describe here!')
        return render.mixins(_templates(session, parent) or [parent], output_format)
    return render.mixins([session.mixin(resource)], output_format)


def _create(session: Session, resource: str) -> str:
    kind = session.kind(resource)
    if kind is None:
        raise Refused(f'Unknown resource "{resource}", there is nothing to create here!')
    options = session.options
    attributes: dict[str, Value] = dict(options.attributes)
    title = str(attributes.pop("occi.core.title"))
    summary = attributes.pop("occi.core.summary", None)
    mixins = [session.mixin(name).id for name in options.mixin]
    if kind.id == infra.COMPUTE.id:
        attributes.setdefault("occi.compute.hostname", title)
        for name, value in options.contexts.items():
            mixin, attribute = _CONTEXT_MIXINS[name]
            mixins.append(mixin.id)
            attributes[attribute] = value
    links = tuple(_new_link(target) for target in options.link) if kind.id == infra.COMPUTE.id else ()
    wish = Resource(
        kind=kind.id,
        mixins=tuple(mixins),
        title=title,
        summary=None if summary is None else str(summary),
        attributes=attributes,
        links=links,
    )
    made = session.site.create(kind.location or f"/{kind.term}/", wish)
    if options.wait_for_active > 0:
        _wait(session.site, made, options.wait_for_active)
    return made


def _wait(site: Occi, location: str, seconds: int) -> None:
    """As the original: after the time is up the location is printed all the same."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        entity = site.entity(location)
        states = [value for name, value in entity.attributes.items() if name.endswith(".state") and "occi." in name]
        if not states or states[0] in _AWAITED:
            return
        time.sleep(_POLL_SECONDS)


def _new_link(target: str) -> Link:
    path = urlsplit(target).path
    for parts, kind, target_kind in _LINK_KINDS:
        if any(part in path for part in parts):
            return Link(kind=kind, target=path, target_kind=target_kind)
    raise Refused(f'Unknown link target "{target}"! Only network and storage targets are supported!')


def _link(session: Session, resource: str) -> str:
    options = session.options
    if len(options.link) != 1:
        raise Refused("You can assign only one link at a time!")
    if not _is_place(session, resource):
        raise Refused(f'Given resource is not a valid instance URL! "{resource}"')
    wish = _new_link(options.link[0])
    kind = session.kind(wish.kind)
    if kind is None:
        raise Refused(f'"{options.endpoint}" does not support {wish.kind} links!')
    attributes: dict[str, Value] = dict(options.attributes)
    title = attributes.pop("occi.core.title", None)
    whole = Link(
        kind=kind.id,
        target=wish.target,
        source=urlsplit(resource).path,
        target_kind=wish.target_kind,
        mixins=tuple(session.mixin(name).id for name in options.mixin),
        title=None if title is None else str(title),
        attributes=attributes,
    )
    return session.site.create(kind.location or f"/{kind.term}/", whole)


def _trigger(session: Session, resource: str) -> str:
    wanted = session.options.trigger_action or ""
    actions = [category for category in session.categories if isinstance(category, Action)]
    found = [action for action in actions if action.id == wanted]
    found = found or [action for action in actions if action.term == wanted.rpartition("#")[2]]
    if kinds := [kind for kind in session.kinds if _below(resource, kind)]:
        found = [action for action in found if any(action.id in kind.actions for kind in kinds)] or found
    if not found:
        raise Refused(f'Failed to identify action "{wanted}" in the model!')
    place = _place(session, resource, "there is nothing to trigger here!")
    reply = session.site.act(place, Invocation(found[0].id, session.options.attributes))
    made = [category.id for category in reply.categories if isinstance(category, Mixin)]
    return render.locations(made, session.options.output_format) if made else ""


def _below(resource: str, kind: Kind) -> bool:
    return bool(kind.location) and urlsplit(resource).path.startswith(str(kind.location))


def _is_place(session: Session, resource: str) -> bool:
    return resource.startswith(("/", session.site.origin, session.options.endpoint))


def _place(session: Session, resource: str, complaint: str) -> str:
    if _is_place(session, resource):
        return resource
    if kind := session.kind(resource):
        return kind.location or f"/{kind.term}/"
    raise Refused(f'Unknown resource "{resource}", {complaint}')


def _mention(mixin: Mixin) -> Mixin:
    """Its identity alone: requests name categories, they do not define them."""
    return Mixin(mixin.term, mixin.scheme)
