"""`hansa vm start`, `stop`, `restart`, `suspend`."""

from collections.abc import Callable
from typing import Any

import click

from hansa.base.i18n import _
from hansa.cli.output import say
from hansa.cli.session import at_site, find, profile_of, site_option
from hansa.cli.vm.wait import wait_for
from hansa.standards.occi import Invocation, Value
from hansa.standards.occi import infrastructure as infra


def _common(command: Callable[..., None]) -> Callable[..., Any]:
    """The name, where to look for it, and how long to wait."""
    timeout = click.option("--timeout", type=float, default=300.0, show_default=True, help=_("Seconds to wait."))
    wait = click.option("--wait", is_flag=True, help=_("Return when it is done."))
    return click.argument("name")(wait(timeout(site_option(click.pass_context(command)))))


def _act(
    ctx: click.Context,
    name: str,
    sites: tuple[str, ...],
    action: str,
    goal: str | None,
    timeout: float,
    method: str | None = None,
) -> None:
    profile = profile_of(ctx)
    machine = find(profile, sites, name)
    attributes: dict[str, Value] = {"method": method} if method else {}
    at_site(profile, machine.site, lambda occi: occi.act(machine.location, Invocation(action, attributes)))
    word = action.rpartition("#")[2]
    say(_("{name}: {action} accepted by {site}.").format(name=machine.name, action=word, site=machine.site.name))
    if goal:
        now = wait_for(profile, machine, goal, seconds=timeout)
        say(_("{name} is {state}.").format(name=now.name, state=now.state))


@click.command(help=_("Start a machine that is stopped or suspended."))
@_common
def start(ctx: click.Context, name: str, wait: bool, timeout: float, sites: tuple[str, ...]) -> None:
    _act(ctx, name, sites, infra.START.id, "active" if wait else None, timeout)


@click.command(help=_("Stop a machine; its disk stays. The guest is asked first."))
@click.option("--force", is_flag=True, help=_("Cut the power at once."))
@_common
def stop(ctx: click.Context, name: str, wait: bool, timeout: float, sites: tuple[str, ...], force: bool) -> None:
    _act(ctx, name, sites, infra.STOP.id, "inactive" if wait else None, timeout, "poweroff" if force else None)


@click.command(help=_("Restart a machine. The guest is asked first."))
@click.option("--force", is_flag=True, help=_("Reset at once."))
@_common
def restart(ctx: click.Context, name: str, wait: bool, timeout: float, sites: tuple[str, ...], force: bool) -> None:
    _act(ctx, name, sites, infra.RESTART.id, "active" if wait else None, timeout, "cold" if force else None)


@click.command(help=_("Suspend a machine: its memory is kept."))
@_common
def suspend(ctx: click.Context, name: str, wait: bool, timeout: float, sites: tuple[str, ...]) -> None:
    _act(ctx, name, sites, infra.SUSPEND.id, "suspended" if wait else None, timeout)
