"""The view one project has of this site: the model of its categories, and which template stands for what.

A template of an image is a mixin `http://schemas.openstack.org/template/os#<image id>`, of a flavor
`http://schemas.openstack.org/template/resource#<name>`; the six templates of CRTP (GFD.222) appear where a flavor has
exactly their size. What the driver cannot do is not in the model.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from hansa.cloud.model import ALLOWED, CloudInfo, Flavor, FlavorId, Image, ImageId, ServerAction, ServerState
from hansa.cloud.port import CanSnapshot, Cloud, HasNetworks, HasVolumes
from hansa.site.occi.extensions import FORWARDING
from hansa.site.occi.store import Annotations
from hansa.standards.occi import Action, Attribute, AttributeType, Category, Kind, Mixin, Model, build_model, json
from hansa.standards.occi import infrastructure as infra

_TERM = re.compile(r"[a-z0-9][a-z0-9_-]*")
_APPLIANCE = "eu.egi.fedcloud.appliance."

STARTS = (ServerAction.START,)
STOPS = (ServerAction.STOP, ServerAction.POWEROFF)
RESTARTS = (ServerAction.REBOOT, ServerAction.RESET)
SUSPENDS = (ServerAction.PAUSE, ServerAction.SUSPEND)
POWER: Mapping[str, tuple[ServerAction, ...]] = {
    infra.START.id: STARTS,
    infra.STOP.id: STOPS,
    infra.RESTART.id: RESTARTS,
    infra.SUSPEND.id: SUSPENDS,
}
"""What the actions of a compute may mean to the driver, gentlest first."""

_MIXINS = (
    infra.IPNETWORK,
    infra.IPNETWORKINTERFACE,
    infra.OS_TPL,
    infra.RESOURCE_TPL,
    *infra.CONTEXT_MIXINS,
    infra.OS_VMS,
    FORWARDING,
)


@dataclass(frozen=True, slots=True)
class View:
    """`images` and `flavors` by mixin, and the other way round. `user_mixins` are the project's own."""

    model: Model
    info: CloudInfo
    images: Mapping[str, Image]
    flavors: Mapping[str, Flavor]
    image_mixins: Mapping[ImageId, str]
    flavor_mixins: Mapping[FlavorId, tuple[str, ...]]
    user_mixins: frozenset[str]
    annotations: Annotations
    actions: Mapping[ServerState, tuple[str, ...]]
    """What an idle machine in a state can be asked to do."""
    profile: str
    """The claim of CRTP's templates that the flavors bear out: base, extended or none (GFD.222 §5)."""


def build_view(
    cloud: Cloud, info: CloudInfo, images: Sequence[Image], flavors: Sequence[Flavor], annotations: Annotations
) -> View:
    """The view from what the driver and the store say now."""
    image_by_mixin = {_image_mixin(image): image for image in images}
    flavor_by_mixin = _flavor_mixins(flavors)
    categories: list[Category] = [
        *_kinds(cloud, info),
        *_MIXINS,
        *flavor_by_mixin,
        *image_by_mixin,
        *annotations.mixins,
        *_actions(cloud, info),
    ]
    generation = hashlib.sha256(json.render_model(categories)).hexdigest()[:16]
    by_flavor: dict[FlavorId, tuple[str, ...]] = {}
    for mixin, flavor in flavor_by_mixin.items():
        by_flavor[flavor.id] = (*by_flavor.get(flavor.id, ()), mixin.id)
    return View(
        model=build_model(categories, generation=generation),
        info=info,
        images=MappingProxyType({mixin.id: image for mixin, image in image_by_mixin.items()}),
        flavors=MappingProxyType({mixin.id: flavor for mixin, flavor in flavor_by_mixin.items()}),
        image_mixins=MappingProxyType({image.id: mixin.id for mixin, image in image_by_mixin.items()}),
        flavor_mixins=MappingProxyType(by_flavor),
        user_mixins=frozenset(mixin.id for mixin in annotations.mixins),
        annotations=annotations,
        profile=_profile(flavor_by_mixin),
        actions=MappingProxyType({state: _applicable(cloud, info, state) for state in ServerState}),
    )


def _profile(mixins: Iterable[Mixin]) -> str:
    offered = set(mixins)
    if offered.issuperset(infra.CRTP_TEMPLATES):
        return "OCCI-CRTP-EP/1.1"
    return "OCCI-CRTP/1.1" if offered.issuperset(infra.CRTP_TEMPLATES[:3]) else ""


def _applicable(cloud: Cloud, info: CloudInfo, state: ServerState) -> tuple[str, ...]:
    found = [
        action for action, ways in POWER.items() if any(way in info.actions and state in ALLOWED[way] for way in ways)
    ]
    if isinstance(cloud, CanSnapshot) and state is not ServerState.ERROR:
        found.append(infra.SAVE.id)
    return tuple(found)


