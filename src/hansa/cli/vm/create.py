"""`hansa vm create`: what is not said is chosen, and printed."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.output import emit_one, output_option, say
from hansa.cli.session import at_site, gather, profile_of, site_option, sites_of, tell_failures
from hansa.cli.vm.wait import wait_for
from hansa.client.errors import NoSite
from hansa.client.keys import ensure_key
from hansa.client.machines import (
    COMPUTES,
    Catalogue,
    Template,
    catalogue,
    choose_template,
    machine,
    row,
    smallest,
)
from hansa.client.profile import Profile, Site
from hansa.client.userdata import with_login
from hansa.standards.occi import Resource, Value
from hansa.standards.occi import infrastructure as infra


@dataclass(frozen=True, slots=True)
class Plan:
    """Where, and from what."""

    site: Site
    image: Template
    flavor: Template


@click.command(help=_("Start a new machine. What you do not say is chosen, and printed."))
@click.argument("name", required=False)
@click.option("--image", help=_("Name or identifier; default: the profile's, else the first the site offers."))
@click.option("--flavor", help=_("Name or identifier; default: the profile's, else the smallest."))
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True),
    help=_("A public SSH key; default: the profile's, made if need be."),
)
@click.option(
    "--user-data",
    metavar="FILE",
    help=_("A script or cloud-config for the first boot: @FILE, file://FILE, or the text."),
)
@click.option("--login", help=_("The account that the key opens; default: the profile's."))
@click.option("--wait", is_flag=True, help=_("Return when the machine is active."))
@click.option("--timeout", type=float, default=600.0, show_default=True, help=_("Seconds to wait."))
@click.option("--dry-run", is_flag=True, help=_("Only print what would be done."))
@site_option
@output_option
@click.pass_context
def create(
    ctx: click.Context,
    name: str | None,
    image: str | None,
    flavor: str | None,
    key: Path | None,
    user_data: str | None,
    login: str | None,
    wait: bool,
    timeout: float,
    dry_run: bool,
    sites: tuple[str, ...],
    output: str,
) -> None:
    profile = profile_of(ctx)
    script = _user_data(user_data)
    plan = _plan(profile, sites, image, flavor)
    title = name or f"vm-{secrets.token_hex(3)}"
    say(_("name    {name}").format(name=title))
    say(_("site    {site} ({endpoint})").format(site=plan.site.name, endpoint=plan.site.endpoint))
    say(_("image   {name} ({id})").format(name=plan.image.name, id=plan.image.id))
    say(_("flavor  {name}{sizes}").format(name=plan.flavor.name, sizes=_sizes(plan.flavor)))
    if dry_run:
        return
    public_key = _public_key(profile, key)
    content = with_login(login or profile.defaults.login, public_key, script)
    wish = _wish(title, plan, public_key, content)
    request_id = secrets.token_hex(16)
    location = at_site(profile, plan.site, lambda occi: occi.create(COMPUTES, wish, request_id=request_id))
    made = at_site(profile, plan.site, lambda occi: machine(plan.site, occi, location))
    if wait:
        made = wait_for(profile, made, "active", seconds=timeout)
    emit_one({key: value for key, value in row(made).items() if value}, output)
    say(_("Next: hansa vm ssh {name}").format(name=made.name))


def _user_data(given: str | None) -> bytes:
    if given is None:
        return b""
    for prefix in ("@", "file://"):
        if given.startswith(prefix):
            return Path(given.removeprefix(prefix)).read_bytes()
    return given.encode()


def _public_key(profile: Profile, given: Path | None) -> str:
    if given is not None:
        text = given.read_text(encoding="utf-8").strip()
        if "PRIVATE KEY" in text or "\n" in text:
            raise BadRequest(_("{path} is not a public key.").format(path=given), next=_("give the .pub file"))
        return text
    public_key, new = ensure_key(profile.paths.ssh_key)
    say(_("key     {path}{new}").format(path=profile.paths.ssh_key, new=_(" (made now)") if new else ""))
    return public_key


def _sizes(flavor: Template) -> str:
    if flavor.cores is None or flavor.memory is None:
        return ""
    return _(" ({cores} cores, {memory} GiB)").format(cores=flavor.cores, memory=flavor.memory)


def _plan(profile: Profile, sites: Sequence[str], image: str | None, flavor: str | None) -> Plan:
    """The first site, in the profile's order, that has what is wanted."""
    names = sites or ([profile.defaults.site] if profile.defaults.site else ())
    gathered = gather(profile, sites_of(profile, names), lambda _site, occi: catalogue(occi))
    if not gathered.answers:
        tell_failures(gathered)
    wanted_image, wanted_flavor = image or profile.defaults.image, flavor or profile.defaults.flavor
    for answer in gathered.answers:
        plan = _fit(answer.site, answer.value, wanted_image, wanted_flavor)
        if plan:
            return plan
    tell_failures(gathered)
    offers = "; ".join(f"{a.site.name}: {_names(a.value)}" for a in gathered.answers)
    raise NoSite(
        _("No site has the image {image} and the flavor {flavor}.").format(
            image=wanted_image or _("(any)"), flavor=wanted_flavor or _("(any)")
        ),
        cause=_("They offer {offers}.").format(offers=offers),
        next=_("hansa image list, hansa flavor list"),
    )


def _fit(site: Site, offered: Catalogue, image: str | None, flavor: str | None) -> Plan | None:
    first = offered.images[0] if offered.images else None
    chosen_image = choose_template(image, offered.images) if image else first
    chosen_flavor = choose_template(flavor, offered.flavors) if flavor else smallest(offered.flavors)
    return Plan(site, chosen_image, chosen_flavor) if chosen_image and chosen_flavor else None


def _names(offered: Catalogue) -> str:
    return ", ".join(template.name for template in (*offered.images, *offered.flavors)) or _("nothing")


def _wish(title: str, plan: Plan, public_key: str, user_data: bytes) -> Resource:
    attributes: dict[str, Value] = {
        "occi.compute.hostname": title,
        "org.openstack.credentials.publickey.data": public_key,
        "org.openstack.compute.user_data": base64.b64encode(user_data).decode(),
    }
    mixins = (plan.image.type_id, plan.flavor.type_id, infra.OPENSTACK_PUBLIC_KEY.id, infra.OPENSTACK_USER_DATA.id)
    return Resource(kind=infra.COMPUTE.id, mixins=mixins, title=title, attributes=attributes)
