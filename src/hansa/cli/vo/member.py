"""`hansa vo member …`."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.lazy import Lazy, LazyGroup
from hansa.cli.output import emit_list, output_option, say
from hansa.cli.vo.registry import day, registry, uid_of, vo_argument, who_argument
from hansa.cli.vo.rows import MEMBER_COLUMNS, member_row, show_member
from hansa.client.registry import pages
from hansa.federation.membership.certificates import credential_in
from hansa.standards.x509 import Name

COMMANDS = {
    "import": Lazy("hansa.cli.vo.bulk:import_members", "Admit everybody in a CSV or JSON file; may be repeated."),
    "export": Lazy("hansa.cli.vo.bulk:export_members", "Write all members to a CSV or JSON file."),
}
STATES = ("active", "grace", "suspended", "expired")


@click.group(cls=LazyGroup, lazy=COMMANDS, help=_("Members of a VO."))
def member() -> None:
    pass


@member.command(
    help=_("Admit the holder of a certificate: a PEM file, or --subject with --issuer; or somebody by --uid.")
)
@vo_argument
@click.argument("certificate", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--subject", help=_("Subject, /DC=org/CN=Some One."))
@click.option("--issuer", help=_("Subject of the authority that signed it."))
@click.option("--uid", help=_("A registered person, instead of a certificate."))
@click.option("--name", help=_("The person's name; default: the certificate's CN."))
@click.option("--email", default="", help=_("Where to write to."))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=_("When the membership ends; default: the VO's term."))
@click.option("--same-as", "same_as", help=_("A member (WHO) whose second certificate this is."))
@output_option
def add(
    vo: str,
    certificate: Path | None,
    subject: str | None,
    issuer: str | None,
    uid: str | None,
    name: str | None,
    email: str,
    until: datetime | None,
    same_as: str | None,
    output: str,
) -> None:
    wanted: dict[str, Any] = {"uid": uid} if uid else _certificate(certificate, subject, issuer)
    with registry() as api:
        if same_as:
            owner = uid_of(api, vo, same_as)
            api.ask("POST", f"/persons/{owner}/credentials", {"certificate": wanted["certificate"]})
            show_member(api.ask("GET", f"/vos/{vo}/members/{owner}"), output)
            return
        wanted |= {"email": email, "name": name or ""} if not uid else {}
        wanted |= {"until": day(until)} if until else {}
        show_member(api.ask("POST", f"/vos/{vo}/members", wanted), output)


@member.command("list", help=_("Members; all of them, or those that fit."))
@vo_argument
@click.option("--search", default="", help=_("Words in name, e-mail address, login or certificate."))
@click.option("--state", type=click.Choice(STATES), help=_("Only in this state."))
@click.option("--group", help=_("Only in this group."))
@click.option("--role", help=_("Only with this role."))
@output_option
def list_members(vo: str, search: str, state: str | None, group: str | None, role: str | None, output: str) -> None:
    with registry() as api:
        found = pages(api, f"/vos/{vo}/members", search=search, state=state, group=group, role=role)
        rows = [member_row(each) for each in found]
    emit_list(rows, MEMBER_COLUMNS, output)


@member.command(help=_("One member."))
@vo_argument
@who_argument
@output_option
def show(vo: str, who: str, output: str) -> None:
    _change(vo, who, "GET", "", output=output)


@member.command(help=_("No more attribute certificates until restored."))
@vo_argument
@who_argument
@click.option("--reason", required=True, help=_("Why; the member reads it."))
@output_option
def suspend(vo: str, who: str, reason: str, output: str) -> None:
    _change(vo, who, "PUT", "/suspension", {"reason": reason}, output=output)


@member.command(help=_("End a suspension."))
@vo_argument
@who_argument
@output_option
def restore(vo: str, who: str, output: str) -> None:
    _change(vo, who, "DELETE", "/suspension", output=output)


@member.command(help=_("Move the end of a membership; without DATE it has none."))
@vo_argument
@who_argument
@click.argument("date", required=False, type=click.DateTime(["%Y-%m-%d"]))
@output_option
def extend(vo: str, who: str, date: datetime | None, output: str) -> None:
    _change(vo, who, "PUT", "/until", {"until": day(date)}, output=output)


@member.command(help=_("End a membership, with its groups and roles."))
@vo_argument
@who_argument
def remove(vo: str, who: str) -> None:
    with registry() as api:
        api.ask("DELETE", f"/vos/{vo}/members/{uid_of(api, vo, who)}")
    say(_("Removed {who} from {vo}.").format(who=who, vo=vo))


def _change(vo: str, who: str, method: str, what: str, document: Any = None, *, output: str) -> None:
    with registry() as api:
        show_member(api.ask(method, f"/vos/{vo}/members/{uid_of(api, vo, who)}{what}", document), output)


def _certificate(path: Path | None, subject: str | None, issuer: str | None) -> dict[str, Any]:
    if path and not (subject or issuer):
        held = credential_in(path.read_bytes())
        return {"certificate": {"subject": held.subject.rfc4514(), "issuer": held.issuer.rfc4514()}}
    if subject and issuer and not path:
        names = Name.parse(subject), Name.parse(issuer)
        return {"certificate": {"subject": names[0].rfc4514(), "issuer": names[1].rfc4514()}}
    raise BadRequest(_("Give a certificate file, or both --subject and --issuer."), field="certificate")
