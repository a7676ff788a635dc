"""`hansa up` and `hansa down`: a whole federation on this computer, and away with it."""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from hansa.base.errors import HansaError
from hansa.base.i18n import _
from hansa.base.telemetry.logs import LogSettings, configure
from hansa.cli.classic.command import link_programs
from hansa.cli.errors import ExitCode
from hansa.cli.output import say
from hansa.sandbox.files import environment
from hansa.sandbox.layout import USER_LOGIN, Layout, laid_out

MACHINE, NEXT_MACHINE = "my-first-machine", "my-second-machine"


directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var"),
    show_default=True,
    help=_("Where everything lies."),
)


def _network(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"127\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)", value):
        raise click.BadParameter(_("it is the first half of a loopback address, such as 127.0"))
    return value


@click.command(help=_("Start a whole federation on this computer: a VO, two sites with real machines, and you in it."))
@directory_option
@click.option(
    "--network",
    callback=_network,
    help=_("First half of the loopback addresses to use; default: 127.0, or those it was made on."),
)
@click.option("--demo", is_flag=True, help=_("Then start a machine, look into it, and show what was used."))
def up(directory: Path, network: str | None, demo: bool) -> None:
    from hansa.sandbox import up as bring_up  # only here: it brings site and federation along

    configure(LogSettings(level="warning"))
    layout = laid_out(directory, network)
    with Progress() as progress:
        bring_up(layout, progress.begin, progress.done)
    link_programs(layout.programs)
    if demo:
        run_demo(layout)
    say(_next_commands(layout, NEXT_MACHINE if demo else MACHINE))


@click.command(help=_("Stop what “hansa up” started, machines too, and remove it."))
@directory_option
@click.option("--keep", is_flag=True, help=_("Keep the state: machines are switched off, not deleted."))
def down(directory: Path, keep: bool) -> None:
    from hansa.sandbox import down as take_down

    configure(LogSettings(level="warning"))
    stopped = take_down(laid_out(directory), keep=keep)
    say(_("Stopped: {names}.").format(names=", ".join(stopped)) if stopped else _("Nothing was running."))


class Progress:
    """One line a step: a moving one on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._title = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._status is not None:
            self._status.stop()

    def begin(self, title: str) -> None:
        self._title = title
        if self._console.is_terminal:
            self._status = self._console.status(title)
            self._status.start()

    def done(self, outcome: str) -> None:
        if self._status is not None:
            self._status.stop()
        self._console.print(f"[green]✓[/green] {escape(self._title)}: {escape(outcome)}", soft_wrap=True)


def demo_commands(layout: Layout, machine: str) -> list[list[str]]:
    """The three commands that give the user a machine."""
    user_data = f"@{_shown(layout.first_user_data)}"
    return [
        ["hansa", "proxy", "init"],
        ["hansa", "vm", "create", machine, "--user-data", user_data, "--wait"],
        ["hansa", "vm", "ssh", machine],
    ]


def run_demo(layout: Layout) -> None:
    """Run them, look at what the user data left in the machine, and show the use. Raises HansaError at the first failure."""
    proxy, create, ssh = demo_commands(layout, MACHINE)
    # SSH answers before the user data has run; scripts wait as they do with cloud-init everywhere.
    look = [*ssh, "--", "cloud-init status --wait >/dev/null; cat /etc/motd"]
    _run(layout, proxy)
    if _quietly(layout, ["hansa", "vm", "show", MACHINE]) == ExitCode.OK:
        say(_("The machine {name} is there from before.").format(name=MACHINE))
    else:
        _run(layout, create)
    for command in (look, ["hansa", "usage"]):
        _run(layout, command)


def _run(layout: Layout, command: list[str]) -> None:
    say(f"$ {shlex.join(command)}")
    code = subprocess.run(_found(layout, command), env=_environment(layout), check=False).returncode
    if code:
        raise DemoFailed(_("The command ended with {code}.").format(code=code))


def _quietly(layout: Layout, command: list[str]) -> int:
    done = subprocess.run(_found(layout, command), env=_environment(layout), capture_output=True, check=False)
    return done.returncode


def _found(layout: Layout, command: list[str]) -> list[str]:
    return [str(layout.programs / command[0]), *command[1:]]


class DemoFailed(HansaError):
    """One of the demonstration's commands failed; it has said why."""

    code = "demo_failed"


def _environment(layout: Layout) -> Mapping[str, str]:
    return {**os.environ, **environment(layout), "PATH": f"{layout.programs}:{os.environ.get('PATH', os.defpath)}"}


def _next_commands(layout: Layout, machine: str) -> str:
    commands = "\n".join(f"  {shlex.join(command)}" for command in demo_commands(layout, machine))
    return "\n".join(
        [
            "",
            _("The federation is up. In a shell that has read its environment,"),
            f"  . {shlex.quote(_shown(layout.environment))}",
            _("three commands give you a machine:"),
            commands,
            _(
                "Without a certificate: “hansa login --method device”; you are {login}, your password is in {path}."
            ).format(login=USER_LOGIN, path=_shown(layout.password)),
            _("The classic names (voms-proxy-init, occi …) work there too. “hansa down” takes everything away."),
        ]
    )


def _shown(path: Path) -> str:
    """As short as it is right from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
