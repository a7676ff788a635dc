"""`hansa proxy`: log in to the grid, look at your proxy, log out."""

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_one, output_option, say
from hansa.cli.session import profile_of
from hansa.client.errors import NoCredential
from hansa.client.files import remove_private
from hansa.client.login import Step, Wish, load_proxy, load_user, make_proxy, memberships, owner
from hansa.client.profile import Paths
from hansa.client.proxy import ProxySummary, summarize
from hansa.client.trust import load_trust, load_vomsdir
from hansa.standards.errors import StandardError
from hansa.standards.voms import VomsServer, verify_acs
from hansa.standards.x509 import validate_chain


@click.group(help=_("Your proxy: how you log in to the grid."))
def proxy() -> None:
    pass


@proxy.command(help=_("Make a proxy from your certificate, with the attributes of your VO."))
@click.option(
    "--voms", "vos", multiple=True, help=_("A VO, or vo:/vo/group/Role=role; default: the profile's VO. Repeatable.")
)
@click.option("--no-voms", is_flag=True, help=_("A plain proxy, even if the profile names a VO."))
@click.option(
    "--valid", "--hours", "valid", default="12:00", show_default=True, metavar="H[:M]", help=_("How long it lasts.")
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=_("Where to write it; default: $X509_USER_PROXY or /tmp/x509up_u<uid>."),
)
@click.option("--cert", type=click.Path(path_type=Path), help=_("Your certificate."))
@click.option("--key", type=click.Path(path_type=Path), help=_("Its private key."))
@click.option("--noregen", is_flag=True, help=_("Make it from the present proxy instead of your certificate."))
@click.option("--limited", is_flag=True, help=_("A limited proxy: it cannot start machines."))
@click.option(
    "--rfc", is_flag=True, expose_value=False, help=_("RFC 3820, as always; taken for the sake of old scripts.")
)
@click.option("--order", multiple=True, help=_("Groups and roles to come first. Repeatable."))
@click.option("--target", "targets", multiple=True, help=_("A host the attributes are for. Repeatable."))
@click.option(
    "--bits", type=click.Choice(["2048", "3072", "4096"]), default="2048", show_default=True, help=_("Size of the key.")
)
@click.option("--no-verify", is_flag=True, help=_("Do not check the result as a site would."))
@click.pass_context
def init(
    ctx: click.Context,
    vos: tuple[str, ...],
    no_voms: bool,
    valid: str,
    out: Path | None,
    cert: Path | None,
    key: Path | None,
    noregen: bool,
    limited: bool,
    order: tuple[str, ...],
    targets: tuple[str, ...],
    bits: str,
    no_verify: bool,
) -> None:
    profile = profile_of(ctx)
    paths = profile.paths
    chosen = vos or ((profile.vo,) if profile.vo else ())
    wish = Wish(
        memberships=() if no_voms else memberships(chosen),
        lifetime=_lifetime(valid),
        bits=int(bits),
        limited=limited,
        order=order,
        targets=targets,
        verify=not no_verify,
    )
    source = (cert or paths.user_cert, key or paths.user_key)
    issuer = load_proxy(paths.proxy) if noregen else load_user(*source, _ask)
    say(_("You are {name}.").format(name=owner(issuer).slash()))
    target = out or paths.proxy
    made = make_proxy(wish, issuer, paths, target, _observe)
    end = min(certificate.not_valid_after_utc for certificate in made.chain).astimezone()
    say(_("Your proxy {path} is valid until {end:%Y-%m-%d %H:%M:%S %Z}.").format(path=target, end=end))


def _ask() -> str:
    return getpass.getpass(_("Passphrase of your key: "))


def _lifetime(text: str) -> timedelta:
    hours, _colon, minutes = text.partition(":")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in (hours, minutes or "0")):
        raise click.BadParameter(_("“{text}” is not hours, or hours:minutes.").format(text=text), param_hint="--valid")
    return timedelta(hours=int(hours), minutes=int(minutes or "0"))


def _observe(step: Step, text: str, server: VomsServer | None) -> None:
    match step:
        case Step.CONTACTING if server:
            say(_("Asking {host}:{port} for {vo} …").format(host=server.host, port=server.port, vo=server.vo))
        case Step.REFUSED | Step.WARNING:
            say(text)


@proxy.command(help=_("Show your proxy, and whether a site would accept it."))
@click.option("--file", type=click.Path(path_type=Path), help=_("Another proxy than yours."))
@output_option
@click.pass_context
def info(ctx: click.Context, file: Path | None, output: str) -> None:
    paths = profile_of(ctx).paths
    path = file or paths.proxy
    try:
        summary = summarize(path.read_bytes())
    except FileNotFoundError:
        raise NoCredential(_("You have no proxy at {path}.").format(path=path), next="hansa proxy init") from None
    now = datetime.now(UTC)
    verdict = _verdict(summary, paths, now)
    left = max(timedelta(0), summary.not_after - now)
    shown: dict[str, object] = {
        "path": str(path),
        "identity": summary.identity.slash(),
        "issuer": summary.chain[-1].issuer.slash(),
        "type": summary.type,
        "strength": summary.leaf.bits,
        "not_after": summary.not_after.isoformat(),
        "timeleft": str(timedelta(seconds=int(left.total_seconds()))),
    }
    for ac in summary.acs:
        shown |= {f"{ac.vo}": " ".join(str(fqan) for fqan in ac.fqans), f"{ac.vo} not_after": ac.not_after.isoformat()}
    emit_one(shown | {"verdict": verdict or "ok"}, output)
    if verdict:
        say(_("A site would refuse it: {reason}").format(reason=verdict))


def _verdict(summary: ProxySummary, paths: Paths, now: datetime) -> str | None:
    """Why a site with our trust files would refuse the proxy; None if it would not."""
    trust = load_trust(paths.certificates)
    targets = [host for ac in summary.acs for host in ac.targets or ()]
    try:
        identity = validate_chain(summary.certificates, trust, now=now)
        verify_acs(identity, trust, load_vomsdir(paths.vomsdir), now=now, hostnames=targets)
    except StandardError as error:
        return f"{error.code}: {error}"
    return None


@proxy.command(help=_("Overwrite and remove your proxy."))
@click.option("--file", type=click.Path(path_type=Path), help=_("Another proxy than yours."))
@click.pass_context
def destroy(ctx: click.Context, file: Path | None) -> None:
    path = file or profile_of(ctx).paths.proxy
    try:
        remove_private(path)
    except FileNotFoundError:
        raise NoCredential(_("There is no proxy at {path}.").format(path=path), next="hansa proxy init") from None
    say(_("Removed {path}.").format(path=path))
