"""The program `hansa`, which is also every classic name: the name it is called by decides."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from hansa import __version__
from hansa.base.i18n import _, speak_for_libraries
from hansa.cli.errors import ExitCode, report
from hansa.cli.lazy import Lazy, LazyGroup

speak_for_libraries()  # before the first option is declared

COMMANDS = {
    "classic": Lazy("hansa.cli.classic.command:classic", "The names users already know: occi, voms-proxy-init …"),
    "completion": Lazy("hansa.cli.completion:completion", "Print a completion script for your shell."),
    "config": Lazy("hansa.cli.config:config", "Check and explain the configuration of a site or of the federation."),
    "down": Lazy("hansa.cli.up:down", "Stop what “hansa up” started, machines too, and remove it."),
    "federation": Lazy("hansa.cli.federation:federation", "Run the federation's own servers."),
    "flavor": Lazy("hansa.cli.flavor:flavor", "Show the sizes that machines can have."),
    "image": Lazy("hansa.cli.image:image", "Show the images that machines can be started from."),
    "keystone": Lazy("hansa.cli.keystone:keystone", "VOMS for an OpenStack Keystone that is already there."),
    "login": Lazy("hansa.cli.login:login", "Log in: with your certificate, or in a browser."),
    "logout": Lazy("hansa.cli.login:logout", "Log out, and remove proxy and tokens from this computer."),
    "openrc": Lazy("hansa.cli.openrc:openrc", "Print the environment for OpenStack clients."),
    "proxy": Lazy("hansa.cli.proxy:proxy", "Log in to the grid: make, show and remove your proxy."),
    "site": Lazy("hansa.cli.site:site", "Run a site, and keep its local users."),
    "token": Lazy("hansa.cli.login:token", "Print an access token for other programs."),
    "up": Lazy("hansa.cli.up:up", "Start a whole federation on this computer."),
    "usage": Lazy("hansa.cli.usage:usage", "Show what your machines have used, or what happened to them."),
    "vm": Lazy("hansa.cli.vm:vm", "Your machines: create, list, log in, stop, delete."),
    "vo": Lazy("hansa.cli.vo:vo_group", "Virtual organisations: members, groups, roles."),
    "whoami": Lazy("hansa.cli.login:whoami", "Who you are, here and at each site."),
}
"""Every command of `hansa`: where it lives, and its line of help."""

CLASSIC_PROGRAMS = {
    "occi": "hansa.cli.classic.occi.program:main",
    "voms-proxy-destroy": "hansa.cli.classic.voms_proxy_destroy:main",
    "voms-proxy-info": "hansa.cli.classic.voms_proxy_info:main",
    "voms-proxy-init": "hansa.cli.classic.voms_proxy_init:main",
}
"""The other names of this program: each is a function from arguments to exit code, with the original's options."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options before the command said."""

    profile: Path | None = None
    deadline: float = 30.0
    debug: bool = False


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help=_("Federated clouds from the command line: proxies, machines, images, sites."),
)
@click.version_option(__version__, prog_name="hansa")
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HANSA_PROFILE",
    help=_("The profile to use instead of ~/.config/hansa/config.toml."),
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help=_("Seconds to wait for sites that are slow to answer; the others' answers are shown."),
)
@click.option("--debug", is_flag=True, help=_("Show tracebacks."))
@click.pass_context
def root(ctx: click.Context, profile: Path | None, deadline: float, debug: bool) -> None:
    ctx.obj = Settings(profile, deadline, debug)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (default: `sys.argv`) names; give the exit code."""
    program, *arguments = sys.argv if argv is None else argv
    name = Path(program).name
    try:
        if name in CLASSIC_PROGRAMS:
            return _classic(CLASSIC_PROGRAMS[name], arguments)
        color = False if os.environ.get("NO_COLOR") else None
        result = root.main(arguments, prog_name="hansa", standalone_mode=False, color=color)
    except (click.Abort, EOFError, KeyboardInterrupt):
        click.echo(_("Aborted."), err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
        return ExitCode.ERROR
    except Exception as error:  # noqa: BLE001 -- the last place where it can be told well
        return report(error, debug="--debug" in arguments)
    return result if isinstance(result, int) else ExitCode.OK


def _classic(target: str, arguments: Sequence[str]) -> int:
    module, _colon, function = target.partition(":")
    return int(getattr(importlib.import_module(module), function)(arguments))


if __name__ == "__main__":
    sys.exit(main())
