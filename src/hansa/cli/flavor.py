"""`hansa flavor`: sizes of machines."""

import click

from hansa.base.i18n import _
from hansa.cli.lazy import Lazy, LazyGroup

COMMANDS = {"list": Lazy("hansa.cli.catalogue:list_flavors", "List the sizes that machines can have.")}


@click.group(cls=LazyGroup, lazy=COMMANDS, help=_("Sizes of machines."))
def flavor() -> None:
    pass
