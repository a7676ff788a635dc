"""`hansa vm`: machines, at every site of the profile."""

import click

from hansa.base.i18n import _
from hansa.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "console": Lazy("hansa.cli.vm.console:console", "Follow what a machine writes to its serial console."),
    "create": Lazy("hansa.cli.vm.create:create", "Start a new machine."),
    "delete": Lazy("hansa.cli.vm.delete:delete", "Delete machines for ever."),
    "list": Lazy("hansa.cli.vm.show:list_machines", "List your machines at all sites."),
    "log": Lazy("hansa.cli.vm.console:log", "Show what a machine wrote to its serial console."),
    "restart": Lazy("hansa.cli.vm.power:restart", "Restart a machine."),
    "show": Lazy("hansa.cli.vm.show:show", "Show everything about a machine."),
    "ssh": Lazy("hansa.cli.vm.ssh:ssh", "Log in to a machine, or run a command there."),
    "start": Lazy("hansa.cli.vm.power:start", "Start a machine that is stopped or suspended."),
    "stop": Lazy("hansa.cli.vm.power:stop", "Stop a machine; its disk stays."),
    "suspend": Lazy("hansa.cli.vm.power:suspend", "Suspend a machine."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, help=_("Your machines, at every site of the profile."))
def vm() -> None:
    pass
