"""What a case is, and the ways to make certificates that differ from good ones in a single point."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID, ObjectIdentifier
from tests.support.pki import NOW, Extensions, Grid, forge, rsa_key

from hansa.standards.x509 import (
    AuthorityPolicy,
    ChainPolicy,
    Credential,
    Name,
    TrustPolicy,
    X509Code,
    issue,
)
from hansa.standards.x509.proxy import PROXY_KEY_USAGE
from hansa.standards.x509.proxyinfo import PROXY_CERT_INFO

INHERIT_ALL = bytes.fromhex("300c300a06082b06010505071501")
CRITICAL_UNKNOWN = (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), True)


@dataclass(frozen=True)
class Attempt:
    """What a peer presents, and what the site has."""

    chain: Sequence[x509.Certificate]
    files: dict[str, bytes]
    trust_policy: TrustPolicy = field(default_factory=TrustPolicy)
    policy: ChainPolicy = field(default_factory=ChainPolicy)
    now: datetime = NOW


@dataclass(frozen=True)
class Case:
    name: str
    refused: X509Code | None
    build: Callable[[Grid], Attempt]


CASES: list[Case] = []

Build = Callable[[Grid], Attempt]
BuildChain = Callable[[Grid], Sequence[x509.Certificate]]


def attempt(refused: X509Code | None = None) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES.append(Case(build.__name__, refused, build))
        return build

    return register


def chain(refused: X509Code | None = None) -> Callable[[BuildChain], BuildChain]:
    """For cases where the site is the ordinary one."""

    def register(build: BuildChain) -> BuildChain:
        # The chain first: the site's files must know what it did to the grid, such as revoking.
        def whole(grid: Grid) -> Attempt:
            certificates = build(grid)
            return Attempt(certificates, grid.trust_files())

        CASES.append(Case(build.__name__, refused, whole))
        return build

    return register


def eec(grid: Grid, **changes: object) -> Credential:
    """A user's certificate with one thing changed: arguments of `forge`."""
    good = grid.user().leaf
    key = rsa_key("user Alice Example")
    arguments: dict[str, object] = {
        "subject": good.subject,
        "issuer": good.issuer,
        "public_key": key.public_key(),
        "signed_by": grid.authority.key,
        "not_after": NOW + timedelta(days=365),
        "extensions": EEC_EXTENSIONS,
    }
    return Credential((forge(**(arguments | changes)),), key)  # type: ignore[arg-type]  # a table of keyword arguments


def key_usage(**bits: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})


EEC_EXTENSIONS: Extensions = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (key_usage(digital_signature=True, key_encipherment=True), True),
)


def proxy(
    grid: Grid, issuer: Credential, *, added: Sequence[tuple[ObjectIdentifier, str]] = (), **changes: object
) -> Credential:
    """A proxy with one thing changed. `added` are the RDNs after the issuer's name; `pci` the extension's value."""
    key = rsa_key(f"proxy {len(issuer.chain)}")
    rdns = [x509.RelativeDistinguishedName([x509.NameAttribute(oid, value)]) for oid, value in added]
    pci = changes.pop("pci", INHERIT_ALL)
    critical = changes.pop("pci_critical", True)
    usage = changes.pop("usage", PROXY_KEY_USAGE)
    extra = changes.pop("extra", ())
    extensions: list[tuple[x509.ExtensionType, bool]] = [(usage, True), *extra]  # type: ignore[list-item,misc]
    if pci is not None:
        extensions.append((x509.UnrecognizedExtension(PROXY_CERT_INFO, pci), bool(critical)))  # type: ignore[arg-type]
    arguments: dict[str, object] = {
        "subject": x509.Name([*issuer.leaf.subject.rdns, *(rdns or [common_name("4711")])]),
        "issuer": issuer.leaf.subject,
        "public_key": key.public_key(),
        "signed_by": issuer.key,
        "extensions": extensions,
    }
    return Credential((forge(**(arguments | changes)), *issuer.chain), key)  # type: ignore[arg-type]


def common_name(value: str) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, value)])


def nested(grid: Grid, depth: int) -> Credential:
    credential = grid.user()
    for _ in range(depth):
        credential = grid.proxy(credential)
    return credential


