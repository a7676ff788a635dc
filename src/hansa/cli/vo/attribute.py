"""`hansa vo attribute …`: generic attributes."""

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_list, output_option, say
from hansa.cli.vo.registry import registry, uid_of, vo_argument


@click.group(help=_("Generic attributes of members and groups."))
def attribute() -> None:
    pass


@attribute.command(help=_("Define an attribute."))
@vo_argument
@click.argument("name")
@click.option("--description", default="", help=_("What it means."))
@click.option("--unique", is_flag=True, help=_("No two members have the same value."))
def define(vo: str, name: str, description: str, unique: bool) -> None:
    with registry() as api:
        api.ask("PUT", f"/vos/{vo}/attributes/{name}", {"description": description, "unique": unique})
    say(_("Defined the attribute {name}.").format(name=name))


@attribute.command(help=_("Remove an attribute with all its values."))
@vo_argument
@click.argument("name")
def undefine(vo: str, name: str) -> None:
    with registry() as api:
        api.ask("DELETE", f"/vos/{vo}/attributes/{name}")
    say(_("Removed the attribute {name} and its values.").format(name=name))


@attribute.command("list", help=_("The attributes a VO has defined."))
@vo_argument
@output_option
def list_attributes(vo: str, output: str) -> None:
    with registry() as api:
        rows = api.ask("GET", f"/vos/{vo}/attributes")["items"]
    emit_list(rows, ("name", "unique", "description"), output)


@attribute.command("groups", help=_("The values that groups give to all who are in them."))
@vo_argument
@output_option
def list_groups(vo: str, output: str) -> None:
    with registry() as api:
        emit_list(api.ask("GET", f"/vos/{vo}/group-attributes")["items"], ("group", "name", "value"), output)


@attribute.command("set", help=_("Give a member (WHO) or a whole group (/VO/GROUP) a value."))
@vo_argument
@click.argument("whom", metavar="WHO|GROUP")
@click.argument("name")
@click.argument("value")
def set_value(vo: str, whom: str, name: str, value: str) -> None:
    with registry() as api:
        if _is_group(vo, whom):
            api.ask("PUT", f"/vos/{vo}/group-attributes/{name}", {"value": value}, group=whom)
        else:
            api.ask("PUT", f"/vos/{vo}/members/{uid_of(api, vo, whom)}/attributes/{name}", {"value": value})
    say(_("{whom} has the {name} {value}.").format(whom=whom, name=name, value=value))


@attribute.command(help=_("Take a value away."))
@vo_argument
@click.argument("whom", metavar="WHO|GROUP")
@click.argument("name")
def unset(vo: str, whom: str, name: str) -> None:
    with registry() as api:
        if _is_group(vo, whom):
            api.ask("DELETE", f"/vos/{vo}/group-attributes/{name}", group=whom)
        else:
            api.ask("DELETE", f"/vos/{vo}/members/{uid_of(api, vo, whom)}/attributes/{name}")
    say(_("{whom} has no {name} any more.").format(whom=whom, name=name))


def _is_group(vo: str, whom: str) -> bool:
    """A certificate's subject has `=` in its first part."""
    return whom == f"/{vo}" or whom.startswith(f"/{vo}/")
