"""`voms-proxy-info`: what a proxy says, in the layout that scripts cut apart."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from hansa.cli.classic.voms_options import Usage, VomsParser, hours_minutes
from hansa.cli.output import printable
from hansa.client.profile import Profile, load_profile
from hansa.client.proxy import Link, ProxySummary, summarize
from hansa.client.trust import load_trust, load_vomsdir
from hansa.standards.errors import StandardError
from hansa.standards.voms import AttributeCertificate, verify_acs
from hansa.standards.x509 import validate_chain

_NOT_FOUND = "\nCouldn't find a valid proxy.\n\n"


def main(arguments: Sequence[str]) -> int:
    """Run `voms-proxy-info ARGUMENTS`; 0 or 1, as the original."""
    try:
        given = _parser().read(arguments)
    except Usage as leave:
        (sys.stderr if leave.code else sys.stdout).write(leave.text)
        return leave.code
    profile = load_profile()
    path = Path(given.file) if given.file else profile.paths.proxy
    try:
        summary = summarize(path.read_bytes())
    except (OSError, StandardError) as error:
        sys.stderr.write(_NOT_FOUND if not given.debug else f"{_NOT_FOUND}{error}\n")
        return 1
    now = datetime.now(UTC)
    if given.exists:
        return 0 if _is_valid(summary, given, now) else 1
    if given.acexists is not None:
        return 0 if any(ac.vo == given.acexists for ac in summary.acs) else 1
    lines, complete = _lines(summary, given, path, now)
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
    if given.all and summary.acs and not given.dont_verify_ac:
        _warn_unless_verified(summary, profile, now)
    return 0 if complete else 1


def _parser() -> VomsParser:
    parser = VomsParser("voms-proxy-info")
    parser.option("file", "Non-standard location of proxy", "<proxyfile>")
    parser.option("all", "All proxy options in a human readable format")
    parser.option("chain", "Prints information about the whole proxy chain (CA excluded)")
    parser.option("subject", "Distinguished name (DN) of proxy subject")
    parser.option("issuer", "DN of proxy issuer (certificate signer)")
    parser.option("identity", "DN of the identity represented by the proxy")
    parser.option("type", "Type of proxy (full or limited)")
    parser.option("strength", "Key size (in bits)")
    parser.option("path p", "Pathname of proxy file")
    parser.option("timeleft", "Time (in seconds) until proxy expires")
    parser.option("keyusage k", "Content of the KeyUsage extension")
    parser.option("vo", "VO name")
    parser.option("fqan", "Attributes in FQAN format")
    parser.option("acsubject", "DN of AC subject")
    parser.option("acissuer", "DN of AC issuer (certificate signer)")
    parser.option("actimeleft", "Time (in seconds) until AC expires")
    parser.option("serial", "AC serial number")
    parser.option("uri", "Server URI")
    parser.option("exists e", "Returns 0 if valid proxy exists, 1 otherwise")
    parser.option("acexists", "Returns 0 if an AC of that VO exists, 1 otherwise", "<voname>")
    parser.option("valid", "[option to -exists] time requirement for proxy to be valid", "<h:m>", type=hours_minutes)
    parser.option("hours", "[option to -exists] time requirement, in hours (deprecated)", "<H>", type=int, default=0)
    parser.option(
        "bits b", "[option to -exists] strength requirement for proxy to be valid", "<B>", type=int, default=0
    )
    parser.option("dont-verify-ac", "Skips AC verification")
    parser.option("debug", "Displays debugging output")
    return parser


def _is_valid(summary: ProxySummary, given: Namespace, now: datetime) -> bool:
    wanted = given.valid if given.valid is not None else given.hours * 3600
    left = (summary.not_after - now).total_seconds()
    return left > 0 and left >= wanted and summary.leaf.bits >= given.bits


def _lines(summary: ProxySummary, given: Namespace, path: Path, now: datetime) -> tuple[list[str], bool]:
    """What to print, and whether everything asked for was there."""
    chosen = _chosen(summary, given, path, now)
    if chosen is not None:
        return [line for lines in chosen for line in lines], all(chosen)
    lines = list(_chain_lines(summary, now)) if given.chain else []
    lines += _proxy_lines(summary, path, now)
    if given.all or given.keyusage:
        lines.append(f"key usage : {', '.join(summary.key_usage)}")
    if given.all:
        lines += [line for ac in summary.acs for line in _ac_lines(ac, now)]
    return lines, True


def _chosen(summary: ProxySummary, given: Namespace, path: Path, now: datetime) -> list[list[str]] | None:
    """The bare values of the fields asked for by name, in the original's order; None if a whole description is wanted."""
    if given.all or given.chain:
        return None
    acs = summary.acs
    fields: tuple[tuple[str, Callable[[], list[str]]], ...] = (
        ("subject", lambda: [summary.leaf.subject.slash()]),
        ("issuer", lambda: [summary.leaf.issuer.slash()]),
        ("identity", lambda: [summary.identity.slash()]),
        ("type", lambda: [summary.type]),
        ("strength", lambda: [str(summary.leaf.bits)]),
        ("path", lambda: [str(path)]),
        ("timeleft", lambda: [str(_seconds(summary.not_after, now))]),
        ("vo", lambda: [ac.vo for ac in acs]),
        ("acsubject", lambda: [ac.holder.slash() for ac in acs]),
        ("acissuer", lambda: [ac.issuer.slash() for ac in acs]),
        ("fqan", lambda: [fqan.long for ac in acs for fqan in ac.fqans]),
        ("actimeleft", lambda: [str(_seconds(ac.not_after, now)) for ac in acs]),
        ("serial", lambda: [f"{ac.serial:X}" for ac in acs]),
        ("uri", lambda: [f"{ac.host}:{ac.port}" for ac in acs]),
    )
    asked = [value() for name, value in fields if getattr(given, name)]
    return asked or None


