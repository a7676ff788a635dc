"""Chains that fail at the authorities: their limits, revocation lists, namespaces."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.chains.corpus import (
    BASIC_CA,
    CRITICAL_UNKNOWN,
    SHA256_WITH_RSA_OID,
    STRANGER,
    Attempt,
    attempt,
    chain,
    constrained,
    directory,
    eec,
    intermediate,
    issued,
    key_usage,
    namespaced,
    odd_authority,
    odd_crl,
    published,
    relaxed,
    with_crl,
    without,
)
from tests.support.pki import NOW, Grid, rsa_key

from hansa.standards.x509 import (
    CrlPolicy,
    Name,
    NamespaceMode,
    X509Code,
    issue,
)

# --- authorities


@attempt(X509Code.CA_PATH_LENGTH)
def authority_with_too_many_below_it(grid: Grid) -> Attempt:
    first = intermediate(grid, path_length=0)
    name = Name.of(("DC", "org"), ("DC", "example"), ("CN", "Second"))
    second = issue.create_authority(name, rsa_key("second"), now=NOW, serial=5, parent=first)
    return Attempt([issued(second)], grid.trust_files() | published(first) | published(second))


@attempt(X509Code.CA_KEY_USAGE)
def authority_that_may_not_sign_certificates(grid: Grid) -> Attempt:
    return odd_authority(grid, [(BASIC_CA, True), (key_usage(crl_sign=True), True)])


@attempt(X509Code.CRL_SIGNATURE)
def authority_that_may_not_sign_revocation_lists(grid: Grid) -> Attempt:
    return odd_authority(grid, [(BASIC_CA, True), (key_usage(key_cert_sign=True), True)])


@attempt(X509Code.EXTENSION_UNKNOWN)
def authority_with_an_unknown_critical_extension(grid: Grid) -> Attempt:
    return odd_authority(grid, [(BASIC_CA, True), CRITICAL_UNKNOWN])


@attempt(X509Code.CHAIN_UNTRUSTED)
def root_that_is_no_authority(grid: Grid) -> Attempt:
    return odd_authority(grid, [(x509.BasicConstraints(ca=False, path_length=None), True)])


@attempt(X509Code.CHAIN_UNTRUSTED)
def intermediate_that_is_no_authority(grid: Grid) -> Attempt:
    host = grid.host_credential("middle.example.org")
    fake = eec(grid, issuer=host.leaf.subject, signed_by=host.key)
    return Attempt([*fake.chain, *host.chain], grid.trust_files())


@attempt(X509Code.CA_NAME_CONSTRAINTS)
def name_outside_the_constraints(grid: Grid) -> Attempt:
    return constrained(grid, permitted=[directory(("DC", "org"), ("DC", "other"))])


@attempt(X509Code.CA_NAME_CONSTRAINTS)
def name_excluded_by_the_constraints(grid: Grid) -> Attempt:
    return constrained(grid, excluded=[directory(("DC", "org"), ("DC", "example"), ("O", "people"))])


@attempt(X509Code.CA_NAME_CONSTRAINTS)
def host_outside_the_constraints(grid: Grid) -> Attempt:
    return constrained(grid, permitted=[x509.DNSName("other.org")], names=[x509.DNSName("evilother.org")])


@attempt(X509Code.CA_NAME_CONSTRAINTS)
def constraint_that_nobody_here_evaluates(grid: Grid) -> Attempt:
    return constrained(grid, permitted=[x509.RFC822Name("example.org")], names=[x509.RFC822Name("a@example.org")])


# --- revocation


@chain(X509Code.REVOKED)
def revoked_user(grid: Grid) -> Sequence[x509.Certificate]:
    alice = grid.user()
    grid.revoke(alice)
    return alice.chain


@chain(X509Code.REVOKED)
def proxy_of_a_revoked_user(grid: Grid) -> Sequence[x509.Certificate]:
    alice = grid.user()
    grid.revoke(alice)
    return grid.proxy(grid.proxy(alice)).chain


@attempt(X509Code.REVOKED)
def revoked_user_although_the_list_is_stale_and_not_required(grid: Grid) -> Attempt:
    alice = grid.user()
    grid.revoke(alice)
    now = NOW + timedelta(days=40)
    return Attempt(alice.chain, grid.trust_files(), relaxed(crl=CrlPolicy(required=False)), now=now)


@attempt(X509Code.REVOKED)
def revoked_intermediate(grid: Grid) -> Attempt:
    authority = intermediate(grid)
    grid.revoked[authority.certificate.serial_number] = NOW
    return Attempt([issued(authority)], grid.trust_files() | published(authority))


@attempt(X509Code.CRL_MISSING)
def revocation_list_missing(grid: Grid) -> Attempt:
    return Attempt(grid.user().chain, without(grid.trust_files(), ".r0"))


@attempt(X509Code.CRL_MISSING)
def revocation_list_of_an_intermediate_missing(grid: Grid) -> Attempt:
    authority = intermediate(grid)
    return Attempt([issued(authority)], grid.trust_files() | without(published(authority), ".r0"))


@attempt(X509Code.CRL_MISSING)
def revocation_list_unreadable(grid: Grid) -> Attempt:
    files = {name: b"broken" if name.endswith(".r0") else data for name, data in grid.trust_files().items()}
    return Attempt(grid.user().chain, files)


@attempt(X509Code.CRL_STALE)
def revocation_list_out_of_date(grid: Grid) -> Attempt:
    return Attempt(grid.user().chain, grid.trust_files(), now=NOW + timedelta(days=31))


@attempt(X509Code.CRL_STALE)
def revocation_list_out_of_date_beyond_the_grace(grid: Grid) -> Attempt:
    policy = relaxed(crl=CrlPolicy(grace=timedelta(hours=12)))
    return Attempt(grid.user().chain, grid.trust_files(), policy, now=NOW + timedelta(days=31))


@attempt(X509Code.REVOKED)
def revoked_user_within_the_grace_of_the_list(grid: Grid) -> Attempt:
    alice = grid.user()
    grid.revoke(alice)
    policy = relaxed(crl=CrlPolicy(grace=timedelta(days=3)))
    return Attempt(alice.chain, grid.trust_files(), policy, now=NOW + timedelta(days=31))


@attempt(X509Code.CRL_STALE)
def revocation_list_older_than_allowed(grid: Grid) -> Attempt:
    policy = relaxed(crl=CrlPolicy(max_age=timedelta(days=2)))
    return Attempt(grid.user().chain, grid.trust_files(), policy, now=NOW + timedelta(days=3))


@attempt(X509Code.CRL_STALE)
def revocation_list_from_the_future(grid: Grid) -> Attempt:
    crl = issue.revocation_list(grid.authority, number=7, now=NOW + timedelta(days=1))
    return Attempt(grid.user().chain, with_crl(grid, crl))


@attempt(X509Code.CRL_SIGNATURE)
def revocation_list_forged(grid: Grid) -> Attempt:
    forger = replace(grid.authority, key=rsa_key("stranger"))
    return Attempt(grid.user().chain, with_crl(grid, issue.revocation_list(forger, number=7, now=NOW)))


@attempt(X509Code.CRL_UNSUPPORTED)
def delta_revocation_list_only(grid: Grid) -> Attempt:
    return Attempt(grid.user().chain, with_crl(grid, odd_crl(grid, x509.DeltaCRLIndicator(1))))


@attempt(X509Code.CRL_UNSUPPORTED)
def indirect_revocation_list_only(grid: Grid) -> Attempt:
    point = x509.IssuingDistributionPoint(None, None, False, False, None, True, False)
    return Attempt(grid.user().chain, with_crl(grid, odd_crl(grid, point)))


@attempt(X509Code.CRL_UNSUPPORTED)
def revocation_list_signed_with_an_unknown_hash(grid: Grid) -> Attempt:
    sha224 = SHA256_WITH_RSA_OID[:-1] + b"\x0e"
    der = grid.crl().public_bytes(Encoding.DER).replace(SHA256_WITH_RSA_OID, sha224)
    return Attempt(grid.user().chain, with_crl(grid, x509.load_der_x509_crl(der)))


@attempt(X509Code.CRL_UNSUPPORTED)
def revocation_list_with_an_unknown_critical_extension(grid: Grid) -> Attempt:
    return Attempt(grid.user().chain, with_crl(grid, odd_crl(grid, CRITICAL_UNKNOWN[0])))


# --- namespaces


@chain(X509Code.NAMESPACE_OUTSIDE)
def user_outside_the_namespace(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, subject=STRANGER.to_x509()).chain


@chain(X509Code.NAMESPACE_OUTSIDE)
def proxy_of_a_user_outside_the_namespace(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(eec(grid, subject=STRANGER.to_x509())).chain


@chain(X509Code.NAMESPACE_OUTSIDE)
def user_with_the_name_of_the_authority_of_another_namespace(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, subject=Name.of(("DC", "org/DC=example"), ("CN", "Alice Example")).to_x509()).chain


@chain(X509Code.NAMESPACE_OUTSIDE)
def user_whose_common_name_looks_like_two(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.user("Alice/CN=Bob").chain


@chain(X509Code.NAMESPACE_OUTSIDE)
def user_with_an_endless_name(grid: Grid) -> Sequence[x509.Certificate]:
    base = [("DC", "org"), ("DC", "example")]
    return eec(grid, subject=Name.of(*base, *[("O", "x" * 60)] * 80).to_x509()).chain


@attempt(X509Code.NAMESPACE_OUTSIDE)
def intermediate_outside_the_namespace(grid: Grid) -> Attempt:
    name = Name.of(("DC", "net"), ("CN", "Foreign Issuer"))
    authority = issue.create_authority(name, rsa_key("second"), now=NOW, serial=5, parent=grid.authority)
    return Attempt([issued(authority)], grid.trust_files() | published(authority))


@attempt(X509Code.NAMESPACE_MISSING)
def no_namespace_file(grid: Grid) -> Attempt:
    return Attempt(grid.user().chain, without(grid.trust_files(), ".signing_policy", ".namespaces"))


@attempt(X509Code.NAMESPACE_OUTSIDE)
def only_the_namespaces_file_permits(grid: Grid) -> Attempt:
    policy = issue.igtf_files(grid.authority.certificate, alias=grid.alias, subjects=["/DC=net/*"])
    signing = {name: data for name, data in policy.items() if name.endswith(".signing_policy")}
    return Attempt(grid.user().chain, grid.trust_files() | signing)


@attempt(X509Code.NAMESPACE_OUTSIDE)
def only_the_signing_policy_permits(grid: Grid) -> Attempt:
    return namespaced(grid, b'TO Issuer SELF PERMIT Subject "/DC=net/.*"\n')


@attempt(X509Code.NAMESPACE_OUTSIDE)
def deny_beats_permit(grid: Grid) -> Attempt:
    return namespaced(grid, b'TO Issuer SELF PERMIT Subject "/DC=org/.*"\nTO Issuer SELF DENY Subject ".*Alice.*"\n')


@attempt(X509Code.NAMESPACE_OUTSIDE)
def namespace_file_unreadable(grid: Grid) -> Attempt:
    return namespaced(grid, b"TO Issuer nobody knows\n")


@attempt(X509Code.NAMESPACE_OUTSIDE)
def namespace_file_of_another_authority(grid: Grid) -> Attempt:
    return namespaced(grid, b'TO Issuer "/CN=Other" PERMIT Subject ".*"\n')


@attempt(X509Code.NAMESPACE_OUTSIDE)
def relaxed_does_not_forgive_a_file_that_forbids(grid: Grid) -> Attempt:
    policy = relaxed(namespaces=NamespaceMode.RELAXED)
    return Attempt(eec(grid, subject=STRANGER.to_x509()).chain, grid.trust_files(), policy)
