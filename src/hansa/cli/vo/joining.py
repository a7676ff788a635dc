"""`hansa vo apply`, `renew`, `applications`: joining a VO, and deciding who joins, over HTTPS with your certificate or login."""

import contextlib
import getpass
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _, language
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.cli.session import deadline, profile_of
from hansa.client.credentials import federation_of
from hansa.client.enrolment import Document, EnrolmentClient
from hansa.client.errors import NoCredential
from hansa.client.files import read_private
from hansa.client.http import tls_context
from hansa.client.logins import Logins
from hansa.client.oauth import OAuth
from hansa.client.profile import Federation, Profile
from hansa.client.proxy import summarize
from hansa.standards.errors import StandardError

F = TypeVar("F", bound=Callable[..., Any])
COLUMNS = ("id", "state", "kind", "name", "email", "applicant", "submitted")
FIELDS = ("given_name", "surname", "email", "motivation", "login", "password")
vo_argument = click.argument("vo")
number_argument = click.argument("number", type=click.IntRange(1))


def certificate_options(command: F) -> F:
    """Which certificate speaks for the user, if not the profile's."""
    cert = click.option("--cert", type=click.Path(path_type=Path), help=_("Your certificate, PEM; else the profile's."))
    key = click.option("--key", type=click.Path(path_type=Path), help=_("Its key; else the profile's."))
    return cert(key(command))


@click.command(help=_("Apply for membership of a VO, or with --group for a group of it. Asks what it needs to know."))
@vo_argument
@click.option("--group", default="", help=_("A group to join (/VO/GROUP), for members."))
@click.option(
    "--json", "source", type=click.File("r"), help=_("The filled-in form as JSON, - for standard input; asks nothing.")
)
@certificate_options
@output_option
@click.pass_context
def apply(
    ctx: click.Context, vo: str, group: str, source: Any, cert: Path | None, key: Path | None, output: str
) -> None:
    with _client(profile_of(ctx), cert, key) as client:
        _apply(client, vo, {"group": group} if group else {}, source, output)


@click.command(help=_("Renew your membership of a VO before it ends."))
@vo_argument
@click.option(
    "--json", "source", type=click.File("r"), help=_("The filled-in form as JSON, - for standard input; asks nothing.")
)
@certificate_options
@output_option
@click.pass_context
def renew(ctx: click.Context, vo: str, source: Any, cert: Path | None, key: Path | None, output: str) -> None:
    with _client(profile_of(ctx), cert, key) as client:
        _apply(client, vo, {"renewal": True}, source, output)


@click.group(help=_("Applications: yours, and those of a VO that you decide on."))
@certificate_options
@click.pass_context
def applications(ctx: click.Context, cert: Path | None, key: Path | None) -> None:
    ctx.meta["certificate"] = (cert, key)


@contextlib.contextmanager
def _deciding(ctx: click.Context) -> Iterator[EnrolmentClient]:
    with _client(profile_of(ctx), *ctx.meta["certificate"]) as client:
        yield client


@applications.command(
    "list", help=_("Your applications; with VO those that wait there for you to decide, newest first.")
)
@click.argument("vo", required=False)
@click.option("--state", default="", help=_("Only those in this state; all: in any. Default: those that wait."))
@click.option("--search", default="", help=_("Only those with these words in name, address, login or subject."))
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help=_("How many."))
@output_option
@click.pass_context
def list_applications(ctx: click.Context, vo: str | None, state: str, search: str, limit: int, output: str) -> None:
    with _deciding(ctx) as client:
        wanted = {"all": "", "": "mail_verified"}.get(state, state)
        found = client.listed(vo, state=wanted, search=search, limit=limit) if vo else client.mine()
    emit_list([_row(each) for each in found], COLUMNS, output)


@applications.command(help=_("One application."))
@number_argument
@output_option
@click.pass_context
def show(ctx: click.Context, number: int, output: str) -> None:
    with _deciding(ctx) as client:
        _show(client.show(number), output)


