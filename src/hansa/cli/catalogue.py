"""`hansa site list`, `hansa image list`, `hansa flavor list`: what the sites of the profile offer."""

import click

from hansa.base.i18n import _
from hansa.cli.output import Row, emit_list, output_option
from hansa.cli.session import failures, gather, profile_of, site_option, sites_of, tell_failures
from hansa.client.machines import catalogue


@click.command("list", help=_("List the sites of your profile, and whether they answer you."))
@site_option
@output_option
@click.pass_context
def list_sites(ctx: click.Context, sites: tuple[str, ...], output: str) -> int:
    profile = profile_of(ctx)
    chosen = sites_of(profile, sites)
    gathered = gather(profile, chosen, lambda _site, occi: catalogue(occi))
    answered = {answer.site.name: answer.value for answer in gathered.answers}
    rows: list[Row] = [
        {
            "name": site.name,
            "endpoint": site.endpoint,
            "state": "ok" if site.name in answered else "no answer",
            "images": len(answered[site.name].images) if site.name in answered else None,
            "flavors": len(answered[site.name].flavors) if site.name in answered else None,
        }
        for site in chosen
    ]
    emit_list(rows, ("name", "endpoint", "state", "images", "flavors"), output, errors=failures(gathered))
    return tell_failures(gathered)


@click.command("list", help=_("List the images that machines can be started from."))
@site_option
@output_option
@click.pass_context
def list_images(ctx: click.Context, sites: tuple[str, ...], output: str) -> int:
    profile = profile_of(ctx)
    gathered = gather(profile, sites_of(profile, sites), lambda _site, occi: catalogue(occi))
    rows: list[Row] = [
        {"name": image.name, "site": answer.site.name, "id": image.id, "type": image.type_id}
        for answer in gathered.answers
        for image in answer.value.images
    ]
    if gathered.answers:
        emit_list(rows, ("name", "site", "id"), output, errors=failures(gathered))
    return tell_failures(gathered)


@click.command("list", help=_("List the sizes that machines can have."))
@site_option
@output_option
@click.pass_context
def list_flavors(ctx: click.Context, sites: tuple[str, ...], output: str) -> int:
    profile = profile_of(ctx)
    gathered = gather(profile, sites_of(profile, sites), lambda _site, occi: catalogue(occi))
    rows: list[Row] = [
        {
            "name": flavor.name,
            "cores": flavor.cores,
            "memory_gib": flavor.memory,
            "site": answer.site.name,
            "id": flavor.id,
            "type": flavor.type_id,
        }
        for answer in gathered.answers
        for flavor in answer.value.flavors
    ]
    if gathered.answers:
        emit_list(rows, ("name", "cores", "memory_gib", "site", "id"), output, errors=failures(gathered))
    return tell_failures(gathered)
