"""`hansa federation site …`: the sites that follow the member feed, and how far behind each of them is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.federation import config_option, load_config
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.federation import server
from hansa.federation.config import FederationConfig
from hansa.federation.membership.certificates import credential_in
from hansa.federation.propagation.model import Site, Status
from hansa.federation.propagation.register import Register
from hansa.federation.propagation.room import published_keys
from hansa.standards.jwt import Key

T = TypeVar("T")
COLUMNS = ("name", "vos", "state", "behind", "lag", "seen", "way", "error")

name_argument = click.argument("name")
vo_option = click.option(
    "--vo", "vos", multiple=True, required=True, help=_("A VO that the site supports. Repeatable.")
)


@click.group(name="site", help=_("Sites that are told of their VOs' members."))
@config_option
@click.pass_context
def site(ctx: click.Context, config_file: Path) -> None:
    ctx.meta["config_file"] = config_file


def _config() -> FederationConfig:
    return load_config(click.get_current_context().meta["config_file"])


def _run(call: Callable[[Register], Awaitable[T]]) -> T:
    async def work() -> T:
        async with server.opened(_config()) as database:
            return await call(Register(database, server.now))

    return asyncio.run(work())


@site.command(help=_("Register a site: by its host certificate, by a public key, or by the address to push to."))
@name_argument
@vo_option
@click.option(
    "--certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=_("Host certificate, PEM.")
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=_("Public key as JWK, for a site without a certificate (see “hansa site accounts key”)."),
)
@click.option("--push", "url", help=_("Push documents to this address, …/hansa/v1/accounts/feed."))
@output_option
def add(
    name: str, vos: tuple[str, ...], certificate: Path | None, key: Path | None, url: str | None, output: str
) -> None:
    holder = credential_in(certificate.read_bytes()) if certificate else None
    jwk = _public(key) if key else None
    _run(lambda register: register.add(Site(name, server.now(), vos, holder, jwk, url)))
    _show(name, output)


@site.command("list", help=_("All sites, with what each has not confirmed yet."))
@output_option
def list_sites(output: str) -> None:
    now = datetime.now(UTC)
    emit_list([_row(each, now) for each in _run(lambda register: register.statuses())], COLUMNS, output)


@site.command(help=_("One site."))
@name_argument
@output_option
def show(name: str, output: str) -> None:
    _show(name, output)


@site.command("set-vos", help=_("The VOs that a site supports from now on; it is told of everybody anew."))
@name_argument
@vo_option
@output_option
def set_vos(name: str, vos: tuple[str, ...], output: str) -> None:
    _run(lambda register: register.set_vos(name, vos))
    _show(name, output)


@site.command(help=_("Tell a site nothing more."))
@name_argument
def remove(name: str) -> None:
    _run(lambda register: register.remove(name))
    say(_("{name} is told nothing more; what it knows, it keeps.").format(name=name))


@site.command(help=_("The keys that documents are signed with, for accounts.keys of the sites."))
def keys() -> None:
    click.echo(orjson.dumps(published_keys(_config()).jwks(), option=orjson.OPT_INDENT_2).decode())


def _public(path: Path) -> str:
    """A JWK, or a public or private key in PEM of which only the public half is taken."""
    text = path.read_bytes()
    if text.lstrip().startswith(b"{"):
        return text.decode("utf-8", "replace").strip()
    if b"PRIVATE KEY" in text:
        return orjson.dumps(Key.from_pem(text).jwk()).decode()
    raise BadRequest(_("{path} holds no JWK.").format(path=path), field="key")


def _show(name: str, output: str) -> None:
    async def look(register: Register) -> Status:
        await register.site(name)
        return next(each for each in await register.statuses() if each.site.name == name)

    emit_one(_row(_run(look), datetime.now(UTC)), output)


def _row(status: Status, now: datetime) -> dict[str, Any]:
    place, lag = status.delivery, status.lag
    holder = status.site.certificate
    return {
        "name": status.site.name,
        "vos": list(status.site.vos),
        "state": _state(status),
        "behind": lag.entries,
        "lag": max(int((now - lag.since).total_seconds()), 0) if lag.since else 0,
        "confirmed": place.confirmed,
        "seen": place.seen and place.seen.isoformat(timespec="seconds"),
        "way": "push" if status.site.url else "poll",
        "url": status.site.url,
        "subject": holder.subject.slash() if holder else None,
        "has_key": status.site.jwk is not None,
        "failures": place.failures,
        "next_attempt": place.next_attempt and place.next_attempt.isoformat(timespec="seconds"),
        "error": place.error or None,
    }


def _state(status: Status) -> str:
    if status.delivery.failures:
        return "failing"
    if status.delivery.seen is None:
        return "never seen"
    return "behind" if status.lag.entries else "current"
