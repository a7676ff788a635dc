"""`hansa federation mail …`: what became of the messages to people."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any, TypeVar

import click

from hansa.base.i18n import _
from hansa.base.mail import Mail, Mailer, MailState, Message, check_address, configured
from hansa.cli.federation import config_option, load_config
from hansa.cli.output import emit_list, emit_one, output_option, printable_lines, say
from hansa.federation import server

T = TypeVar("T")
COLUMNS = ("id", "state", "recipient", "subject", "attempts", "queued", "error")
number_argument = click.argument("number", type=click.IntRange(1))


@click.group(help=_("Mail to people: what waits, what failed. Straight on the federation's database."))
@config_option
@click.pass_context
def mail(ctx: click.Context, config_file: Path) -> None:
    ctx.meta["config_file"] = config_file


def _run(call: Callable[[Mailer], Awaitable[T]]) -> T:
    config = load_config(click.get_current_context().meta["config_file"])

    async def work() -> T:
        async with server.opened(config) as database:
            return await call(configured(config.mail, database, server.now))

    return asyncio.run(work())


@mail.command("list", help=_("The latest messages, newest first."))
@click.option("--state", type=click.Choice(list(MailState)), help=_("Only these."))
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help=_("How many."))
@output_option
def list_mail(state: MailState | None, limit: int, output: str) -> None:
    emit_list([_row(each) for each in _run(lambda mailer: mailer.listed(state, limit))], COLUMNS, output)


@mail.command(help=_("One message; its text as long as it was not sent."))
@number_argument
@output_option
def show(number: int, output: str) -> None:
    found, content = _run(lambda mailer: mailer.content(number))
    emit_one(_row(found), output)
    if content and output == "table":
        payload = message_from_bytes(content).get_payload(decode=True)
        assert isinstance(payload, bytes)
        click.echo("\n" + printable_lines(payload.decode("utf-8", "replace").replace("\r\n", "\n")))


@mail.command(help=_("Try a failed message again."))
@number_argument
def retry(number: int) -> None:
    _run(lambda mailer: mailer.again(number))
    say(_("Message {number} waits to be sent; the server does that.").format(number=number))


@mail.command(help=_("Queue a message to ADDRESS, to see whether mail works."))
@click.argument("address")
def test(address: str) -> None:
    message = Message(
        check_address(address),
        _("Mail of your federation works"),
        _("This message was sent to see whether mail works. It does."),
        about="test",
    )

    async def queue(mailer: Mailer) -> int:
        return await mailer.send(message)

    number = _run(queue)
    say(_("Message {number} waits to be sent; the server does that.").format(number=number))


def _row(found: Mail) -> dict[str, Any]:
    return {
        "id": found.id,
        "state": found.state.value,
        "about": found.about,
        "recipient": found.recipient,
        "subject": found.subject,
        "attempts": found.attempts,
        "queued": found.queued.isoformat(),
        "due": _text(found.due if found.state is MailState.WAITING else None),
        "ended": _text(found.ended),
        "error": found.error,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