@applications.command(help=_("Let the applicant in."))
@number_argument
@output_option
@click.pass_context
def approve(ctx: click.Context, number: int, output: str) -> None:
    with _deciding(ctx) as client:
        _show(client.approve(number), output)


@applications.command(help=_("Turn the applicant away."))
@number_argument
@click.option("--reason", required=True, help=_("Why; the applicant reads it."))
@output_option
@click.pass_context
def reject(ctx: click.Context, number: int, reason: str, output: str) -> None:
    with _deciding(ctx) as client:
        _show(client.reject(number, reason), output)


@applications.command(help=_("Take your application back."))
@number_argument
@output_option
@click.pass_context
def withdraw(ctx: click.Context, number: int, output: str) -> None:
    with _deciding(ctx) as client:
        _show(client.withdraw(number), output)


@applications.command(
    help=_("Have the link that confirms your address sent again, to another address if you give one.")
)
@number_argument
@click.argument("email", required=False)
@output_option
@click.pass_context
def mail(ctx: click.Context, number: int, email: str | None, output: str) -> None:
    with _deciding(ctx) as client:
        _show(client.mail(number, email), output)


@applications.command(help=_("It is you: make that application's certificate one more of yours."))
@number_argument
@output_option
@click.pass_context
def link(ctx: click.Context, number: int, output: str) -> None:
    with _deciding(ctx) as client:
        _show(client.link(number), output)


@applications.command(help=_("A VO's rules for applications; with FILE (JSON), set them."))
@vo_argument
@click.argument("file", required=False, type=click.File("r"))
@click.pass_context
def rules(ctx: click.Context, vo: str, file: Any) -> None:
    with _deciding(ctx) as client:
        found = client.set_rules(vo, _document(file)) if file else client.rules(vo)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


def _apply(client: EnrolmentClient, vo: str, what: Mapping[str, Any], source: Any, output: str) -> None:
    made = client.apply(vo, {**_document(source), **what}) if source else _asked(client, vo, what)
    for sentence in made.get("warnings", {}).values():
        say(sentence)
    _show(made, output)
    for message in made.get("messages", ()):
        say(message)


def _document(source: Any) -> dict[str, Any]:
    try:
        document = json.load(source)
    except (ValueError, RecursionError) as error:
        raise BadRequest(_("This is not JSON: {error}.").format(error=error), field="json") from error
    if not isinstance(document, dict):
        raise BadRequest(_("The form is a JSON object."), field="json")
    return document


def _asked(client: EnrolmentClient, vo: str, what: Mapping[str, Any]) -> Document:
    """Ask for every field; what the federation finds wrong is asked for again."""
    form = client.form(vo, group=what.get("group", ""), renewal=what.get("renewal", False))
    if not sys.stdin.isatty():
        raise BadRequest(_("There is nobody to ask; give the form with --json."), field="json")
    _introduce(form)
    filled: dict[str, Any] = {**what, "locale": language(), "answers": {}}
    for name in _fields(form):
        filled[name] = _ask_field(name, form["known"].get(name, ""))
    for question in form["questions"]:
        filled["answers"][question["key"]] = _ask_question(question)
    if form.get("aup"):
        filled["aup"] = _ask_policy(form["aup"])
    while wrong := _wrong(client, vo, filled):
        for name, sentence in wrong.items():
            say(f"{name}: {sentence}")
            if name in FIELDS:
                filled[name] = _ask_field(name, "")
            elif question := next((each for each in form["questions"] if each["key"] == name), None):
                filled["answers"][name] = _ask_question(question)
            else:
                raise BadRequest(f"{name}: {sentence}", field=name)
    return client.apply(vo, filled)


def _wrong(client: EnrolmentClient, vo: str, filled: Document) -> Mapping[str, str]:
    try:
        client.apply(vo, {**filled, "dry_run": True})
    except BadRequest as error:
        fields = error.details.get("fields")
        if not isinstance(fields, dict):
            raise
        return fields
    return {}


