"""`hansa site accounts …`: members as the federation tells of them, and what is held until somebody decides."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from hansa.base.config import load
from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.i18n import _
from hansa.base.migrations import upgrade
from hansa.base.telemetry.audit import AuditLog
from hansa.base.telemetry.logs import configure
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.cli.site import CONFIG
from hansa.site.accounts.model import Account, Change, Filter, Standing
from hansa.site.accounts.room import Room, utc_now
from hansa.site.config import SiteConfig
from hansa.standards.jwt import Key

T = TypeVar("T")
COLUMNS = ("vo", "name", "standing", "since", "until", "held", "uid")
CHANGES = ("vo", "name", "before", "after", "held", "uid")

uids_argument = click.argument("uids", nargs=-1, metavar="[UID]…")


@click.group(help=_("Members as the federation tells of them."))
@CONFIG
@click.pass_context
def accounts(ctx: click.Context, path: Path) -> None:
    ctx.meta["config_file"] = path


def _config() -> SiteConfig:
    config = load(click.get_current_context().meta["config_file"], SiteConfig, os.environ)
    if config.accounts is None:
        raise ConfigurationError(_("This site follows no feed; it needs the table accounts."), key="accounts")
    return config


def _run(call: Callable[[Room], Awaitable[T]]) -> T:
    config = _config()
    settings = config.accounts
    assert settings is not None
    configure(config.telemetry.log)  # onto standard error: standard output is for the result

    async def work() -> T:
        database = Database(config.database.url, threads=config.database.threads)
        audit = AuditLog(config.telemetry.audit)
        try:
            await upgrade(database, "site")
            certificates = config.identity.trust_dir
            room = Room(settings, database, utc_now, audit, site=config.site.name, certificates=certificates)
            return await call(room)
        finally:
            audit.close()
            database.close()

    return asyncio.run(work())


@accounts.command("list", help=_("Everybody the federation tells of, and those who have left."))
@click.option("--vo", help=_("Only of this VO."))
@click.option("--standing", type=click.Choice([each.value for each in Standing]), help=_("Only with this standing."))
@output_option
def list_accounts(vo: str | None, standing: str | None, output: str) -> None:
    wanted = Filter(vo=vo, standing=Standing(standing) if standing else None)
    _emit(_run(lambda room: room.accounts.every(wanted)), output)


@accounts.command(help=_("One person, in every VO."))
@click.argument("uid")
@output_option
def show(uid: str, output: str) -> None:
    found = _run(lambda room: room.accounts.every(Filter(uid=uid)))
    emit_list([_row(each) | _details(each) for each in found], COLUMNS, output)


@accounts.command(help=_("Where this site is in the feed, how old its knowledge is, and what is held."))
@output_option
def status(output: str) -> None:
    found = _run(lambda room: room.accounts.status())
    place = found.position
    emit_one(
        {
            "vos": list(place.vos),
            "sequence": place.sequence,
            "head": place.head,
            "snapshot_under_way": place.run is not None,
            "issued": place.issued and place.issued.isoformat(),
            "age_seconds": int((utc_now() - place.issued).total_seconds()) if place.issued else None,
            **{each.value: found.counts.get(each.value, 0) for each in Standing},
            "held": found.held,
        },
        output,
    )


@accounts.command(help=_("Losses that the brake has held."))
@output_option
def held(output: str) -> None:
    _emit(_run(lambda room: room.accounts.every(Filter(held=True))), output)


@accounts.command(help=_("Let held losses take effect: of these people, or all."))
@uids_argument
@output_option
def release(uids: Sequence[str], output: str) -> None:
    _emit(_run(lambda room: room.accounts.release(uids, actor=_actor())), output)


@accounts.command(help=_("Refuse held losses: these people, or all, stay until the federation says otherwise anew."))
@uids_argument
@output_option
def refuse(uids: Sequence[str], output: str) -> None:
    _emit(_run(lambda room: room.accounts.refuse(uids, actor=_actor())), output)


@accounts.command(help=_("Ask the federation now, and tell what changes."))
@click.option("--dry-run", is_flag=True, help=_("Only tell of the next page, and change nothing."))
@output_option
def fetch(dry_run: bool, output: str) -> None:
    async def pages(room: Room) -> list[Change]:
        changes: list[Change] = []
        while True:
            outcome = await room.follower.once(wait=0, dry_run=dry_run)
            changes += outcome.changes
            if dry_run or not outcome.more:
                return changes

    emit_list([_change(each) for each in _run(pages)], CHANGES, output)


@accounts.command(help=_("The public half of accounts.key, for registering a site without a certificate."))
def key() -> None:
    settings = _config().accounts
    if settings is None or settings.key is None:
        raise ConfigurationError(_("The configuration names no accounts.key."), key="accounts.key")
    click.echo(orjson.dumps(Key.from_pem(settings.key.read_bytes()).jwk()).decode())


def _actor() -> str:
    return f"{getpass.getuser()} (command)"


def _emit(found: Sequence[Account], output: str) -> None:
    emit_list([_row(each) for each in found], COLUMNS, output)
    if not found:
        say(_("Nobody."))


def _row(account: Account) -> dict[str, Any]:
    return {
        "vo": account.vo,
        "uid": account.uid,
        "name": account.name,
        "standing": account.standing.value,
        "since": account.since.isoformat(timespec="seconds"),
        "until": account.until and account.until.isoformat(timespec="seconds"),
        "reason": account.reason,
        "held": account.held and account.held.value,
        "kept": account.kept,
        "machines_dealt_with": account.acted and account.acted.isoformat(timespec="seconds"),
    }


def _details(account: Account) -> dict[str, Any]:
    entry = account.entry
    if entry is None:
        return {"mail": None, "certificates": [], "logins": [], "groups": [], "roles": []}
    return {
        "mail": entry.mail,
        "certificates": [{"subject": each.subject, "issuer": each.issuer} for each in entry.certificates],
        "logins": [{"issuer": each.issuer, "subject": each.subject} for each in entry.logins],
        "groups": list(entry.groups),
        "roles": list(entry.roles),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "vo": change.vo,
        "uid": change.uid,
        "name": change.name,
        "before": change.before and change.before.value,
        "after": change.after.value,
        "held": change.held and change.held.value,
    }
