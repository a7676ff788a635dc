"""`hansa vo create|list|show|set|delete|history|issued`."""

from typing import Any

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.cli.vo.registry import registry, vo_argument

NEVER = "never"


class Days(click.ParamType[int | str]):
    """A number of days, or `never`."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        text = str(value)
        if text == NEVER:
            return text
        if not (text.isascii() and text.isdigit()):
            self.fail(_("{value} is not a number of days, nor “never”.").format(value=text), param, ctx)
        return int(text)


@click.command(help=_("Create a VO."))
@vo_argument
@click.option("--description", default="", help=_("What it is for."))
def create(vo: str, description: str) -> None:
    with registry() as api:
        api.ask("POST", "/vos", {"name": vo, "description": description})
    say(_("Created the VO {vo}.").format(vo=vo))


@click.command("list", help=_("All VOs."))
@output_option
def list_vos(output: str) -> None:
    with registry() as api:
        rows = api.ask("GET", "/vos")["items"]
    emit_list(rows, ("name", "members", "created", "description"), output)


@click.command(help=_("One VO: what it says of itself, its terms and its groups."))
@vo_argument
@output_option
def show(vo: str, output: str) -> None:
    with registry() as api:
        found = api.ask("GET", f"/vos/{vo}")
        groups = [each["path"] for each in api.ask("GET", f"/vos/{vo}/groups")["items"]]
    emit_one({**found, "groups": groups}, output)


@click.command("set", help=_("Change what a VO says of itself, and its terms. What is not given stays."))
@vo_argument
@click.option("--description", help=_("What it is for."))
@click.option("--homepage", help=_("Its address on the web."))
@click.option("--contact", help=_("E-mail address of its managers."))
@click.option("--membership-days", type=Days(), help=_("How long a membership lasts unless said otherwise."))
@click.option("--grace-days", type=click.IntRange(0), help=_("How long a membership works beyond its end."))
@click.option("--removal-days", type=Days(), help=_("How long after end and grace it is removed."))
@click.option("--aup-days", type=Days(), help=_("How long an acceptance of the acceptable use policy counts."))
@click.option("--aup-grace-days", type=click.IntRange(0), help=_("How long members have to accept it when asked."))
@output_option
def set_profile(vo: str, output: str, **changes: object) -> None:
    given = {name: None if value == NEVER else value for name, value in changes.items() if value is not None}
    with registry() as api:
        present = api.ask("GET", f"/vos/{vo}")
        kept = {name: present[name] for name in changes}
        emit_one(api.ask("PUT", f"/vos/{vo}", {**kept, **given}), output)


@click.command(help=_("Remove a VO that has no members."))
@vo_argument
def delete(vo: str) -> None:
    with registry() as api:
        api.ask("DELETE", f"/vos/{vo}")
    say(_("Removed the VO {vo}.").format(vo=vo))


@click.command(help=_("What has changed in a VO, and who did it."))
@vo_argument
@click.option(
    "--after", type=click.IntRange(0), default=0, show_default=True, help=_("Only what came after this number.")
)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help=_("How many."))
@output_option
def history(vo: str, after: int, limit: int, output: str) -> None:
    with registry() as api:
        rows = api.ask("GET", f"/vos/{vo}/changes", after=after, limit=limit)["items"]
    emit_list(rows, ("seq", "at", "event", "person", "actor", "details"), output)


@click.command(help=_("The attribute certificates issued last, newest first."))
@vo_argument
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help=_("How many."))
@output_option
def issued(vo: str, limit: int, output: str) -> None:
    with registry() as api:
        found = api.ask("GET", f"/vos/{vo}/issued", limit=limit)["items"]
    rows = [
        {
            "issued": ac["issued"],
            "until": ac["not_after"],
            "subject": ac["holder"]["dn"],
            "issuer": ac["holder"]["issuer_dn"],
            "fqans": ac["fqans"],
            "client": ac["client"],
            "dialect": ac["dialect"],
            "serial": ac["serial"],
        }
        for ac in found
    ]
    emit_list(rows, ("issued", "until", "subject", "fqans", "client"), output)