def _chain_lines(summary: ProxySummary, now: datetime) -> Iterator[str]:
    yield "=== Proxy Chain Information ==="
    for link in reversed(summary.chain[1:]):
        yield from _link_lines(link)
        yield f"strength  : {link.bits} bits"
        yield f"timeleft  : {_clock(link.not_after, now)}"
        yield ""
    yield "=== Proxy Information ==="


def _link_lines(link: Link) -> Iterator[str]:
    yield f"subject   : {link.subject.slash()}"
    yield f"issuer    : {link.issuer.slash()}"


def _proxy_lines(summary: ProxySummary, path: Path, now: datetime) -> Iterator[str]:
    yield from _link_lines(summary.leaf)
    yield f"identity  : {summary.identity.slash()}"
    yield f"type      : {summary.type}"
    yield f"strength  : {summary.leaf.bits} bits"
    yield f"path      : {path}"
    yield f"timeleft  : {_clock(summary.not_after, now)}"


def _ac_lines(ac: AttributeCertificate, now: datetime) -> Iterator[str]:
    yield f"=== VO {ac.vo} extension information ==="
    yield f"VO        : {ac.vo}"
    yield f"subject   : {ac.holder.slash()}"
    yield f"issuer    : {ac.issuer.slash()}"
    for fqan in ac.fqans:
        yield f"attribute : {fqan.long}"
    for attribute in ac.attributes:
        yield f"attribute : {attribute.name} = {attribute.value} ({attribute.qualifier})"
    yield f"timeleft  : {_clock(ac.not_after, now)}"
    yield f"uri       : {ac.host}:{ac.port}"


def _seconds(end: datetime, now: datetime) -> int:
    return max(0, int((end - now).total_seconds()))


def _clock(end: datetime, now: datetime) -> str:
    minutes, seconds = divmod(_seconds(end, now), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _warn_unless_verified(summary: ProxySummary, profile: Profile, now: datetime) -> None:
    try:
        trust = load_trust(profile.paths.certificates)
        targets = [host for ac in summary.acs for host in ac.targets or ()]
        identity = validate_chain(summary.certificates, trust, now=now)
        verify_acs(identity, trust, load_vomsdir(profile.paths.vomsdir), now=now, hostnames=targets)
    except StandardError as error:
        sys.stderr.write(f"\nWARNING: Unable to verify signature! {error}\n")
