"""Waiting for a machine to come to a state, with a line on the terminal that says how far it is."""

import sys
import time
from collections.abc import Callable

import click

from hansa.base.errors import Conflict, NotFound
from hansa.base.i18n import _
from hansa.cli.output import printable
from hansa.cli.session import at_site
from hansa.client.errors import Timeout
from hansa.client.machines import Machine, machine
from hansa.client.profile import Profile

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 2.0


def wait_for(profile: Profile, waited: Machine, state: str, *, seconds: float) -> Machine:
    """Poll until the machine is in `state`. Raises Conflict if it fails, Timeout when the time is up."""

    def arrived(now: Machine) -> bool:
        if now.state == "error":
            raise Conflict(
                _("{name} failed: {why}").format(name=now.name, why=now.message or _("the site gives no reason")),
                next=_("see its console: hansa vm log {name}").format(name=now.name),
            )
        return now.state == state

    return _poll(profile, waited, arrived, state, seconds)


def wait_until_gone(profile: Profile, waited: Machine, *, seconds: float) -> None:
    """Poll until the site knows the machine no more."""
    try:
        _poll(profile, waited, lambda now: False, _("gone"), seconds)
    except NotFound:
        return


def _poll(profile: Profile, waited: Machine, arrived: Callable[[Machine], bool], goal: str, seconds: float) -> Machine:
    started = time.monotonic()
    pause = _FIRST_PAUSE
    try:
        while True:
            now = at_site(profile, waited.site, lambda occi: machine(waited.site, occi, waited.location))
            if arrived(now):
                return now
            spent = time.monotonic() - started
            if spent > seconds:
                raise Timeout(
                    _("{name} is {state} after {seconds:.0f} seconds, not {goal}.").format(
                        name=now.name, state=now.state, seconds=spent, goal=goal
                    ),
                    next=_("look again: hansa vm show {name}").format(name=now.name),
                )
            _progress(f"{now.name}: {now.message or now.state} … {spent:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
    finally:
        _progress("")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)
