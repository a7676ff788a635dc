"""`hansa vm list` and `hansa vm show`."""

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_list, emit_one, output_option
from hansa.cli.session import at_site, failures, find, gather, profile_of, site_option, sites_of, tell_failures
from hansa.client.machines import machine, machines, row

COLUMNS = ("name", "state", "site", "address", "image", "flavor", "id")


@click.command("list", help=_("List your machines at all sites."))
@site_option
@output_option
@click.pass_context
def list_machines(ctx: click.Context, sites: tuple[str, ...], output: str) -> int:
    profile = profile_of(ctx)
    gathered = gather(profile, sites_of(profile, sites), machines)
    rows = [row(each) for answer in gathered.answers for each in answer.value]
    if gathered.answers:
        emit_list(rows, COLUMNS, output, errors=failures(gathered))
    return tell_failures(gathered)


@click.command(help=_("Show everything about a machine: give its name, identifier or a unique beginning of either."))
@click.argument("name")
@site_option
@output_option
@click.pass_context
def show(ctx: click.Context, name: str, sites: tuple[str, ...], output: str) -> None:
    profile = profile_of(ctx)
    found = find(profile, sites, name)
    now = at_site(profile, found.site, lambda occi: machine(found.site, occi, found.location))
    shown = {key: value for key, value in row(now).items() if value is not None}
    shown |= {"location": now.site.endpoint.rstrip("/") + now.location}
    shown |= now.entity.attributes
    for link in now.entity.links:
        term = link.kind.rpartition("#")[2]
        shown[f"{term} {link.target}"] = " ".join(
            f"{key.rpartition('.')[2]}={value}" for key, value in link.attributes.items()
        )
    shown["actions"] = " ".join(action.rpartition("#")[2] for action in now.entity.actions)
    emit_one(shown, output)
