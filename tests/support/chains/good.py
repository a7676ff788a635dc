"""Chains that must be accepted."""

from collections.abc import Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.chains.corpus import (
    Attempt,
    attempt,
    chain,
    constrained,
    directory,
    eec,
    intermediate,
    issued,
    legacy,
    namespaced,
    nested,
    proxy,
    published,
    relaxed,
    without,
)
from tests.support.pki import NOW, Grid, rsa_key

from hansa.standards.x509 import (
    AuthorityPolicy,
    ChainPolicy,
    Credential,
    CrlPolicy,
    KeyPolicy,
    NamespaceMode,
    ProxyPolicy,
    TrustPolicy,
    issue,
)


@chain()
def user_certificate_alone(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.user().chain


@chain()
def user_certificate_and_root(grid: Grid) -> Sequence[x509.Certificate]:
    return (*grid.user().chain, grid.authority.certificate)


@chain()
def one_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return nested(grid, 1).chain


@chain()
def one_forged_but_good_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, eec(grid)).chain


@chain()
def three_proxies(grid: Grid) -> Sequence[x509.Certificate]:
    return nested(grid, 3).chain


@chain()
def ten_proxies(grid: Grid) -> Sequence[x509.Certificate]:
    return nested(grid, 10).chain


@chain()
def limited_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.user(), policy=ProxyPolicy.LIMITED).chain


@chain()
def limited_below_limited(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.proxy(grid.user(), policy=ProxyPolicy.LIMITED)).chain


@chain()
def limited_below_full(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.proxy(grid.user()), policy=ProxyPolicy.LIMITED).chain


@chain()
def path_length_just_enough(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.proxy(grid.user(), path_length=1), path_length=0).chain


@chain()
def sha384_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), hash_=hashes.SHA384()).chain


@chain()
def elliptic_user_and_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    user_key, proxy_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    user = Credential(eec(grid, public_key=user_key.public_key()).chain, user_key)
    return proxy(grid, user, public_key=proxy_key.public_key()).chain


@chain()
def user_whose_name_is_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(grid.user("proxy")).chain


@chain()
def user_with_a_slash_in_the_name(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.user("host/node1.example.org").chain


@attempt()
def intermediate_in_the_trust_store(grid: Grid) -> Attempt:
    authority = intermediate(grid)
    return Attempt([issued(authority)], grid.trust_files() | published(authority))


@attempt()
def intermediate_sent_by_the_peer(grid: Grid) -> Attempt:
    authority = intermediate(grid)
    files = without(published(authority), ".pem", ".0")
    return Attempt([issued(authority), authority.certificate], grid.trust_files() | files)


@attempt()
def legacy_proxy_where_allowed(grid: Grid) -> Attempt:
    policy = ChainPolicy(allow_legacy_proxies=True)
    return Attempt(legacy(grid, legacy(grid, grid.user())).chain, grid.trust_files(), policy=policy)


@attempt()
def short_keys_where_allowed(grid: Grid) -> Attempt:
    user = Credential(eec(grid, public_key=rsa_key("short", 1024).public_key()).chain, rsa_key("short", 1024))
    return Attempt(proxy(grid, user).chain, grid.trust_files(), policy=ChainPolicy(keys=KeyPolicy(min_rsa_bits=1024)))


@attempt()
def no_namespace_file_where_allowed(grid: Grid) -> Attempt:
    files = without(grid.trust_files(), ".signing_policy", ".namespaces")
    return Attempt(grid.user().chain, files, relaxed(namespaces=NamespaceMode.RELAXED))


@attempt()
def no_revocation_list_where_allowed(grid: Grid) -> Attempt:
    return Attempt(grid.user().chain, without(grid.trust_files(), ".r0"), relaxed(crl=CrlPolicy(required=False)))


@attempt()
def revocation_list_out_of_date_within_the_grace(grid: Grid) -> Attempt:
    policy = relaxed(crl=CrlPolicy(grace=timedelta(days=3)))
    return Attempt(grid.user().chain, grid.trust_files(), policy, now=grid.now + timedelta(days=31))


@attempt()
def exception_for_one_authority(grid: Grid) -> Attempt:
    policy = TrustPolicy(exceptions={grid.authority.name: AuthorityPolicy(crl=CrlPolicy(required=False))})
    return Attempt(grid.user().chain, without(grid.trust_files(), ".r0"), policy)


@attempt()
def authority_with_two_keys(grid: Grid) -> Attempt:
    other = issue.create_authority(grid.authority.name, rsa_key("rollover"), now=NOW, serial=9)
    crl = issue.revocation_list(other, number=1, now=NOW)
    more = {"other.pem": other.certificate.public_bytes(Encoding.PEM), "other.r1": crl.public_bytes(Encoding.PEM)}
    return Attempt([issued(other)], grid.trust_files() | more)


@attempt()
def names_within_the_constraints(grid: Grid) -> Attempt:
    return constrained(grid, permitted=[directory(("DC", "org"), ("DC", "example")), x509.DNSName("example.org")])


@attempt()
def deny_rule_for_somebody_else(grid: Grid) -> Attempt:
    return namespaced(
        grid, b'TO Issuer SELF PERMIT Subject "/DC=org/.*"\nTO Issuer SELF DENY Subject "/DC=org/.*/CN=Eve"\n'
    )
