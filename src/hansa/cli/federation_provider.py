"""`hansa federation client …` and `hansa federation keys …`: the OpenID Provider, straight on its database and key files."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hansa.base.errors import ConfigurationError
from hansa.base.i18n import _
from hansa.base.telemetry.audit import AuditLog
from hansa.base.telemetry.logs import configure
from hansa.cli.federation import config_option, load_config
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.federation import server
from hansa.federation.provider.clients import Clients, Wanted
from hansa.federation.provider.model import Client, GrantType
from hansa.federation.provider.scopes import KNOWN

T = TypeVar("T")
COLUMNS = ("id", "name", "confidential", "grants", "audiences")
GRANTS = {"code": GrantType.CODE, "refresh": GrantType.REFRESH, "device": GrantType.DEVICE, "service": GrantType.CLIENT}


@click.group(help=_("Applications and services that get tokens for members. Straight on the federation's database."))
@config_option
@click.pass_context
def client(ctx: click.Context, config_file: Path) -> None:
    ctx.meta["config_file"] = config_file


@click.group(help=_("The keys that sign tokens."))
@config_option
@click.pass_context
def keys(ctx: click.Context, config_file: Path) -> None:
    ctx.meta["config_file"] = config_file


def _run(call: Callable[[Clients], Awaitable[T]]) -> T:
    config = load_config(click.get_current_context().meta["config_file"])

    configure(config.telemetry.log)

    async def work() -> T:
        audit = AuditLog(config.telemetry.audit)
        try:
            async with server.opened(config) as database:
                return await call(Clients(database, server.now, audit))
        finally:
            audit.close()

    return asyncio.run(work())


@client.command(help=_("Register an application or service. A secret is shown now and never again."))
@click.argument("name")
@click.option("--id", "client_id", metavar="ID", help=_("Its identifier; made up if not given."))
@click.option("--public", is_flag=True, help=_("It runs on people's own computers and cannot keep a secret."))
@click.option(
    "--redirect", "redirect_uris", multiple=True, metavar="URL", help=_("Where it takes answers. Repeatable.")
)
@click.option("--logout", "logout_uris", multiple=True, metavar="URL", help=_("Where people go after logging out."))
@click.option(
    "--grant",
    "grants",
    multiple=True,
    type=click.Choice(list(GRANTS)),
    help=_("How it gets tokens; by default code and refresh with a redirect address, else service. Repeatable."),
)
@click.option("--scope", "scopes", multiple=True, help=_("What it may ask for; by default all that speak of people."))
@click.option(
    "--audience", "audiences", multiple=True, help=_("Whom its tokens may be for, the first by default. Repeatable.")
)
@click.option("--trusted", is_flag=True, help=_("Run by the federation itself: people are not asked for permission."))
@output_option
def add(
    name: str,
    client_id: str | None,
    public: bool,
    redirect_uris: tuple[str, ...],
    logout_uris: tuple[str, ...],
    grants: tuple[str, ...],
    scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    trusted: bool,
    output: str,
) -> None:
    chosen = grants or (("code", "refresh") if redirect_uris else ("service",))
    wanted = Wanted(
        name,
        client_id,
        not public,
        redirect_uris,
        logout_uris,
        frozenset(GRANTS[each] for each in chosen),
        frozenset(scopes or KNOWN),
        audiences,
        trusted,
    )
    made, secret = _run(lambda clients: clients.register(wanted))
    emit_one(_row(made) | ({"secret": secret} if secret else {}), output)


@client.command("list", help=_("All of them."))
@output_option
def list_clients(output: str) -> None:
    emit_list([_row(each) for each in _run(lambda clients: clients.all())], COLUMNS, output)


@client.command(help=_("Remove one; all its tokens end."))
@click.argument("client_id", metavar="ID")
def remove(client_id: str) -> None:
    _run(lambda clients: clients.remove(client_id))
    say(_("Removed {client}.").format(client=client_id))


@keys.command(help=_("Let the staged key sign and stage a new one. At least two hours after the last time."))
def rotate() -> None:
    from hansa.federation.provider import signing

    provider = load_config(click.get_current_context().meta["config_file"]).provider
    if provider is None:
        raise ConfigurationError(
            _("This federation has no OpenID Provider; write the table `provider`."), key="provider"
        )
    say(_("Tokens are signed with key {number} from now on.").format(number=signing.rotate(provider.keys)))


def _row(client: Client) -> dict[str, Any]:
    names = {grant: name for name, grant in GRANTS.items()}
    return {
        "id": client.id,
        "name": client.name,
        "confidential": client.confidential,
        "grants": sorted(names[grant] for grant in client.grants),
        "redirect_uris": list(client.redirect_uris),
        "logout_uris": list(client.logout_uris),
        "scopes": sorted(client.scopes),
        "audiences": list(client.audiences),
        "trusted": client.trusted,
        "created": client.created.isoformat(),
    }
