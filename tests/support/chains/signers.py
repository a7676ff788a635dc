"""Chains that fail for who signed, with what, when, and what certificates may be used for."""

from collections.abc import Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.support.chains.corpus import (
    CRITICAL_UNKNOWN,
    EEC_EXTENSIONS,
    MD5_WITH_RSA_OID,
    SHA1_WITH_RSA_OID,
    SHA256_WITH_RSA_OID,
    Attempt,
    attempt,
    chain,
    eec,
    intermediate,
    issued,
    key_usage,
    proxy,
    published,
)
from tests.support.pki import NOW, Grid, resign, rsa_key

from hansa.standards.x509 import (
    Credential,
    Name,
    X509Code,
    issue,
)

# --- who signed


@chain(X509Code.PROXY_ISSUER)
def proxy_made_by_an_authority(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, Credential((grid.authority.certificate,), grid.authority.key)).chain


@chain(X509Code.CHAIN_UNTRUSTED)
def user_acting_as_an_authority(grid: Grid) -> Sequence[x509.Certificate]:
    alice = grid.user()
    fake = eec(grid, subject=grid.name("Eve").to_x509(), issuer=alice.leaf.subject, signed_by=alice.key)
    return (*fake.chain, *alice.chain)


@chain(X509Code.CHAIN_UNTRUSTED)
def proxy_acting_as_an_authority(grid: Grid) -> Sequence[x509.Certificate]:
    # Without the proxies in the chain: with them it is already out of order.
    parent = grid.proxy(grid.user())
    return eec(grid, subject=grid.name("Eve").to_x509(), issuer=parent.leaf.subject, signed_by=parent.key).chain


@chain(X509Code.CHAIN_ORDER)
def proxy_acting_as_an_authority_and_sent(grid: Grid) -> Sequence[x509.Certificate]:
    parent = grid.proxy(grid.user())
    fake = eec(grid, subject=grid.name("Eve").to_x509(), issuer=parent.leaf.subject, signed_by=parent.key)
    return (*fake.chain, *parent.chain)


@chain(X509Code.SIGNATURE)
def proxy_signed_with_another_key(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), signed_by=rsa_key("stranger")).chain


@chain(X509Code.SIGNATURE)
def user_certificate_signed_with_another_key(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, signed_by=rsa_key("stranger")).chain


@chain(X509Code.SIGNATURE)
def signature_with_one_bit_wrong(grid: Grid) -> Sequence[x509.Certificate]:
    der = grid.user().leaf.public_bytes(Encoding.DER)
    return (x509.load_der_x509_certificate(der[:-1] + bytes([der[-1] ^ 1])),)


@chain(X509Code.SIGNATURE)
def signature_that_says_it_has_a_bit_less(grid: Grid) -> Sequence[x509.Certificate]:
    good = grid.user().leaf
    while good.signature[-1] & 1:  # DER wants the bits left out to be zero
        good = grid.user().leaf
    der = good.public_bytes(Encoding.DER)
    start = len(der) - len(good.signature) - 1
    return (x509.load_der_x509_certificate(der[:start] + b"\x01" + der[start + 1 :]),)


@chain(X509Code.SIGNATURE)
def impostor_root_with_the_name_of_the_true_one(grid: Grid) -> Sequence[x509.Certificate]:
    fake = issue.create_authority(grid.authority.name, rsa_key("impostor"), now=NOW, serial=1)
    return (issued(fake), fake.certificate)


@chain(X509Code.CA_AS_USER)
def impostor_root_alone(grid: Grid) -> Sequence[x509.Certificate]:
    return (issue.create_authority(grid.authority.name, rsa_key("impostor"), now=NOW, serial=1).certificate,)


@chain(X509Code.CHAIN_UNTRUSTED)
def unknown_authority_sent_along(grid: Grid) -> Sequence[x509.Certificate]:
    name = Name.of(("DC", "org"), ("DC", "example"), ("CN", "Nobody's CA"))
    fake = issue.create_authority(name, rsa_key("impostor"), now=NOW, serial=1)
    return (issued(fake), fake.certificate)


@chain(X509Code.CHAIN_UNTRUSTED)
def self_signed_user(grid: Grid) -> Sequence[x509.Certificate]:
    alice = grid.user()
    return eec(grid, issuer=alice.leaf.subject, signed_by=alice.key).chain


@chain(X509Code.CHAIN_UNTRUSTED)
def intermediate_not_sent(grid: Grid) -> Sequence[x509.Certificate]:
    return (issued(intermediate(grid)),)


@chain(X509Code.CHAIN_UNTRUSTED)
def intermediate_without_a_root(grid: Grid) -> Sequence[x509.Certificate]:
    root = issue.create_authority(Name.of(("CN", "Far Root")), rsa_key("impostor"), now=NOW, serial=1)
    middle = issue.create_authority(Name.of(("CN", "Far Issuer")), rsa_key("bob"), now=NOW, serial=2, parent=root)
    return (issued(middle), middle.certificate)


@chain(X509Code.CHAIN_TOO_LONG)
def labyrinth_of_authorities(grid: Grid) -> Sequence[x509.Certificate]:
    """Four twins on each of four floors, and no way out: 340 paths in 17 certificates."""
    names = [Name.of(("DC", "org"), ("CN", f"Floor {floor}")) for floor in range(5)]
    twins = []
    for floor in range(4):
        above = issue.Authority(
            issue.create_authority(names[floor + 1], rsa_key("second"), now=NOW, serial=1).certificate,
            rsa_key("second"),
        )
        twins += [
            issue.create_authority(names[floor], rsa_key("second"), now=NOW, serial=9 + twin, parent=above).certificate
            for twin in range(4)
        ]
    user = issued(issue.Authority(twins[0], rsa_key("second")))
    return (user, *twins)


