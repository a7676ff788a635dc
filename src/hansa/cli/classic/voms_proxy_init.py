"""`voms-proxy-init`: a proxy with VOMS attributes, with the options and the words of the client everybody knows."""

import argparse
import getpass
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hansa.base.errors import HansaError
from hansa.cli.classic.voms_options import Usage, VomsParser, hours_minutes
from hansa.cli.output import printable_lines
from hansa.client.errors import VomsRefused
from hansa.client.login import Step, Wish, load_proxy, load_user, make_proxy, memberships, owner
from hansa.client.profile import Paths, load_profile
from hansa.standards.errors import StandardError
from hansa.standards.voms import VomsServer

_DOTS = " ....."
_HALF_DAY = 12 * 3600


def main(arguments: Sequence[str]) -> int:
    """Run `voms-proxy-init ARGUMENTS`; 0 or 1, as the original."""
    try:
        given = _parser().read(arguments)
    except Usage as leave:
        (sys.stderr if leave.code else sys.stdout).write(leave.text)
        return leave.code
    warnings = "fail" if given.failonwarn else "hide" if given.ignorewarn else "show"
    screen = _Screen(quiet=given.quiet, warnings=warnings)
    try:
        _run(given, screen)
    except (HansaError, StandardError, OSError) as error:
        screen.fail(error)
        if given.debug:
            raise
        return 1
    return 0


def _parser() -> VomsParser:
    parser = VomsParser("voms-proxy-init")
    parser.option(
        "voms", "Specify VOMS server and, after a colon, group or role", "<vo[:name]>", action="append", default=[]
    )
    parser.option(
        "valid", "Proxy and AC are valid for h hours and m minutes (defaults to 12:00)", "<h:m>", type=hours_minutes
    )
    parser.option("hours", "Proxy is valid for H hours (default:12)", "<H>", type=int)
    parser.option("vomslife", "Try to get an AC valid for h hours and m minutes", "<h:m>", type=hours_minutes)
    parser.option("cert", "Non-standard location of user certificate", "<certfile>", type=Path)
    parser.option("key", "Non-standard location of user key", "<keyfile>", type=Path)
    parser.option("certdir", "Non-standard location of trusted cert dir", "<certdir>", type=Path)
    parser.option("vomsdir", "Non-standard location of trusted VOMS servers", "<vomsdir>", type=Path)
    parser.option("vomses userconf confile", "Non-standard location of VOMS server addresses", "<file>", type=Path)
    parser.option("out", "Non-standard location of new proxy cert", "<proxyfile>", type=Path)
    parser.option("order", "Specify ordering of attributes", "<group[:role]>", action="append", default=[])
    parser.option("target", "Targets the AC against a specific hostname", "<hostname>", action="append", default=[])
    parser.option("bits b", "Number of bits in key {1024|2048|3072|4096}", "<num-bits>", type=_bits, default=2048)
    parser.option("path-length", "Allow at most l proxies below this one", "<l>", type=int)
    parser.option("timeout", "Timeout for server connections, in seconds", "<num>", type=int, default=30)
    parser.option("limited", "Creates a limited proxy")
    parser.option("rfc r", "Creates an RFC 3820 compliant proxy (always)")
    parser.option(
        "proxyver", "Version of proxy certificate: 4 (RFC 3820) is the one there is", "<4>", type=int, choices=[4]
    )
    parser.option("noregen n", "Use existing proxy certificate to connect to server and sign the new proxy")
    parser.option("dont-verify-ac", "Skips AC verification")
    parser.option("verify", "Verifies certificate to make proxy for")
    parser.option("pwstdin", "Allows passphrase from stdin")
    parser.option("ignorewarn", "Ignore warnings")
    parser.option("failonwarn f", "Treat warnings as errors")
    parser.option("debug", "Enables extra debug output")
    parser.option("quiet q", "Quiet mode, minimal output")
    return parser


def _bits(text: str) -> int:
    if text not in {"1024", "2048", "3072", "4096"}:
        raise argparse.ArgumentTypeError("key length must be one of 1024, 2048, 3072, 4096")
    return int(text)


class _Screen:
    """The original's running commentary."""

    def __init__(self, *, quiet: bool, warnings: str) -> None:
        self.quiet = quiet
        self.warnings = warnings

    def write(self, text: str) -> None:
        if not self.quiet:
            sys.stdout.write(printable_lines(text))
            sys.stdout.flush()

    def observe(self, step: Step, text: str, server: VomsServer | None) -> None:
        match step:
            case Step.TEMPORARY:
                self.write(f"Creating temporary proxy{_DOTS} Done\n")
            case Step.CONTACTING if server:
                name = server.name.slash()
                self.write(f'Contacting {server.host}:{server.port} [{name}] "{server.vo}"')
            case Step.CONTACTED:
                self.write(" Done\n")
            case Step.REFUSED:
                self.write(" Failed\n")
                sys.stderr.write(printable_lines(f"\nError: {text}\n\n"))
            case Step.WARNING:
                if self.warnings == "fail":
                    raise VomsRefused(text)
                if self.warnings == "show":
                    self.write(f"\nWarning: {text}\n\n")
            case Step.CREATING:
                self.write(f"Creating proxy{_DOTS}")

    def fail(self, error: Exception) -> None:
        text = error.message if isinstance(error, HansaError) else str(error)
        if isinstance(error, VomsRefused) and error.details.get("servers"):
            vo = error.details["vo"]
            text = f"None of the contacted servers for {vo} were capable\nof returning a valid AC for the user."
        sys.stderr.write(printable_lines(f"\n{text}\n\n"))


def _run(given: Namespace, screen: _Screen) -> None:
    profile = load_profile()
    paths = _paths(given, profile.paths)
    lifetime = given.valid if given.valid is not None else _HALF_DAY
    wish = Wish(
        memberships=memberships(given.voms),
        lifetime=timedelta(seconds=given.hours * 3600 if given.hours is not None else lifetime),
        ac_lifetime=timedelta(seconds=given.vomslife if given.vomslife is not None else lifetime),
        bits=given.bits,
        limited=given.limited,
        path_length=given.path_length,
        order=tuple(given.order),
        targets=tuple(given.target),
        verify=not given.dont_verify_ac,
        timeout=given.timeout,
    )
    issuer = (
        load_proxy(paths.proxy) if given.noregen else load_user(paths.user_cert, paths.user_key, _passphrase(given))
    )
    screen.write(f"Your identity: {owner(issuer).slash()}\n")
    made = make_proxy(wish, issuer, paths, given.out or paths.proxy, screen.observe)
    screen.write(" Done\n\n")
    end = min(certificate.not_valid_after_utc for certificate in made.chain).astimezone()
    screen.write(f"Your proxy is valid until {end:%a %b} {end.day:2} {end:%H:%M:%S %Y}\n")


def _paths(given: Namespace, paths: Paths) -> Paths:
    key = given.key or (given.cert if given.cert and _holds_key(given.cert) else None)
    return replace(
        paths,
        certificates=given.certdir or paths.certificates,
        vomsdir=given.vomsdir or paths.vomsdir,
        vomses=(given.vomses,) if given.vomses else paths.vomses,
        user_cert=given.cert or paths.user_cert,
        user_key=key or paths.user_key,
    )


def _holds_key(path: Path) -> bool:
    return path.is_file() and b"PRIVATE KEY-----" in path.read_bytes()


def _passphrase(given: Namespace) -> Callable[[], str]:
    if given.pwstdin:
        return lambda: sys.stdin.readline().rstrip("\r\n")
    return lambda: getpass.getpass("Enter GRID pass phrase:")
