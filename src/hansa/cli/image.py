"""`hansa image`: images of the sites."""

import click

from hansa.base.i18n import _
from hansa.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "build": Lazy("hansa.cli.image_build:build", "Build the tiny guest image from Debian packages."),
    "list": Lazy("hansa.cli.catalogue:list_images", "List the images that machines can be started from."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, help=_("Images of the sites."))
def image() -> None:
    pass
