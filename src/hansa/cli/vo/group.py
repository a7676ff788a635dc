"""`hansa vo group …`."""

from datetime import datetime

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_list, output_option, say
from hansa.cli.vo.registry import day, registry, uid_of, vo_argument
from hansa.federation.membership.names import check_group


@click.group(help=_("Groups of a VO, and who is in them."))
def group() -> None:
    pass


@group.command(help=_("Create a group (/VO/GROUP); with WHO, put a member into it."))
@vo_argument
@click.argument("path", metavar="GROUP")
@click.argument("who", required=False)
@click.option("--description", default="", help=_("What the group is for."))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=_("When the member leaves it by itself."))
def add(vo: str, path: str, who: str | None, description: str, until: datetime | None) -> None:
    inner = _inner(vo, path)
    with registry() as api:
        if who is None:
            api.ask("PUT", f"/vos/{vo}/groups/{inner}", {"description": description})
            say(_("Created the group {group}.").format(group=path))
            return
        uid = uid_of(api, vo, who)
        api.ask("PUT", f"/vos/{vo}/members/{uid}/groups/{inner}", {"until": day(until)})
        say(_("{who} is now in {group}.").format(who=who, group=path))


@group.command("list", help=_("All groups."))
@vo_argument
@output_option
def list_groups(vo: str, output: str) -> None:
    with registry() as api:
        found = api.ask("GET", f"/vos/{vo}/groups")["items"]
    rows = [{"name": each["path"], "members": each["members"], "description": each["description"]} for each in found]
    emit_list(rows, ("name", "members", "description"), output)


@group.command(help=_("Remove a group and those below it; with WHO, take a member out of it."))
@vo_argument
@click.argument("path", metavar="GROUP")
@click.argument("who", required=False)
def remove(vo: str, path: str, who: str | None) -> None:
    inner = _inner(vo, path)
    with registry() as api:
        if who is None:
            api.ask("DELETE", f"/vos/{vo}/groups/{inner}")
            say(_("Removed the group {group}.").format(group=path))
            return
        api.ask("DELETE", f"/vos/{vo}/members/{uid_of(api, vo, who)}/groups/{inner}")
        say(_("{who} is no longer in {group}.").format(who=who, group=path))


def _inner(vo: str, path: str) -> str:
    """Without the VO in front."""
    return check_group(vo, path).removeprefix(f"/{vo}").lstrip("/")