@chain(X509Code.CA_AS_USER)
def authority_as_a_user(grid: Grid) -> Sequence[x509.Certificate]:
    return (grid.authority.certificate,)


# --- algorithms and keys


def sha1(tbs: bytes) -> bytes:
    """For `resign`: says SHA-1, which is then also what the signature is made with."""
    return tbs.replace(SHA256_WITH_RSA_OID, SHA1_WITH_RSA_OID)


@chain(X509Code.SIGNATURE_ALGORITHM)
def user_certificate_signed_with_sha1(grid: Grid) -> Sequence[x509.Certificate]:
    return (resign(grid.user().leaf, rsa_key("ca"), sha1),)


@chain(X509Code.SIGNATURE_ALGORITHM)
def proxy_signed_with_sha1(grid: Grid) -> Sequence[x509.Certificate]:
    alice = grid.user()
    return (resign(grid.proxy(alice).leaf, rsa_key("user Alice Example"), sha1), *alice.chain)


@chain(X509Code.SIGNATURE_ALGORITHM)
def user_certificate_signed_with_md5(grid: Grid) -> Sequence[x509.Certificate]:
    der = grid.user().leaf.public_bytes(Encoding.DER)
    return (x509.load_der_x509_certificate(der.replace(SHA256_WITH_RSA_OID, MD5_WITH_RSA_OID)),)


@chain(X509Code.SIGNATURE_ALGORITHM)
def two_signature_algorithms(grid: Grid) -> Sequence[x509.Certificate]:
    sha384 = SHA256_WITH_RSA_OID[:-1] + b"\x0c"
    return (resign(grid.user().leaf, rsa_key("ca"), lambda tbs: tbs.replace(SHA256_WITH_RSA_OID, sha384)),)


@chain(X509Code.KEY_WEAK)
def user_with_a_short_key(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, public_key=rsa_key("short", 1024).public_key()).chain


@chain(X509Code.KEY_WEAK)
def proxy_with_a_short_key(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), public_key=rsa_key("short", 1024).public_key()).chain


@chain(X509Code.KEY_WEAK)
def user_with_a_weak_curve(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, public_key=ec.generate_private_key(ec.SECP192R1()).public_key()).chain


@chain(X509Code.KEY_UNSUPPORTED)
def user_with_an_unknown_kind_of_key(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, public_key=ed25519.Ed25519PrivateKey.generate().public_key()).chain


@attempt(X509Code.KEY_WEAK)
def authority_with_a_short_key(grid: Grid) -> Attempt:
    name = Name.of(("DC", "org"), ("DC", "example"), ("CN", "Old CA"))
    old = issue.create_authority(name, rsa_key("short", 1024), now=NOW, serial=1)
    return Attempt([issued(old)], published(old))


# --- time


@chain(X509Code.EXPIRED)
def proxy_expired(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), not_before=NOW - timedelta(days=1), not_after=NOW - timedelta(seconds=1)).chain


@chain(X509Code.EXPIRED)
def middle_proxy_expired(grid: Grid) -> Sequence[x509.Certificate]:
    old = proxy(grid, grid.user(), not_before=NOW - timedelta(days=1), not_after=NOW - timedelta(seconds=1))
    return proxy(grid, old).chain


@chain(X509Code.EXPIRED)
def user_certificate_expired_under_a_good_proxy(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, eec(grid, not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(seconds=1))).chain


@attempt(X509Code.EXPIRED)
def authority_expired(grid: Grid) -> Attempt:
    name = Name.of(("DC", "org"), ("DC", "example"), ("CN", "Old CA"))
    then = NOW - timedelta(days=9)
    old = issue.create_authority(name, rsa_key("bob"), now=then, serial=1, lifetime=timedelta(days=8))
    return Attempt([issued(old)], published(old))


@chain(X509Code.NOT_YET_VALID)
def proxy_from_the_future(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, grid.user(), not_before=NOW + timedelta(seconds=1)).chain


@chain(X509Code.NOT_YET_VALID)
def user_certificate_from_the_future(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, not_before=NOW + timedelta(seconds=1)).chain


# --- what certificates may be used for


@chain(X509Code.KEY_USAGE)
def user_who_may_not_sign(grid: Grid) -> Sequence[x509.Certificate]:
    return proxy(grid, eec(grid, extensions=[(key_usage(key_encipherment=True), True)])).chain


@chain(X509Code.KEY_USAGE)
def proxy_that_may_not_sign(grid: Grid) -> Sequence[x509.Certificate]:
    return grid.proxy(proxy(grid, grid.user(), usage=key_usage(key_encipherment=True))).chain


@chain(X509Code.PURPOSE)
def certificate_for_servers_only(grid: Grid) -> Sequence[x509.Certificate]:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return eec(grid, extensions=[*EEC_EXTENSIONS, (usage, False)]).chain


@chain(X509Code.EXTENSION_UNKNOWN)
def user_certificate_with_an_unknown_critical_extension(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, extensions=[*EEC_EXTENSIONS, CRITICAL_UNKNOWN]).chain


@chain(X509Code.EXTENSION_UNKNOWN)
def user_certificate_with_critical_policy_constraints(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, extensions=[*EEC_EXTENSIONS, (x509.PolicyConstraints(0, None), True)]).chain


@chain(X509Code.NAME_EMPTY)
def user_without_a_name(grid: Grid) -> Sequence[x509.Certificate]:
    return eec(grid, subject=x509.Name([])).chain
