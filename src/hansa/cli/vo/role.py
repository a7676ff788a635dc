"""`hansa vo role …`."""

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.output import emit_list, output_option, say
from hansa.cli.vo.registry import registry, uid_of, vo_argument, who_argument
from hansa.cli.vo.rows import member_row, show_member
from hansa.client.registry import pages
from hansa.standards.voms import Fqan


@click.group(help=_("Roles of a VO's members (/VO/GROUP/Role=ROLE)."))
def role() -> None:
    pass


@role.command(help=_("Give a member a role in a group that the member is in."))
@vo_argument
@who_argument
@click.argument("role_name", metavar="ROLE")
@output_option
def grant(vo: str, who: str, role_name: str, output: str) -> None:
    _change("PUT", vo, who, role_name, output)


@role.command(help=_("Take a role away."))
@vo_argument
@who_argument
@click.argument("role_name", metavar="ROLE")
@output_option
def revoke(vo: str, who: str, role_name: str, output: str) -> None:
    _change("DELETE", vo, who, role_name, output)


@role.command("list", help=_("Who holds which role."))
@vo_argument
@output_option
def list_roles(vo: str, output: str) -> None:
    with registry() as api:
        rows = [
            {"role": grant, "id": row["id"], "name": row["name"], "subject": row["subject"]}
            for row in map(member_row, pages(api, f"/vos/{vo}/members"))
            for grant in row["roles"]
        ]
    emit_list(sorted(rows, key=lambda row: str(row["role"])), ("role", "id", "name", "subject"), output)


@role.command(help=_("Define a role: from the first one on, only defined roles are given."))
@vo_argument
@click.argument("name")
@click.option("--description", default="", help=_("What its holders do."))
def define(vo: str, name: str, description: str) -> None:
    with registry() as api:
        api.ask("PUT", f"/vos/{vo}/roles/{name}", {"description": description})
    say(_("Defined the role {role}.").format(role=name))


@role.command(help=_("Take a role's definition back; those who hold it keep it."))
@vo_argument
@click.argument("name")
def undefine(vo: str, name: str) -> None:
    with registry() as api:
        api.ask("DELETE", f"/vos/{vo}/roles/{name}")
    say(_("The role {role} is no longer defined.").format(role=name))


@role.command(help=_("The roles a VO has defined; none: every name may be given."))
@vo_argument
@output_option
def defined(vo: str, output: str) -> None:
    with registry() as api:
        emit_list(api.ask("GET", f"/vos/{vo}/roles")["items"], ("name", "description"), output)


def _change(method: str, vo: str, who: str, text: str, output: str) -> None:
    fqan = Fqan.parse(text)
    if fqan.role is None:
        raise BadRequest(_("A role looks like /VO/GROUP/Role=ROLE."), field="role")
    with registry() as api:
        target = f"/vos/{vo}/members/{uid_of(api, vo, who)}/roles/{fqan.role}"
        show_member(api.ask(method, target, group=fqan.group), output)
