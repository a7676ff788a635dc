"""`hansa vo person …`: persons, their credentials and passwords. A person is named by their uid, or `me`."""

from pathlib import Path
from typing import Any

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.cli.vo.registry import registry
from hansa.client.registry import pages
from hansa.federation.membership.certificates import credential_in

uid_argument = click.argument("uid")
FIELDS = ("name", "given_name", "family_name", "email", "email_verified", "login", "robot", "locale", "sponsor")


@click.group(help=_("Persons, their credentials and passwords. UID is a person's uid, or “me”."))
def person() -> None:
    pass


@person.command(help=_("Register a person."))
@click.argument("name")
@click.option("--email", default="", help=_("Where to write to."))
@click.option("--login", help=_("Name for logging in with a password."))
@click.option("--sponsor", help=_("The uid of the human who answers for it: the person is a robot."))
@click.option("--certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=_("Its PEM file."))
@output_option
def create(
    name: str, email: str, login: str | None, sponsor: str | None, certificate: Path | None, output: str
) -> None:
    wanted: dict[str, Any] = {"name": name, "email": email, "login": login, "sponsor": sponsor}
    wanted |= {"robot": sponsor is not None, "credentials": [_certificate(certificate)] if certificate else []}
    with registry() as api:
        emit_one(api.ask("POST", "/persons", wanted), output)


@person.command("list", help=_("Persons; all of them, or those whom the words of SEARCH name."))
@click.argument("search", default="")
@output_option
def list_persons(search: str, output: str) -> None:
    with registry() as api:
        rows = list(pages(api, "/persons", search=search))
    emit_list(rows, ("uid", "name", "email", "login", "robot"), output)


@person.command(help=_("One person, with memberships and credentials."))
@uid_argument
@output_option
def show(uid: str, output: str) -> None:
    with registry() as api:
        found = api.ask("GET", f"/persons/{uid}")
        held = api.ask("GET", f"/persons/{uid}/memberships")["items"]
        credentials = api.ask("GET", f"/persons/{uid}/credentials")["items"]
    vos = {each["vo"]: each["state"] for each in held}
    emit_one({**found, "memberships": vos, "credentials": credentials}, output)


@person.command("set", help=_("Change what is known of a person. What is not given stays."))
@uid_argument
@click.option("--name", help=_("The whole name."))
@click.option("--given-name", help=_("The given name."))
@click.option("--family-name", help=_("The family name."))
@click.option("--email", help=_("Where to write to."))
@click.option("--email-verified", type=bool, help=_("Whether the address is proved to be theirs."))
@click.option("--login", help=_("Name for logging in with a password."))
@click.option("--locale", help=_("Language to write in, such as ko or en-GB."))
@output_option
def set_person(uid: str, output: str, **changes: object) -> None:
    given = {name: value for name, value in changes.items() if value is not None}
    with registry() as api:
        present = api.ask("GET", f"/persons/{uid}")
        emit_one(api.ask("PUT", f"/persons/{uid}", {**{name: present[name] for name in FIELDS}, **given}), output)


@person.command(help=_("Erase all that is known of somebody who is in no VO any more."))
@uid_argument
def erase(uid: str) -> None:
    with registry() as api:
        api.ask("DELETE", f"/persons/{uid}")
    say(_("Erased {uid}.").format(uid=uid))


@person.command(help=_("Set the password for logging in, or take it away."))
@uid_argument
@click.option("--remove", is_flag=True, help=_("Take it away."))
def password(uid: str, remove: bool) -> None:
    with registry() as api:
        if remove:
            api.ask("DELETE", f"/persons/{uid}/password")
            say(_("{uid} has no password any more.").format(uid=uid))
            return
        chosen = click.prompt(_("Password"), hide_input=True, confirmation_prompt=True, err=True)
        api.ask("PUT", f"/persons/{uid}/password", {"password": chosen})
    say(_("The password of {uid} is set.").format(uid=uid))


@person.group(help=_("What a person proves to be themselves with."))
def credential() -> None:
    pass


@credential.command("list", help=_("A person's credentials."))
@uid_argument
@output_option
def list_credentials(uid: str, output: str) -> None:
    with registry() as api:
        rows = api.ask("GET", f"/persons/{uid}/credentials")["items"]
    emit_list(rows, ("id", "kind", "dn", "subject", "issuer", "suspended"), output)


@credential.command(help=_("Register a certificate (PEM file), or an OIDC or SAML subject."))
@uid_argument
@click.argument("certificate", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--issuer", help=_("The identity provider, a URI."))
@click.option("--subject", help=_("Who the person is there."))
@output_option
def add(uid: str, certificate: Path | None, issuer: str | None, subject: str | None, output: str) -> None:
    if certificate and not (issuer or subject):
        wanted = _certificate(certificate)
    elif issuer and subject and not certificate:
        wanted = {"subject": {"issuer": issuer, "subject": subject}}
    else:
        raise BadRequest(_("Give a certificate file, or both --subject and --issuer."), field="certificate")
    with registry() as api:
        emit_one(api.ask("POST", f"/persons/{uid}/credentials", wanted), output)


@credential.command(help=_("Remove a credential (its number)."))
@uid_argument
@click.argument("number", type=int)
def remove(uid: str, number: int) -> None:
    with registry() as api:
        api.ask("DELETE", f"/persons/{uid}/credentials/{number}")
    say(_("Removed credential {number}.").format(number=number))


@credential.command(help=_("Suspend one credential; the others go on."))
@uid_argument
@click.argument("number", type=int)
@click.option("--reason", required=True, help=_("Why; the member reads it."))
@output_option
def suspend(uid: str, number: int, reason: str, output: str) -> None:
    with registry() as api:
        emit_one(api.ask("PUT", f"/persons/{uid}/credentials/{number}/suspension", {"reason": reason}), output)


@credential.command(help=_("End the suspension of a credential."))
@uid_argument
@click.argument("number", type=int)
@output_option
def restore(uid: str, number: int, output: str) -> None:
    with registry() as api:
        emit_one(api.ask("DELETE", f"/persons/{uid}/credentials/{number}/suspension"), output)


@credential.command(
    help=_("A one-time token: with another credential, “hansa vo person credential redeem” makes that yours.")
)
@output_option
def link(output: str) -> None:
    with registry() as api:
        emit_one(api.ask("POST", "/persons/me/link-token"), output)


@credential.command(help=_("Make the credential in use one more of the person who has that token."))
@click.option(
    "--token", prompt=True, hide_input=True, help=_("What “credential link” printed; asked for if not given.")
)
@output_option
def redeem(token: str, output: str) -> None:
    with registry() as api:
        emit_one(api.ask("POST", "/links", {"token": token}), output)


def _certificate(path: Path) -> dict[str, Any]:
    held = credential_in(path.read_bytes())
    return {"certificate": {"subject": held.subject.rfc4514(), "issuer": held.issuer.rfc4514()}}
