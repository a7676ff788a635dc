"""Trust files, policy, secret and the gate's own files, as the front's configuration names them."""

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from hansa.base.errors import ConfigurationError
from hansa.site.identity.policy import Policy, parse_policy
from hansa.site.openstack.wrapper.checks.model import Finding, ok, problem, skipped, warning
from hansa.site.openstack.wrapper.install import installed
from hansa.site.openstack.wrapper.server import watched_secrets
from hansa.site.openstack.wrapper.settings import WrapperConfig
from hansa.standards.voms import VomsDir
from hansa.standards.x509 import TrustStore

SOON = timedelta(hours=12)
"""A list that ends so soon should have a successor already."""
RENEW = timedelta(days=14)
REFRESH = "have fetch-crl run (systemctl enable --now fetch-crl.timer)"


def check_files(config: WrapperConfig, inside: Path, now: datetime) -> Iterator[Finding]:
    """`inside` is where `hansa keystone install` wrote the gate."""
    trust = yield from _trust(config, now)
    policy = yield from _policy(config)
    yield from _vomsdir(config, trust, policy)
    yield from _host_certificate(config, now)
    yield from _secret(config)
    yield from _inside(inside)


def _trust(config: WrapperConfig, now: datetime) -> Generator[Finding, None, TrustStore]:
    check, directory = "authorities", config.identity.trust_dir
    files = _contents(directory)
    store = TrustStore.from_files(files)
    if not store.authorities:
        yield problem(
            check, f"{directory} holds no authority", "install IGTF's authorities (Debian: igtf-policy-classic)"
        )
        return store
    yield ok(check, f"{len(store.authorities)} in {directory}")
    for each in store.problems:
        yield warning(check, f"{each.file} is not used: {each.error.reason}", "mend the file or remove it")
    yield from _crls(config, store, now)
    return store


def _crls(config: WrapperConfig, store: TrustStore, now: datetime) -> Iterator[Finding]:
    check = "revocation lists"
    if config.identity.crl != "required":
        yield warning(
            check, "identity.crl is optional: revoked users come in where a list is missing", "set it to required"
        )
    states: dict[str, list[str]] = {"missing": [], "stale": [], "ending": []}
    for name in store.authorities:
        ends = [crl.next_update for crl in store.crls.get(name, ()) if crl.next_update is not None]
        if not ends:
            states["missing"].append(name.slash())
        elif max(ends) <= now:
            states["stale"].append(name.slash())
        elif max(ends) <= now + SOON:
            states["ending"].append(name.slash())
    for state, names in states.items():
        if names:
            make = warning if state == "ending" else problem
            shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
            yield make(check, f"{len(names)} of {len(store.authorities)} {state}: {shown}", REFRESH)
    if not any(states.values()):
        yield ok(check, "current")


def _policy(config: WrapperConfig) -> Generator[Finding, None, Policy]:
    check, path = "policy", config.identity.policy
    try:
        policy = parse_policy(path.read_bytes())
    except OSError as error:
        yield problem(check, f"{path}: {error.strerror}", 'write it: {"VO": {"tenant": "PROJECT"}}')
        return Policy({})
    except ConfigurationError as error:
        yield problem(check, error.message, f"mend {path}")
        return Policy({})
    if policy.entries:
        yield ok(check, f"{len(policy.entries)} VOs and FQANs in {path}")
    else:
        yield problem(check, f"{path} lets nobody in", 'add {"VO": {"tenant": "PROJECT"}}')
    return policy


def _vomsdir(config: WrapperConfig, trust: TrustStore, policy: Policy) -> Iterator[Finding]:
    check, directory = "vomsdir", config.identity.vomsdir
    found = VomsDir.from_files(_contents(directory))
    for each in found.problems:
        path = Path(each.file)
        looks_right = path.suffix != ".lsc" and "." in path.name and path.parent.name
        then = (
            f"rename it to {path.name}.lsc" if looks_right else "write two lines: the server's subject, then its issuer"
        )
        yield problem(check, f"{each.file}: {each.error.reason}", then)
    for vo in sorted({key.split("/")[1] if key.startswith("/") else key for key in policy.entries}):
        if any(each == vo for each, _host in found.lsc) or found.certificates_for(vo):
            yield from _servers(vo, found, trust)
        else:
            yield problem(check, f"no server speaks for {vo}", f"put its .lsc file into {directory / vo}/")


def _servers(vo: str, found: VomsDir, trust: TrustStore) -> Iterator[Finding]:
    for (each, host), chains in found.lsc.items():
        if each != vo:
            continue
        known = any(issuer in trust.authorities for chain in chains for entry in chain for issuer in entry.issuers)
        if known:
            yield ok("vomsdir", f"{host} speaks for {vo}")
        else:
            detail = f"{vo}/{host}.lsc names an authority that is not trusted here"
            yield problem("vomsdir", detail, "compare its second line with the authorities; install the missing one")


def _host_certificate(config: WrapperConfig, now: datetime) -> Iterator[Finding]:
    check = "host certificate"
    paths = {each.tls.certificate for each in config.listeners if each.tls}
    if not paths:
        yield skipped(check, "no listener ends TLS itself")
    for path in sorted(paths):
        try:
            leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
        except (OSError, ValueError) as error:
            yield problem(check, f"{path}: {error}", "put the host's certificate there, leaf first")
            continue
        ends = leaf.not_valid_after_utc
        if ends <= now:
            yield problem(check, f"{path} expired on {ends:%Y-%m-%d}", "renew it")
        elif ends <= now + RENEW:
            yield warning(check, f"{path} expires on {ends:%Y-%m-%d}", "renew it")
        elif config.hostname not in _names(leaf):
            yield problem(check, f"{path} is not for {config.hostname}", "get one with the name of front.public_url")
        else:
            yield ok(check, f"for {config.hostname}, until {ends:%Y-%m-%d}")


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def _secret(config: WrapperConfig) -> Iterator[Finding]:
    try:
        watched_secrets(config.front.secret)
    except ConfigurationError as error:
        yield problem("secret", error.message, "hansa keystone install")
    else:
        yield ok("secret", str(config.front.secret))


def _inside(directory: Path) -> Iterator[Finding]:
    if not (directory / "hansa_keystone").is_dir():
        yield skipped("gate's files", f"not in {directory}", "name their directory with --inside, on Keystone's host")
    elif installed(directory):
        yield ok("gate's files", f"in {directory}, of this version")
    else:
        yield warning("gate's files", f"in {directory}, of another version", f"hansa keystone install {directory}")


def _contents(directory: Path) -> Mapping[str, bytes]:
    """By path relative to the directory; what cannot be read is not there."""
    found: dict[str, bytes] = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            try:
                found[str(path.relative_to(directory))] = path.read_bytes()
            except OSError:
                continue
    return found