def annotate(view: View, annotations: Annotations) -> View:
    """The same model with other tags and notes (the user mixins being the same)."""
    return replace(view, annotations=annotations)


def _offered(cloud: Cloud, info: CloudInfo) -> list[Action]:
    power = (infra.START, infra.STOP, infra.RESTART, infra.SUSPEND)
    found = [action for action in power if info.actions.intersection(POWER[action.id])]
    return [*found, infra.SAVE] if isinstance(cloud, CanSnapshot) else found


def _kinds(cloud: Cloud, info: CloudInfo) -> list[Kind]:
    actions = tuple(action.id for action in _offered(cloud, info))
    kinds = [*infra.CORE_KINDS, replace(infra.COMPUTE, actions=actions)]
    kinds.append(infra.NETWORK if isinstance(cloud, HasNetworks) else replace(infra.NETWORK, actions=()))
    if isinstance(cloud, HasVolumes):
        kinds += [infra.STORAGE, infra.STORAGELINK]
    return [*kinds, infra.NETWORKINTERFACE]


def _actions(cloud: Cloud, info: CloudInfo) -> list[Action]:
    found = _offered(cloud, info)
    if isinstance(cloud, HasNetworks):
        found += [infra.NETWORK_UP, infra.NETWORK_DOWN]
    if isinstance(cloud, HasVolumes):
        found += [infra.STORAGE_ONLINE, infra.STORAGE_OFFLINE, infra.STORAGE_RESIZE]
        found += [infra.STORAGE_BACKUP, infra.STORAGE_SNAPSHOT]
    return found


def _image_mixin(image: Image) -> Mixin:
    term = image.id if _TERM.fullmatch(image.id) else _hashed(image.id)
    attributes = tuple(
        Attribute(name, mutable=False, default=value)
        for name, value in sorted(image.properties.items())
        if name.startswith(_APPLIANCE)
    )
    return Mixin(
        term,
        infra.OPENSTACK_OS,
        f"Image: {image.name}",
        depends=(infra.OS_TPL.id,),
        applies=(infra.COMPUTE.id,),
        attributes=attributes,
        location=f"/os_tpl/{term}/",
    )


def _flavor_mixins(flavors: Iterable[Flavor]) -> dict[Mixin, Flavor]:
    found: dict[Mixin, Flavor] = {}
    terms: set[str] = set()
    for flavor in flavors:
        term = slug(flavor.name)
        if term in terms:
            term = _hashed(flavor.id)
        terms.add(term)
        found[_flavor_mixin(term, flavor)] = flavor
    for template in infra.CRTP_TEMPLATES:
        if template.term in terms:  # a flavor has that name: two templates of one name confuse clients
            continue
        fitting = next((flavor for flavor in flavors if _is_template(flavor, template)), None)
        if fitting is not None:
            found[template] = fitting
    return found


def _flavor_mixin(term: str, flavor: Flavor) -> Mixin:
    names = ("occi.compute.cores", "occi.compute.memory", "occi.compute.ephemeral_storage.size")
    types = (AttributeType.INTEGER, AttributeType.NUMBER, AttributeType.NUMBER)
    return Mixin(
        term,
        infra.OPENSTACK_RESOURCE,
        f"Flavor: {flavor.name}",
        depends=(infra.RESOURCE_TPL.id,),
        applies=(infra.COMPUTE.id,),
        attributes=tuple(
            Attribute(name, type_, mutable=False, default=size)
            for name, type_, size in zip(names, types, _sizes(flavor), strict=True)
        ),
        location=f"/resource_tpl/{term}/",
    )


def _sizes(flavor: Flavor) -> list[float]:
    return [flavor.vcpus, gib(flavor.ram_mib), float(flavor.ephemeral_gib)]


def _is_template(flavor: Flavor, template: Mixin) -> bool:
    """Exactly its cores and memory, at least its scratch space (on the root disk, where there is no other)."""
    cores, memory, scratch = (attribute.default for attribute in template.attributes)
    room = flavor.ephemeral_gib or flavor.disk_gib
    return [flavor.vcpus, gib(flavor.ram_mib)] == [cores, memory] and isinstance(scratch, float) and room >= scratch


@lru_cache(maxsize=1024)
def gib(mib: int) -> float:
    """MiB as GiB with three decimals: what clients show and compare; 128 MiB are 0.125."""
    return round(mib / 1024, 3)


def slug(name: str) -> str:
    """A name as a term: lower case, blanks to `_`, dots and the rest to `-`."""
    term = re.sub(r"[^a-z0-9_-]+", "-", re.sub(r"\s+", "_", name.strip().lower())).strip("-_")
    return term or _hashed(name)


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
