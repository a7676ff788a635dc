"""`hansa vo …`: virtual organisations and their members, straight on the federation's database."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.federation import config_option, load_config
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.federation import server
from hansa.federation.config import FederationConfig
from hansa.federation.membership.certificates import credential_in
from hansa.federation.membership.errors import NoSuchVo
from hansa.federation.membership.model import Credential, Member, RoleGrant
from hansa.federation.membership.service import Membership, Who
from hansa.standards.voms import Fqan, VomsServer, render_lsc
from hansa.standards.x509 import Name, load_chain

T = TypeVar("T")
MEMBER_COLUMNS = ("id", "name", "state", "subject", "groups", "roles", "until")

vo_argument = click.argument("vo")
who_argument = click.argument("who")


@click.group(
    name="vo",
    help=_("Virtual organisations: members, groups, roles. WHO is a member's number or a certificate's subject."),
)
@config_option
@click.pass_context
def vo_group(ctx: click.Context, config_file: Path) -> None:
    ctx.meta["config_file"] = config_file


def _config() -> FederationConfig:
    return load_config(click.get_current_context().meta["config_file"])


def _run(call: Callable[[Membership], Awaitable[T]]) -> T:
    async def work() -> T:
        async with server.registry(_config()) as registry:
            return await call(registry)

    return asyncio.run(work())


@vo_group.command(help=_("Create a VO."))
@vo_argument
def create(vo: str) -> None:
    _run(lambda registry: registry.create_vo(vo))
    say(_("Created the VO {vo}.").format(vo=vo))


@vo_group.command("list", help=_("All VOs."))
@output_option
def list_vos(output: str) -> None:
    rows = [
        {"name": vo.name, "members": vo.members, "created": vo.created.isoformat()}
        for vo in _run(lambda registry: registry.vos())
    ]
    emit_list(rows, ("name", "members", "created"), output)


@vo_group.command(help=_("One VO: its groups, and how many members it has."))
@vo_argument
@output_option
def show(vo: str, output: str) -> None:
    async def look(registry: Membership) -> Mapping[str, Any]:
        groups = await registry.groups(vo)
        found = next(each for each in await registry.vos() if each.name == vo)
        return {"name": vo, "created": found.created.isoformat(), "members": found.members, "groups": groups}

    emit_one(_run(look), output)


@vo_group.command(help=_("The attribute certificates issued last, newest first."))
@vo_argument
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help=_("How many."))
@output_option
def issued(vo: str, limit: int, output: str) -> None:
    rows = [
        {
            "issued": ac.issued.isoformat(),
            "until": ac.not_after.isoformat(),
            "subject": ac.holder.subject.slash(),
            "issuer": ac.holder.issuer.slash(),
            "fqans": list(ac.fqans),
            "client": ac.client,
            "dialect": ac.dialect,
            "serial": f"{ac.serial:x}",
        }
        for ac in _run(lambda registry: registry.issued(vo, limit))
    ]
    emit_list(rows, ("issued", "until", "subject", "fqans", "client"), output)


@vo_group.command(help=_("The line for /etc/vomses, with which clients find the VO's server."))
@vo_argument
def vomses(vo: str) -> None:
    config = _config()
    chain = load_chain([config.voms.tls.certificate.read_bytes()])
    served = _served(config, vo)
    click.echo(VomsServer(vo, config.voms.hostname, served, Name.from_x509(chain[0].subject), vo).line())


@vo_group.command(
    help=_("The content of vomsdir/VO/HOST.lsc, with which sites and clients verify the VO's certificates.")
)
@vo_argument
def lsc(vo: str) -> None:
    config = _config()
    _served(config, vo)
    chain = load_chain([config.voms.authority.certificate.read_bytes()])
    say(_("For {path}:").format(path=f"vomsdir/{vo}/{config.voms.hostname}.lsc"))
    click.echo(render_lsc(chain[:1]).decode(), nl=False)


def _served(config: FederationConfig, vo: str) -> int:
    """The VO's port."""
    if vo not in config.voms.vos:
        raise NoSuchVo(_("The configuration names no server for {vo}.").format(vo=vo))
    return config.voms.vos[vo].port


@vo_group.group(help=_("Members of a VO."))
def member() -> None:
    pass


@member.command(help=_("Admit the holder of a certificate: a PEM file, or --subject with --issuer."))
@vo_argument
@click.argument("certificate", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--subject", help=_("Subject, /DC=org/CN=Some One."))
@click.option("--issuer", help=_("Subject of the authority that signed it."))
@click.option("--name", help=_("The person's name; default: the certificate's CN."))
@click.option("--email", default="", help=_("Where to write to."))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=_("When the membership ends."))
@click.option("--same-as", "same_as", help=_("A member (WHO) whose second certificate this is."))
@output_option
def add(
    vo: str,
    certificate: Path | None,
    subject: str | None,
    issuer: str | None,
    name: str | None,
    email: str,
    until: datetime | None,
    same_as: str | None,
    output: str,
) -> None:
    credential = _credential(certificate, subject, issuer)
    if same_as:
        _show(_run(lambda registry: registry.add_credential(vo, _who(same_as), credential)), output)
        return
    called = name or credential.subject.last_common_name or credential.subject.slash()
    end = until and until.replace(tzinfo=UTC)
    _show(_run(lambda registry: registry.add_member(vo, credential, name=called, email=email, until=end)), output)


