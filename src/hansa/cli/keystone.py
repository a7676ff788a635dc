"""`hansa keystone`: VOMS for an OpenStack Keystone that is already there."""

import asyncio
import os
from pathlib import Path

import click

from hansa.base.config import load
from hansa.base.i18n import _
from hansa.cli.lazy import Lazy, LazyGroup
from hansa.cli.output import say

COMMANDS = {
    "check": Lazy("hansa.cli.keystone_check:check", "Tell what is missing before Keystone takes proxies."),
    "mapping": Lazy("hansa.cli.keystone_mapping:mapping", "Print or apply the mapping rules for the VOs of voms.json."),
}

CONFIG = click.option(
    "--config",
    "path",
    envvar="HANSA_KEYSTONE_CONFIG",
    default=Path("/etc/hansa/keystone.toml"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help=_("The front's configuration (see “hansa config reference keystone”)."),
)
DIRECTORY = Path("/usr/local/lib/hansa-keystone")


@click.group(cls=LazyGroup, lazy=COMMANDS, help=_("VOMS for an OpenStack Keystone that is already there."))
def keystone() -> None:
    pass


@keystone.command(help=_("Serve in front of Keystone until SIGTERM or SIGINT: TLS, proxies, and the rest passed on."))
@CONFIG
def serve(path: Path) -> None:
    from hansa.site.openstack.wrapper.server import run  # only here: it costs start-up time
    from hansa.site.openstack.wrapper.settings import WrapperConfig

    asyncio.run(run(load(path, WrapperConfig, os.environ)))


@keystone.command(help=_("Write what runs inside Keystone's own Python to DIRECTORY, and make the shared secret."))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=DIRECTORY)
@click.option(
    "--secret",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("/etc/hansa/keystone.secret"),
    show_default=True,
    help=_("The file of the secret; one that is there is kept."),
)
def install(directory: Path, secret: Path) -> None:
    from hansa.site.openstack.wrapper.install import ensure_secret
    from hansa.site.openstack.wrapper.install import install as write

    write(directory)
    say(
        _("{directory} belongs on the path of Keystone's Python; load hansa_keystone.wsgi.").format(directory=directory)
    )
    if ensure_secret(secret):
        say(_("{secret} is new: let Keystone's group read it (chgrp keystone, chmod g+r).").format(secret=secret))
