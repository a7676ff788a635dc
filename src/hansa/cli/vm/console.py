"""`hansa vm log` and `hansa vm console`: the serial console, from the site's native interface."""

import time
from urllib.parse import quote

import click

from hansa.base.i18n import _
from hansa.cli.session import at_site, find, profile_of, site_option
from hansa.client.machines import Machine
from hansa.client.profile import Profile

_PAUSE = 1.0
_TAIL = 65536


@click.command(help=_("Show what a machine wrote to its serial console."))
@click.argument("name")
@click.option(
    "--tail", type=click.IntRange(1, 1_048_576), default=_TAIL, show_default=True, help=_("At most this many bytes.")
)
@click.option("-f", "--follow", is_flag=True, help=_("Go on until interrupted."))
@site_option
@click.pass_context
def log(ctx: click.Context, name: str, tail: int, follow: bool, sites: tuple[str, ...]) -> None:
    profile = profile_of(ctx)
    machine = find(profile, sites, name)
    shown = _read(profile, machine, tail)
    click.echo(readable(shown), nl=not shown.endswith(b"\n"))
    while follow:
        time.sleep(_PAUSE)
        now = _read(profile, machine, _TAIL)
        click.echo(readable(news(shown, now)), nl=False)
        shown = now


@click.command(help=_("Follow what a machine writes to its serial console; interrupt to leave."))
@click.argument("name")
@site_option
@click.pass_context
def console(ctx: click.Context, name: str, sites: tuple[str, ...]) -> None:
    ctx.invoke(log, name=name, tail=_TAIL, follow=True, sites=sites)


def _read(profile: Profile, machine: Machine, tail: int) -> bytes:
    target = f"/hansa/v1/servers/{quote(machine.id)}/console?tail_bytes={tail}"
    return at_site(profile, machine.site, lambda occi: occi.get(target, accept="text/plain").body)


def news(before: bytes, now: bytes) -> bytes:
    """What `now` holds beyond `before`, both being ends of the same growing log."""
    mark = before[-4096:]
    at = now.rfind(mark) if mark else 0
    return now if at < 0 else now[at + len(mark) :]


def readable(data: bytes) -> str:
    """A guest's output must not drive our terminal: only line ends and tabs stay of the control characters."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c.isprintable() or c in "\n\t" else "" if c == "\x1b" else "?" for c in text)