@member.command("list", help=_("All members."))
@vo_argument
@output_option
def list_members(vo: str, output: str) -> None:
    emit_list([_row(each) for each in _run(lambda registry: registry.members(vo))], MEMBER_COLUMNS, output)


@member.command("show", help=_("One member."))
@vo_argument
@who_argument
@output_option
def show_member(vo: str, who: str, output: str) -> None:
    _show(_run(lambda registry: registry.member(vo, _who(who))), output)


@member.command(help=_("No more attribute certificates until restored."))
@vo_argument
@who_argument
@click.option("--reason", required=True, help=_("Why; the member reads it."))
@output_option
def suspend(vo: str, who: str, reason: str, output: str) -> None:
    _show(_run(lambda registry: registry.suspend(vo, _who(who), reason)), output)


@member.command(help=_("End a suspension."))
@vo_argument
@who_argument
@output_option
def restore(vo: str, who: str, output: str) -> None:
    _show(_run(lambda registry: registry.restore(vo, _who(who))), output)


@member.command(help=_("Move the end of a membership; without DATE it has none."))
@vo_argument
@who_argument
@click.argument("date", required=False, type=click.DateTime(["%Y-%m-%d"]))
@output_option
def extend(vo: str, who: str, date: datetime | None, output: str) -> None:
    end = date and date.replace(tzinfo=UTC)
    _show(_run(lambda registry: registry.set_until(vo, _who(who), end)), output)


@member.command(help=_("End a membership, with its groups and roles."))
@vo_argument
@who_argument
def remove(vo: str, who: str) -> None:
    _run(lambda registry: registry.remove(vo, _who(who)))
    say(_("Removed {who} from {vo}.").format(who=who, vo=vo))


@vo_group.group(help=_("Groups of a VO, and who is in them."))
def group() -> None:
    pass


@group.command("add", help=_("Create a group (/VO/GROUP); with WHO, put a member into it."))
@vo_argument
@click.argument("path", metavar="GROUP")
@click.argument("who", required=False)
def add_group(vo: str, path: str, who: str | None) -> None:
    if who is None:
        _run(lambda registry: registry.add_group(vo, path))
        say(_("Created the group {group}.").format(group=path))
        return
    _run(lambda registry: registry.join(vo, _who(who), path))
    say(_("{who} is now in {group}.").format(who=who, group=path))


@group.command("list", help=_("All groups."))
@vo_argument
@output_option
def list_groups(vo: str, output: str) -> None:
    emit_list([{"name": path} for path in _run(lambda registry: registry.groups(vo))], ("name",), output)


@group.command("remove", help=_("Remove a group and those below it; with WHO, take a member out of it."))
@vo_argument
@click.argument("path", metavar="GROUP")
@click.argument("who", required=False)
def remove_group(vo: str, path: str, who: str | None) -> None:
    if who is None:
        _run(lambda registry: registry.remove_group(vo, path))
        say(_("Removed the group {group}.").format(group=path))
        return
    _run(lambda registry: registry.leave(vo, _who(who), path))
    say(_("{who} is no longer in {group}.").format(who=who, group=path))


@vo_group.group(help=_("Roles of a VO's members (/VO/GROUP/Role=ROLE)."))
def role() -> None:
    pass


@role.command(help=_("Give a member a role in a group that the member is in."))
@vo_argument
@who_argument
@click.argument("role_name", metavar="ROLE")
@output_option
def grant(vo: str, who: str, role_name: str, output: str) -> None:
    _show(_run(lambda registry: registry.grant(vo, _who(who), _role(role_name))), output)


@role.command(help=_("Take a role away."))
@vo_argument
@who_argument
@click.argument("role_name", metavar="ROLE")
@output_option
def revoke(vo: str, who: str, role_name: str, output: str) -> None:
    _show(_run(lambda registry: registry.revoke(vo, _who(who), _role(role_name))), output)


@role.command("list", help=_("Who holds which role."))
@vo_argument
@output_option
def list_roles(vo: str, output: str) -> None:
    rows = [
        {"role": str(grant), "id": each.id, "name": each.name, "subject": each.credentials[0].subject.slash()}
        for each in _run(lambda registry: registry.members(vo))
        for grant in each.roles
    ]
    emit_list(sorted(rows, key=lambda row: str(row["role"])), ("role", "id", "name", "subject"), output)


def _credential(certificate: Path | None, subject: str | None, issuer: str | None) -> Credential:
    if certificate and not (subject or issuer):
        return credential_in(certificate.read_bytes())
    if subject and issuer and not certificate:
        return Credential(Name.parse(subject), Name.parse(issuer))
    raise BadRequest(_("Give a certificate file, or both --subject and --issuer."), field="certificate")


def _who(text: str) -> Who:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else Name.parse(text)


def _role(text: str) -> RoleGrant:
    fqan = Fqan.parse(text)
    if fqan.role is None:
        raise BadRequest(_("A role looks like /VO/GROUP/Role=ROLE."), field="role")
    return RoleGrant(fqan.group, fqan.role)


def _show(member: Member, output: str) -> None:
    emit_one(_row(member), output)


def _row(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "vo": member.vo,
        "name": member.name,
        "email": member.email,
        "state": member.state.value,
        "reason": member.reason,
        "since": member.since.isoformat(),
        "until": member.until and member.until.isoformat(),
        "subject": member.credentials[0].subject.slash() if member.credentials else None,
        "credentials": [{"subject": c.subject.slash(), "issuer": c.issuer.slash()} for c in member.credentials],
        "groups": list(member.groups),
        "roles": [str(grant) for grant in member.roles],
    }
