"""Chains that fail below the user certificate: names, proxyCertInfo, kinds, order, size."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier
from tests.support.chains.corpus import (
    CRITICAL_UNKNOWN,
    INHERIT_ALL,
    Attempt,
    attempt,
    chain,
    eec,
    key_usage,
    legacy,
    nested,
    proxy,
)
from tests.support.pki import Grid

from hansa.standards.x509 import (
    ChainPolicy,
    ProxyPolicy,
    X509Code,
)
from hansa.standards.x509.proxyinfo import DRAFT_PROXY_CERT_INFO

# --- names and shape of proxies


@chain(X509Code.PROXY_NAME)
def proxy_with_another_name(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), subject=grid.name("Eve").child("1").to_x509()).chain


@chain(X509Code.PROXY_NAME)
def proxy_with_two_names_added(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), added=[(NameOID.COMMON_NAME, "1"), (NameOID.COMMON_NAME, "2")]).chain


@chain(X509Code.PROXY_NAME)
def proxy_with_a_name_of_two_parts(grid: Grid) -> Sequence[x509.Certificate]:
    user = grid.user()
    pair = [x509.NameAttribute(NameOID.COMMON_NAME, "1"), x509.NameAttribute(NameOID.COMMON_NAME, "2")]
    subject = x509.Name([*user.leaf.subject.rdns, x509.RelativeDistinguishedName(pair)])
    return proxy(grid, user, subject=subject).chain


@chain(X509Code.PROXY_NAME)
def proxy_with_a_unit_added(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), added=[(NameOID.ORGANIZATIONAL_UNIT_NAME, "1")]).chain


@chain(X509Code.PROXY_NAME)
def proxy_with_its_issuers_name(grid: Grid) -> Sequence[x509.Certificate]:
    user = grid.user()
    return proxy(grid, user, subject=user.leaf.subject).chain


@chain(X509Code.PROXY_EXTENSION)
def proxy_with_alternative_names(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), extra=[(x509.SubjectAlternativeName([x509.DNSName("a.example.org")]), False)]).chain


@chain(X509Code.PROXY_EXTENSION)
def proxy_with_issuer_alternative_names(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), extra=[(x509.IssuerAlternativeName([x509.DNSName("a.example.org")]), False)]).chain


@chain(X509Code.PROXY_EXTENSION)
def proxy_that_claims_to_be_an_authority(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), extra=[(x509.BasicConstraints(ca=True, path_length=None), True)]).chain


@chain(X509Code.PROXY_EXTENSION)
def proxy_that_may_sign_certificates(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), usage=key_usage(digital_signature=True, key_cert_sign=True)).chain


@chain(X509Code.EXTENSION_UNKNOWN)
def proxy_with_an_unknown_critical_extension(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), extra=[CRITICAL_UNKNOWN]).chain


# --- proxyCertInfo


@chain(X509Code.PROXY_INFO)
def proxy_info_not_critical(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci_critical=False).chain


@chain(X509Code.PROXY_INFO)
def proxy_info_malformed(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=b"\x30\x03\x02\x01").chain


@chain(X509Code.PROXY_INFO)
def proxy_info_empty(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=b"").chain


@chain(X509Code.PROXY_INFO)
def proxy_info_with_trailing_bytes(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=INHERIT_ALL + b"\x05\x00").chain


@chain(X509Code.PROXY_INFO)
def proxy_info_in_indefinite_length(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=b"\x30\x80" + INHERIT_ALL[2:] + b"\x00\x00").chain


@chain(X509Code.PROXY_INFO)
def proxy_info_with_a_negative_path_length(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=bytes.fromhex("300f0201ff300a06082b06010505071501")).chain


@chain(X509Code.PROXY_INFO)
def proxy_info_inherits_all_and_has_a_policy(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=bytes.fromhex("300f300d06082b060105050715010401aa")).chain


@chain(X509Code.PROXY_POLICY)
def proxy_policy_unknown(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=bytes.fromhex("3007300506032a0304")).chain


@chain(X509Code.PROXY_POLICY)
def proxy_policy_any_language(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), pci=bytes.fromhex("300c300a06082b06010505071500")).chain


@chain(X509Code.PROXY_POLICY)
def proxy_policy_independent(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.user(), policy=ProxyPolicy.INDEPENDENT).chain


@chain(X509Code.PROXY_POLICY)
def proxy_below_an_independent_one(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.proxy(grid.user(), policy=ProxyPolicy.INDEPENDENT)).chain


@chain(X509Code.PROXY_PATH_LENGTH)
def path_length_exceeded(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.proxy(grid.user(), path_length=0)).chain


@chain(X509Code.PROXY_PATH_LENGTH)
def path_length_exceeded_two_levels_down(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.proxy(grid.proxy(grid.user(), path_length=1))).chain


@chain(X509Code.PROXY_LIMITED)
def full_proxy_below_a_limited_one(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.proxy(grid.user(), policy=ProxyPolicy.LIMITED)).chain


# --- kinds, order, size


@chain(X509Code.PROXY_DEPTH)
def eleven_proxies(grid: Grid) -> Sequence[x509.Certificate]:
    return nested(grid, 11).chain


@chain(X509Code.PROXY_MIXED)
def legacy_below_rfc(grid: Grid) -> Sequence[x509.Certificate]:
    return legacy(grid, grid.proxy(grid.user())).chain


@attempt(X509Code.PROXY_MIXED)
def legacy_below_rfc_where_allowed(grid: Grid) -> Attempt:
    certificates = legacy(grid, grid.proxy(grid.user())).chain
    return Attempt(certificates, grid.trust_files(), policy=ChainPolicy(allow_legacy_proxies=True))


@chain(X509Code.PROXY_KIND)
def legacy_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return legacy(grid, grid.user()).chain


@attempt(X509Code.PROXY_LIMITED)
def full_legacy_proxy_below_a_limited_one(grid: Grid) -> Attempt:
    certificates = legacy(grid, legacy(grid, grid.user(), "limited proxy")).chain
    return Attempt(certificates, grid.trust_files(), policy=ChainPolicy(allow_legacy_proxies=True))


@chain(X509Code.PROXY_KIND)
def draft_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    draft = (x509.UnrecognizedExtension(DRAFT_PROXY_CERT_INFO, INHERIT_ALL), True)
    return proxy(grid, grid.user(), pci=None, extra=[draft]).chain


@attempt(X509Code.PROXY_KIND)
def draft_proxy_where_legacy_is_allowed(grid: Grid) -> Attempt:
    certificates = draft_proxy(grid)
    return Attempt(certificates, grid.trust_files(), policy=ChainPolicy(allow_legacy_proxies=True))


@chain(X509Code.CHAIN_EMPTY)
def no_certificate(grid: Grid) -> Sequence[x509.Certificate]:
    return ()


@chain(X509Code.CHAIN_NO_USER)
def proxy_alone(grid: Grid) -> Sequence[x509.Certificate]:
    return nested(grid, 1).chain[:1]


@chain(X509Code.PROXY_ISSUER)
def user_certificate_missing(grid: Grid) -> Sequence[x509.Certificate]:
    return (nested(grid, 1).leaf, grid.authority.certificate)


@chain(X509Code.PROXY_ISSUER)
def middle_proxy_missing(grid: Grid) -> Sequence[x509.Certificate]:
    whole = nested(grid, 3).chain
    return (whole[0], *whole[2:])


@chain(X509Code.CHAIN_ORDER)
def user_certificate_before_its_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return tuple(reversed(nested(grid, 1).chain))


@chain(X509Code.PROXY_ISSUER)
def proxies_shuffled(grid: Grid) -> Sequence[x509.Certificate]:
    leaf, middle, top, user = nested(grid, 3).chain
    return (leaf, top, middle, user)


@chain(X509Code.CHAIN_TOO_LONG)
def twenty_one_certificates(grid: Grid) -> Sequence[x509.Certificate]:
    return (*grid.user().chain, *[grid.authority.certificate] * 20)


@chain(X509Code.CHAIN_TOO_LARGE)
def a_hundred_kilobytes(grid: Grid) -> Sequence[x509.Certificate]:
    ballast = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.6"), bytes(100_000))
    return eec(grid, extensions=[(ballast, False)]).chain