def _introduce(form: Document) -> None:
    if form["applicant"]:
        say(_("You apply as {name}.").format(name=form["applicant"]["subject"]))
    if form["information"]:
        say(_("For more information see {address}").format(address=form["information"]))


def _fields(form: Document) -> list[str]:
    names = ["given_name", "surname", "email", "motivation"]
    return [*names, "login", "password"] if form["asks_login"] else names


def _ask_field(name: str, known: str) -> str:
    labels = {
        "given_name": _("Given name"),
        "surname": _("Surname"),
        "email": _("E-mail"),
        "motivation": _("Why do you want to join?"),
        "login": _("Login (a small letter, then small letters, digits and _; at most 8 recommended)"),
        "password": _("Password (at least 8 characters, one a number or special character; empty for none)"),
    }
    if name == "password":
        return _ask_password(labels[name])
    answer: str = click.prompt(labels[name], default=known or ("" if name == "motivation" else None), err=True)
    return answer


def _ask_password(label: str) -> str:
    while True:
        password = getpass.getpass(f"{label}: ")
        if not password or password == getpass.getpass(_("Repeat the password: ")):
            return password
        say(_("The two do not match."))


def _ask_question(question: Document) -> str:
    kind = question["kind"]
    if kind == "yes":
        return "yes" if click.confirm(question["label"], err=True) else "no"
    choices = click.Choice(question["choices"]) if kind == "choice" else None
    default = None if question["required"] else ""
    return str(click.prompt(question["label"], default=default, type=choices, show_default=False, err=True))


def _ask_policy(policy: Document) -> str:
    say(_("Acceptable use policy, version {version}:").format(version=policy["version"]))
    say(policy["text"] or policy["url"])
    if not click.confirm(_("Do you accept it?"), err=True):
        raise BadRequest(_("Without that you cannot join."), field="aup")
    return str(policy["version"])


@contextlib.contextmanager
def _client(profile: Profile, cert: Path | None, key: Path | None) -> Iterator[EnrolmentClient]:
    """Known by the certificate named, the proxy, the profile's certificate (an applicant has no proxy yet), or a login."""
    url: str | None = click.get_current_context().meta.get("url")
    federation = Federation(url, url) if url else federation_of(profile)
    certificates = profile.paths.certificates if federation.trust == "grid" else None
    now, bearer = datetime.now(UTC), None
    if shown := _certificate(profile, cert, key, now):
        read_private(shown[1])  # refuses one that others may read
        tls = tls_context(certificates=certificates, proxy=shown[0], key=shown[1], password=_passphrase)
    else:
        tls = tls_context(certificates=certificates)
        oauth = OAuth(federation.issuer, federation.client, tls=tls)
        bearer = Logins(profile.paths.state).fresh(federation.issuer, lambda held: oauth.refresh(held, now), now).access
    client = EnrolmentClient(federation.url, tls=tls, bearer=bearer, language=language(), timeout=deadline())
    try:
        yield client
    finally:
        client.close()


def _certificate(profile: Profile, cert: Path | None, key: Path | None, now: datetime) -> tuple[Path, Path] | None:
    """Files of a certificate and its key."""
    paths = profile.paths
    if cert:
        return cert, key or cert
    if paths.proxy.exists():
        with contextlib.suppress(StandardError, NoCredential):
            if summarize(read_private(paths.proxy)).not_after > now:
                return paths.proxy, paths.proxy
    return (paths.user_cert, key or paths.user_key) if paths.user_cert.exists() else None


def _passphrase() -> str:
    return getpass.getpass(_("Passphrase of your key: "))


def _row(found: Document) -> dict[str, Any]:
    applicant = found["applicant"]["subject"]
    return {**found, "name": f"{found['given_name']} {found['surname']}", "applicant": applicant}


def _show(found: Document, output: str) -> None:
    shown = {name: value for name, value in found.items() if name not in {"messages", "warnings"} or output != "table"}
    emit_one(shown, output)
