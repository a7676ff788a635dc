"""Attribute certificates that fail for their form, or for whom they name as holder and issuer."""

from cryptography.hazmat import asn1
from tests.support.acs.corpus import (
    NULL,
    Attempt,
    ac,
    alice,
    attempt,
    forged,
    general_names,
    holder,
    presented,
)
from tests.support.pki import SHA256_WITH_RSA, Grid

from hansa.standards.voms import encode_ac_sequence
from hansa.standards.voms.errors import VomsCode
from hansa.standards.x509.der import OCTET_STRING, SEQUENCE, context, tlv

# --- form


@attempt(VomsCode.AC_MALFORMED)
def trailing_bytes_after_the_sequence(grid: Grid) -> Attempt:
    return presented(grid, sequence=encode_ac_sequence([grid.ac(alice(grid))]) + b"\x05\x00")


@attempt(VomsCode.AC_MALFORMED)
def sequence_that_is_none(grid: Grid) -> Attempt:
    return presented(grid, sequence=b"\x04\x02hi")


@attempt(VomsCode.AC_MALFORMED)
def sequence_of_something_else(grid: Grid) -> Attempt:
    return presented(grid, sequence=tlv(SEQUENCE, tlv(SEQUENCE, NULL)))


@ac(VomsCode.AC_MALFORMED)
def field_after_the_signature(grid: Grid) -> bytes:
    return forged(grid, tail=NULL)


@ac(VomsCode.AC_MALFORMED)
def indefinite_length(grid: Grid) -> bytes:
    good = forged(grid)
    return b"\x30\x80" + good[4:] + b"\x00\x00"


@ac(VomsCode.AC_MALFORMED)
def length_longer_than_needed(grid: Grid) -> bytes:
    good = forged(grid)
    return b"\x30\x83\x00" + good[2:]


@ac(VomsCode.AC_MALFORMED)
def version_one(grid: Grid) -> bytes:
    return forged(grid, version=asn1.encode_der(0))


@ac(VomsCode.AC_MALFORMED)
def serial_of_twenty_one_octets(grid: Grid) -> bytes:
    return forged(grid, serial=asn1.encode_der(1 << 160))


@ac(VomsCode.AC_MALFORMED)
def negative_serial(grid: Grid) -> bytes:
    return forged(grid, serial=asn1.encode_der(-5))


@attempt(VomsCode.AC_TOO_LARGE)
def sixty_kilobytes(grid: Grid) -> Attempt:
    return presented(grid, sequence=tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTET_STRING, bytes(60_000)))))


@attempt(VomsCode.AC_TOO_LARGE)
def seventeen_certificates(grid: Grid) -> Attempt:
    return presented(grid, *[grid.ac(alice(grid))] * 17)


@ac(VomsCode.AC_ALGORITHM)
def two_algorithms(grid: Grid) -> bytes:
    return forged(grid, algorithm=SHA256_WITH_RSA.replace(b"\x0b", b"\x0c"))


@ac(VomsCode.AC_ALGORITHM)
def sha1(grid: Grid) -> bytes:
    algorithm = SHA256_WITH_RSA.replace(b"\x01\x0b\x05", b"\x01\x05\x05")
    return forged(grid, algorithm=algorithm, outer_algorithm=algorithm)


# --- holder and issuer


@ac(VomsCode.AC_MALFORMED)
def holder_by_name_only(grid: Grid) -> bytes:
    return forged(grid, holder=tlv(SEQUENCE, tlv(context(1), tlv(context(4), alice(grid).leaf.subject.public_bytes()))))


@ac(VomsCode.AC_MALFORMED)
def holder_by_digest(grid: Grid) -> bytes:
    return forged(grid, holder=tlv(SEQUENCE, tlv(context(2), b"\x0a\x01\x00", SHA256_WITH_RSA, b"\x03\x02\x00\x00")))


@ac(VomsCode.AC_HOLDER)
def two_holders(grid: Grid) -> bytes:
    name = tlv(context(4), alice(grid).leaf.subject.public_bytes())
    serial = asn1.encode_der(alice(grid).leaf.serial_number)
    return forged(grid, holder=tlv(SEQUENCE, tlv(context(0), tlv(SEQUENCE, name, name), serial)))


@ac(VomsCode.AC_HOLDER)
def stolen_from_another_user(grid: Grid) -> bytes:
    return grid.ac(grid.user("Bob Example"))


@ac(VomsCode.AC_HOLDER)
def same_name_with_another_serial(grid: Grid) -> bytes:
    return grid.ac(grid.user())


@ac(VomsCode.AC_HOLDER)
def same_serial_with_another_name(grid: Grid) -> bytes:
    return forged(grid, holder=holder(grid.name("Bob").to_x509(), alice(grid).leaf.serial_number))


@attempt(VomsCode.AC_HOLDER)
def given_to_a_proxy(grid: Grid) -> Attempt:
    proxy = grid.proxy(alice(grid))
    sealed = forged(grid, holder=holder(proxy.leaf.subject, proxy.leaf.serial_number))
    return presented(grid, sealed, user=proxy)


@ac(VomsCode.AC_ISSUER)
def two_issuers(grid: Grid) -> bytes:
    name = tlv(context(4), grid.voms_server.leaf.subject.public_bytes())
    return forged(grid, issuer=tlv(context(0), tlv(SEQUENCE, name, name)))


@ac(VomsCode.AC_ISSUER)
def issuer_is_not_the_certificate_sent_along(grid: Grid) -> bytes:
    return forged(grid, issuer=tlv(context(0), general_names(grid.name("voms2", "hosts").to_x509())))
