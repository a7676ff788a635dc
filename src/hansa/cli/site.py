"""`hansa site`: what the operator of a resource provider runs."""

import asyncio
import os
from pathlib import Path

import click

from hansa.base.config import load
from hansa.base.errors import ConfigurationError
from hansa.base.i18n import _
from hansa.base.passwords import hash_password
from hansa.cli.lazy import Lazy, LazyGroup
from hansa.cli.output import say
from hansa.site.config import SiteConfig
from hansa.site.identity.passwords import user_line

COMMANDS = {
    "bootstrap": Lazy(
        "hansa.cli.site_bootstrap:command",
        "Make the administrator of the site's Keystone, and the roles that its rules speak of.",
    ),
    "accounts": Lazy("hansa.cli.site_accounts:accounts", "Members as the federation tells of them."),
    "mapping": Lazy(
        "hansa.cli.site_mapping:command", "Check a file of Keystone mapping rules, and say what they make of somebody."
    ),
    "list": Lazy("hansa.cli.catalogue:list_sites", "List the sites of your profile, and whether they answer you."),
}

CONFIG = click.option(
    "--config",
    "path",
    required=True,
    envvar="HANSA_SITE_CONFIG",
    type=click.Path(path_type=Path, dir_okay=False),
    help=_("The site's configuration (see “hansa config reference site”)."),
)


@click.group(cls=LazyGroup, lazy=COMMANDS, help=_("Run a site, and keep its local users."))
def site() -> None:
    pass


@site.command(help=_("Serve until SIGTERM or SIGINT."))
@CONFIG
def serve(path: Path) -> None:
    from hansa.site.server import run  # only here: it brings the whole site along

    asyncio.run(run(load(path, SiteConfig, os.environ)))


@site.group("token-keys", help=_("Keep the keys that seal tokens (identity.tokens)."))
def token_keys() -> None:
    pass


@token_keys.command(help=_("Make the staged key the primary one; tokens of the last rotation stay good."))
@CONFIG
def rotate(path: Path) -> None:
    from hansa.site.identity.token_keys import rotate_keys

    tokens = load(path, SiteConfig, os.environ).identity.tokens
    if tokens is None:
        raise ConfigurationError(_("This site takes no tokens; name a directory in identity.tokens.keys."))
    say(_("Tokens are sealed with key {number} from now on.").format(number=rotate_keys(tokens.keys)))


@site.command(help=_("Print a line for the users file (identity.users): a local user with a password."))
@click.argument("name")
@click.option("--project", required=True, help=_("The project the user works in."))
@click.option("--role", "roles", multiple=True, help=_("A role there, such as admin. Repeatable."))
@click.password_option(help=_("Asked for if not given, and better so."))
def user(name: str, project: str, roles: tuple[str, ...], password: str) -> None:
    click.echo(user_line(name, hash_password(password.encode()), project, roles))
    say(_("Append this line to the users file; it counts within seconds."))
