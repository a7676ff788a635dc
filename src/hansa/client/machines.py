"""Machines, images and flavors as users speak of them, read from what OCCI says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hansa.base.i18n import _
from hansa.client.errors import Ambiguous, NoSuchName
from hansa.client.occi import Occi
from hansa.client.profile import Site
from hansa.standards.occi import Category, Link, Mixin, Resource, Value
from hansa.standards.occi import infrastructure as infra

COMPUTES = "/compute/"
SSH_PORT = 22
_FORWARDS = "org.hansa.networkinterface.forwards"
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,254}|:[A-Za-z0-9.:]{1,254}")
"""An address or host name; what begins with a dash would be an option to the programs that get it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A compute resource at a site. `host` and `ports` say where it is reached: guest port to port of `host`."""

    site: Site
    id: str
    name: str
    state: str
    location: str
    host: str | None
    ports: Mapping[int, int]
    image: str | None
    flavor: str | None
    message: str | None
    entity: Resource

    @property
    def address(self) -> str:
        """For tables: the host, and the SSH port where it is not the usual one."""
        if self.host is None:
            return ""
        port = self.ports.get(SSH_PORT, SSH_PORT)
        return self.host if port == SSH_PORT else f"{self.host}:{port}"


@dataclass(frozen=True, slots=True)
class Template:
    """An image or a flavor of a site: the mixin that stands for it."""

    type_id: str
    id: str
    name: str
    sizes: Mapping[str, Value]

    @property
    def cores(self) -> Value:
        return self.sizes.get("occi.compute.cores")

    @property
    def memory(self) -> Value:
        """GiB."""
        return self.sizes.get("occi.compute.memory")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a site offers."""

    images: tuple[Template, ...]
    flavors: tuple[Template, ...]


def catalogue(occi: Occi) -> Catalogue:
    categories = occi.detailed_model()
    return Catalogue(_templates(categories, infra.OS_TPL.id), _templates(categories, infra.RESOURCE_TPL.id))


def _templates(categories: Iterable[Category], parent: str) -> tuple[Template, ...]:
    return tuple(
        Template(
            mixin.id, mixin.term, _name(mixin), {a.name: a.default for a in mixin.attributes if a.default is not None}
        )
        for mixin in categories
        if isinstance(mixin, Mixin) and parent in mixin.depends
    )


def _name(mixin: Mixin) -> str:
    """The title without the word that sites put before it; the term where there is none."""
    for word in ("Image:", "Flavor:"):
        if mixin.title.startswith(word):
            return mixin.title.removeprefix(word).strip()
    return mixin.title or mixin.term


def machines(site: Site, occi: Occi) -> tuple[Machine, ...]:
    """All machines of our project at a site."""
    found = occi.entities(COMPUTES)
    return tuple(machine_of(site, location, entity) for location, entity in found if isinstance(entity, Resource))


def machine(site: Site, occi: Occi, location: str) -> Machine:
    """One machine as it is now."""
    entity = occi.entity(location)
    if not isinstance(entity, Resource):
        raise NoSuchName(_("{location} is no machine.").format(location=location))
    return machine_of(site, location, entity)


def machine_of(site: Site, location: str, entity: Resource) -> Machine:
    path = urlsplit(location).path
    host, ports = _reach(entity.links)
    return Machine(
        site=site,
        id=(entity.id or path.rstrip("/").rpartition("/")[2]).removeprefix("urn:uuid:"),
        name=entity.title or str(entity.attributes.get("occi.compute.hostname") or ""),
        state=str(entity.attributes.get("occi.compute.state") or "unknown"),
        location=path,
        host=host,
        ports=ports,
        image=_term(entity.mixins, "os"),
        flavor=_term(entity.mixins, "resource"),
        message=_text(entity.attributes.get("occi.compute.state.message")),
        entity=entity,
    )


def _reach(links: Sequence[Link]) -> tuple[str | None, dict[int, int]]:
    """The first address; one whose SSH port is forwarded goes before others."""
    cards = [link for link in links if _HOST.fullmatch(str(link.attributes.get("occi.networkinterface.address", "")))]
    cards.sort(key=lambda link: _FORWARDS not in link.attributes)
    if not cards:
        return None, {}
    pairs = (pair.partition(":") for pair in str(cards[0].attributes.get(_FORWARDS, "")).split())
    ports = {int(guest): int(port) for guest, _colon, port in pairs if guest.isdecimal() and port.isdecimal()}
    return str(cards[0].attributes["occi.networkinterface.address"]), ports


def _term(mixins: Sequence[str], kind: str) -> str | None:
    """The term of the template of a kind, told from its scheme (`…/template/os#`, `…/os_tpl#`)."""
    words = {"os": ("/os", "/os_tpl"), "resource": ("/resource", "/resource_tpl")}[kind]
    for type_id in mixins:
        scheme, _hash, term = type_id.rpartition("#")
        if scheme.endswith(words):
            return term
    return None


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def choose(wanted: str, found: Sequence[Machine]) -> Machine:
    """The machine of that name or identifier, or the only one whose name or identifier begins so."""
    exact = [machine for machine in found if wanted in (machine.name, machine.id)]
    near = exact or [m for m in found if m.name.startswith(wanted) or m.id.startswith(wanted)]
    if not near:
        raise NoSuchName(
            _("There is no machine “{name}”.").format(name=wanted), next=_("see what there is: hansa vm list")
        )
    if len(near) > 1:
        listed = ", ".join(f"{machine.name} ({machine.id}, {machine.site.name})" for machine in near)
        raise Ambiguous(
            _("“{name}” fits {n} machines: {listed}.").format(name=wanted, n=len(near), listed=listed),
            next=_("give the identifier, or the site with --site"),
            matches=[machine.id for machine in near],
        )
    return near[0]


def choose_template(wanted: str, found: Sequence[Template]) -> Template | None:
    """By identifier or name in any case; then by a beginning that fits only one."""
    lowered = wanted.lower()
    for template in found:
        if lowered in (template.type_id.lower(), template.id.lower(), template.name.lower()):
            return template
    near = [t for t in found if t.name.lower().startswith(lowered) or t.id.lower().startswith(lowered)]
    return near[0] if len(near) == 1 else None


def smallest(flavors: Sequence[Template]) -> Template | None:
    """The flavor with the least memory and cores; the first, where the site tells no sizes."""

    def size(flavor: Template) -> tuple[float, float]:
        return _number(flavor.memory), _number(flavor.cores)

    return min(flavors, key=size, default=None)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else float("inf")


def row(machine: Machine) -> dict[str, Any]:
    """For listings."""
    return {
        "name": machine.name,
        "state": machine.state,
        "site": machine.site.name,
        "address": machine.address,
        "image": machine.image,
        "flavor": machine.flavor,
        "id": machine.id,
        "message": machine.message,
    }
