"""`hansa vo export`: members in the formats that other software reads."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.federation import load_config
from hansa.federation import server
from hansa.federation.config import FederationConfig
from hansa.federation.propagation.source import entry_of
from hansa.standards.memberexport import fedcloud_export, grid_mapfile, json_lines, present, scim, voms_xml
from hansa.standards.memberfeed import Entry

FORMATS = ("perun", "grid-mapfile", "voms-xml", "json", "scim")


@click.command(help=_("Write the members who may come in now, of these VOs, to standard output."))
@click.argument("vos", nargs=-1, required=True, metavar="VO…")
@click.option("--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help=_("For whom."))
@click.option("--facility", default="cloud", show_default=True, help=_("perun: the name of the site's facility."))
@click.option("--destination", default="localhost", show_default=True, help=_("perun: the host that it is sent to."))
@click.option("--platform", default="opennebula", show_default=True, help=_("perun: what the site's script feeds."))
@click.option("--account", "accounts", multiple=True, help=_("grid-mapfile: VO=ACCOUNT, by default .VO. Repeatable."))
@click.pass_context
def export(
    ctx: click.Context,
    vos: Sequence[str],
    form: str,
    facility: str,
    destination: str,
    platform: str,
    accounts: Sequence[str],
) -> None:
    now = server.now()
    entries = present(asyncio.run(_entries(load_config(ctx.meta["config_file"]), vos, now)), now)
    match form:
        case "perun":
            for text in (facility, destination, platform):
                _check_line(text)
            data = fedcloud_export(entries, facility=facility, hostname=destination, now=now, platform=platform)
        case "grid-mapfile":
            data = grid_mapfile(entries, dict(map(_account, accounts)))
        case "voms-xml":
            data = voms_xml(entries)
        case "scim":
            data = scim(entries)
        case _:
            data = json_lines(entries)
    click.echo(data, nl=False)


async def _entries(config: FederationConfig, vos: Sequence[str], now: datetime) -> list[Entry]:
    async with server.registry(config) as registry:
        return [entry_of(member) for vo in dict.fromkeys(vos) for member in await registry.members(vo)]


def _account(text: str) -> tuple[str, str]:
    vo, _equals, account = text.partition("=")
    if not vo or not account or any(c.isspace() for c in account):
        raise BadRequest(_("An account is given as VO=ACCOUNT."), field="account")
    return vo, account


def _check_line(text: str) -> None:
    if not text or not text.isprintable():
        raise BadRequest(_("Names for the archive are one line of text."), field="facility")
