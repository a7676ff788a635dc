"""`hansa federation …`: what the federation's operator runs."""

import asyncio
import os
from pathlib import Path

import click

from hansa.base.config import load
from hansa.base.i18n import _
from hansa.cli.lazy import Lazy, LazyGroup
from hansa.federation.config import FederationConfig

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HANSA_FEDERATION_CONFIG",
    default=Path("/etc/hansa/federation.toml"),
    show_default=True,
    help=_("The federation's configuration file."),
)


def load_config(path: Path) -> FederationConfig:
    return load(path, FederationConfig, os.environ)


COMMANDS = {
    "site": Lazy("hansa.cli.federation_site:site", "Sites that are told of their VOs' members."),
    "client": Lazy("hansa.cli.federation_provider:client", "Applications and services that get tokens for members."),
    "keys": Lazy("hansa.cli.federation_provider:keys", "The keys that sign tokens."),
    "mail": Lazy("hansa.cli.federation_mail:mail", "Mail to people: what waits, what failed."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, help=_("Run the federation's own servers."))
def federation() -> None:
    pass


@federation.command(help=_("Serve until SIGTERM or SIGINT: a VOMS server for each VO."))
@config_option
def serve(config_file: Path) -> None:
    from hansa.federation import server  # only here: it costs start-up time

    asyncio.run(server.run(load_config(config_file)))
