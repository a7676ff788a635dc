"""Certificate revocation lists (RFC 5280 §5): which count, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from hansa.standards.x509.errors import X509Code, X509Error, refusing
from hansa.standards.x509.facts import Facts
from hansa.standards.x509.keys import KeyPolicy, check_hash
from hansa.standards.x509.name import Name

_UNDERSTOOD = frozenset({x509.CRLNumber.oid, x509.AuthorityKeyIdentifier.oid})


@dataclass(frozen=True, slots=True)
class Crl:
    """A revocation list. `unsupported` says why it is not used; `signers` are the certificates known to have signed it."""

    crl: x509.CertificateRevocationList
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    unsupported: str | None
    signers: frozenset[bytes] = frozenset()

    def is_signed_by(self, authority: Facts) -> bool:
        return authority.fingerprint in self.signers or signature_is_valid(self.crl, authority)


def load_crl(data: bytes) -> Crl:
    """Read a CRL in PEM or DER. Raises `X509Error` (`x509.malformed`)."""
    with refusing(X509Code.MALFORMED, "The revocation list is damaged"):
        pem = data.lstrip().startswith(b"-----BEGIN")
        crl = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        return Crl(
            crl, Name.from_x509(crl.issuer), crl.last_update_utc, crl.next_update_utc, unsupported=_why_unsupported(crl)
        )


def _why_unsupported(crl: x509.CertificateRevocationList) -> str | None:
    """Delta, indirect and partial lists are not used: alone they do not tell who is revoked."""
    for extension in crl.extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return "is a delta list"
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            return "is a partial or indirect list"
        if extension.critical and extension.oid not in _UNDERSTOOD:
            return f"has the unknown critical extension {extension.oid.dotted_string}"
    try:
        check_hash(crl.signature_hash_algorithm, "the list")
    except (X509Error, ValueError):
        return "is signed with an algorithm that is not accepted"
    return None


def signature_is_valid(crl: x509.CertificateRevocationList, authority: Facts) -> bool:
    """Whether `authority` signed the list and was allowed to."""
    usage = authority.key_usage
    if usage is not None and not usage.crl_sign:
        return False
    with refusing(X509Code.CRL_SIGNATURE, "The revocation list of {} cannot be verified", authority.subject):
        key = KeyPolicy(min_rsa_bits=1024).check(authority.certificate.public_key(), authority.subject)
        return crl.is_signature_valid(key)


@dataclass(frozen=True, slots=True)
class CrlPolicy:
    """`required`: without a current list nobody of this authority is let in. `max_age` bounds it further than the list does.

    `grace`: how long a list still counts as current after its own end; authorities are late, too.
    """

    required: bool = True
    max_age: timedelta | None = None
    grace: timedelta = timedelta()


def check_not_revoked(child: Facts, authority: Facts, crls: Sequence[Crl], policy: CrlPolicy, now: datetime) -> None:
    """Refuse `child` if `authority`'s list revokes it, or if there is no list that can be relied on.

    Where the policy does not require lists, a stale one still revokes; only its absence and age are forgiven.
    """
    usable = [crl for crl in crls if crl.unsupported is None]
    signed = [crl for crl in usable if crl.this_update <= now and crl.is_signed_by(authority)]
    if not signed:
        if policy.required:
            raise _why_none(authority, crls, usable, now)
        return
    newest = max(signed, key=lambda crl: crl.this_update)
    if policy.required:
        _check_fresh(newest, authority, policy, now)
    with refusing(X509Code.MALFORMED, "The revocation list of {} is damaged", authority.subject):
        entry = newest.crl.get_revoked_certificate_by_serial_number(child.serial)
    if entry is not None:
        raise X509Error(X509Code.REVOKED, f"The certificate {child.subject} has been revoked by its authority")


def _check_fresh(crl: Crl, authority: Facts, policy: CrlPolicy, now: datetime) -> None:
    too_old = policy.max_age is not None and now - crl.this_update > policy.max_age
    if crl.next_update is None or now > crl.next_update + policy.grace or too_old:
        raise X509Error(
            X509Code.CRL_STALE,
            f"The revocation list of {authority.subject} is out of date: the site must fetch a new one",
        )


def _why_none(authority: Facts, crls: Sequence[Crl], usable: Sequence[Crl], now: datetime) -> X509Error:
    if not crls:
        return X509Error(
            X509Code.CRL_MISSING, f"The site has no revocation list of {authority.subject}: it must fetch one"
        )
    if not usable:
        return X509Error(X509Code.CRL_UNSUPPORTED, f"The revocation list of {authority.subject} {crls[0].unsupported}")
    if all(crl.this_update > now for crl in usable):
        return X509Error(
            X509Code.CRL_STALE, f"The revocation list of {authority.subject} is from the future: check the clock"
        )
    return X509Error(X509Code.CRL_SIGNATURE, f"The revocation list of {authority.subject} was not signed by it")