def legacy(grid: Grid, issuer: Credential, name: str = "proxy") -> Credential:
    return proxy(grid, issuer, pci=None, added=[(NameOID.COMMON_NAME, name)])


def intermediate(
    grid: Grid, *, path_length: int | None = None, name: str = "Example Grid Issuing CA"
) -> issue.Authority:
    """An authority below the root, in its namespace."""
    return issue.create_authority(
        Name.of(("DC", "org"), ("DC", "example"), ("CN", name)),
        rsa_key(name),
        now=NOW,
        serial=next(grid.serials),
        lifetime=timedelta(days=1000),
        parent=grid.authority,
        path_length=path_length,
    )


def published(authority: issue.Authority) -> dict[str, bytes]:
    """Trust files of one more authority."""
    crl = issue.revocation_list(authority, number=1, now=NOW)
    alias = authority.name.last_common_name or "x"
    return issue.igtf_files(authority.certificate, alias=alias, subjects=["/DC=org/DC=example/*"], crl=crl)


def issued(authority: issue.Authority, common: str = "Bob Example") -> x509.Certificate:
    name = Name.of(("DC", "org"), ("DC", "example"), ("O", "people"), ("CN", common))
    return issue.user_certificate(authority, name, rsa_key("bob").public_key(), now=NOW, serial=0x51)


def without(files: dict[str, bytes], *endings: str) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.endswith(endings)}


def with_crl(grid: Grid, crl: x509.CertificateRevocationList) -> dict[str, bytes]:
    """The grid's files with another revocation list."""
    files = issue.igtf_files(grid.authority.certificate, alias=grid.alias, subjects=["/DC=org/DC=example/*"], crl=crl)
    return grid.trust_files() | files


def relaxed(**changes: object) -> TrustPolicy:
    return TrustPolicy(default=replace(AuthorityPolicy(), **changes))  # type: ignore[arg-type]


STRANGER = Name.of(("DC", "net"), ("CN", "Stranger"))
BASIC_CA = x509.BasicConstraints(ca=True, path_length=None)
SHA256_WITH_RSA_OID = bytes.fromhex("2a864886f70d01010b")
SHA1_WITH_RSA_OID = bytes.fromhex("2a864886f70d010105")
MD5_WITH_RSA_OID = bytes.fromhex("2a864886f70d010104")


def directory(*pairs: tuple[str, str]) -> x509.DirectoryName:
    return x509.DirectoryName(Name.of(*pairs).to_x509())


def odd_authority(grid: Grid, extensions: Extensions) -> Attempt:
    """A self-signed root with just these extensions, and a user of its own."""
    name = Name.of(("DC", "org"), ("DC", "example"), ("CN", "Odd CA"))
    key = rsa_key("second")
    certificate = forge(
        subject=name.to_x509(),
        issuer=name.to_x509(),
        public_key=key.public_key(),
        signed_by=key,
        not_after=NOW + timedelta(days=99),
        extensions=extensions,
    )
    odd = issue.Authority(certificate, key)
    return Attempt([issued(odd)], published(odd))


def constrained(
    grid: Grid,
    *,
    permitted: Sequence[x509.GeneralName] = (),
    excluded: Sequence[x509.GeneralName] = (),
    names: Sequence[x509.GeneralName] = (x509.DNSName("node.example.org"),),
) -> Attempt:
    """A root with name constraints, and a user with these alternative names."""
    constraints = x509.NameConstraints(permitted or None, excluded or None)
    odd = odd_authority(grid, [(BASIC_CA, True), (constraints, True)])
    issuer = odd.chain[0].issuer
    user = eec(
        grid,
        issuer=issuer,
        signed_by=rsa_key("second"),
        extensions=[*EEC_EXTENSIONS, (x509.SubjectAlternativeName(names), False)],
    )
    return replace(odd, chain=user.chain)


def namespaced(grid: Grid, namespaces: bytes) -> Attempt:
    """The ordinary site with another `.namespaces` file."""
    files = {name: namespaces if name.endswith(".namespaces") else data for name, data in grid.trust_files().items()}
    return Attempt(grid.user().chain, files)


def odd_crl(grid: Grid, extension: x509.ExtensionType) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(grid.authority.certificate.subject)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=1))
        .add_extension(extension, critical=True)
    )
    return builder.sign(grid.authority.key, hashes.SHA256())
