"""Attribute certificates that fail for their names, extensions and times."""

from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from tests.support.acs.corpus import (
    CRITICAL_UNKNOWN,
    NULL,
    Attempt,
    ac,
    alice,
    attempt,
    extensions,
    forged,
    fqan_attribute,
    presented,
    validity,
)
from tests.support.acs.servers import made_critical
from tests.support.pki import NOW, VO, Grid, rsa_key

from hansa.standards.voms import GenericAttribute
from hansa.standards.voms.asn1types import (
    AUTHORITY_KEY_IDENTIFIER,
    CERTIFICATES,
    NO_REV_AVAIL,
    TAGS,
    TARGETS,
)
from hansa.standards.voms.errors import VomsCode
from hansa.standards.x509.der import SEQUENCE, SET, URI, context, tlv

# --- content


@ac(VomsCode.AC_ATTRIBUTES)
def no_attribute(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE))


@ac(VomsCode.AC_ATTRIBUTES)
def two_attributes_with_names(grid: Grid) -> bytes:
    one = fqan_attribute([f"/{VO}".encode()])
    return forged(grid, attributes=tlv(SEQUENCE, one, one))


@ac(VomsCode.AC_MALFORMED)
def two_values_in_the_attribute(grid: Grid) -> bytes:
    value = tlv(SEQUENCE, tlv(context(0), tlv(URI, f"{VO}://localhost:15002".encode())), tlv(SEQUENCE))
    return forged(
        grid, attributes=tlv(SEQUENCE, tlv(SEQUENCE, bytes.fromhex("060a2b06010401be45646404"), tlv(SET, value, value)))
    )


@ac(VomsCode.AC_ATTRIBUTES)
def no_name_at_all(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE, fqan_attribute([])))


@ac(VomsCode.AC_ATTRIBUTES)
def two_thousand_names(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE, fqan_attribute([b"/vo"] * 2_000)))


@ac(VomsCode.AC_AUTHORITY)
def two_policy_authorities(grid: Grid) -> bytes:
    attribute = fqan_attribute([f"/{VO}".encode()], authorities=[f"{VO}://localhost:15002"] * 2)
    return forged(grid, attributes=tlv(SEQUENCE, attribute))


@ac(VomsCode.AC_AUTHORITY)
def policy_authority_without_a_port(grid: Grid) -> bytes:
    attribute = fqan_attribute([f"/{VO}".encode()], authorities=[f"{VO}://localhost"])
    return forged(grid, attributes=tlv(SEQUENCE, attribute))


@ac(VomsCode.AC_AUTHORITY)
def organisation_that_walks_out_of_the_directory(grid: Grid) -> bytes:
    attribute = fqan_attribute([f"/{VO}".encode()], authorities=[f"../vomsdir/{VO}://localhost:15002"])
    return forged(grid, attributes=tlv(SEQUENCE, attribute))


@ac(VomsCode.VO_NAME)
def organisation_named_dot_dot(grid: Grid) -> bytes:
    attribute = fqan_attribute([f"/{VO}".encode()], authorities=["..://localhost:15002"])
    return forged(grid, attributes=tlv(SEQUENCE, attribute))


@ac(VomsCode.AC_ATTRIBUTES)
def names_of_another_organisation(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE, fqan_attribute([b"/atlas/Role=production"])))


@ac(VomsCode.AC_ATTRIBUTES)
def names_of_an_organisation_with_a_longer_name(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE, fqan_attribute([f"/{VO}".encode(), f"/{VO}.evil".encode()])))


@ac(VomsCode.FQAN_SYNTAX)
def name_with_nul(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE, fqan_attribute([f"/{VO}/Role=a\0b".encode()])))


@ac(VomsCode.FQAN_SYNTAX)
def name_with_newline(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE, fqan_attribute([f"/{VO}\n".encode()])))


@ac(VomsCode.AC_MALFORMED)
def name_that_is_not_utf8(grid: Grid) -> bytes:
    return forged(grid, attributes=tlv(SEQUENCE, fqan_attribute([b"/\xff"])))


@ac(VomsCode.AC_TOO_LARGE)
def thousand_and_one_generic_attributes(grid: Grid) -> bytes:
    return grid.ac(alice(grid), attributes=[GenericAttribute("a", "b", "c")] * 1001)


@ac(VomsCode.AC_AUTHORITY)
def generic_attributes_of_another_server(grid: Grid) -> bytes:
    tags = tlv(
        SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(URI, b"atlas://localhost:15002")), tlv(SEQUENCE)))
    )
    return forged(grid, extensions=[*extensions(grid.voms_server.leaf), (TAGS, False, tags)])


# --- extensions


@ac(VomsCode.AC_EXTENSION)
def unknown_critical_extension(grid: Grid) -> bytes:
    return forged(grid, extensions=[*extensions(grid.voms_server.leaf), CRITICAL_UNKNOWN])


@ac(VomsCode.AC_EXTENSION)
def no_rev_avail_missing(grid: Grid) -> bytes:
    return forged(grid, extensions=[e for e in extensions(grid.voms_server.leaf) if e[0] != NO_REV_AVAIL])


@ac(VomsCode.AC_EXTENSION)
def no_rev_avail_critical(grid: Grid) -> bytes:
    return forged(grid, extensions=made_critical(grid, NO_REV_AVAIL))


@ac(VomsCode.AC_EXTENSION)
def authority_key_identifier_missing(grid: Grid) -> bytes:
    return forged(grid, extensions=[e for e in extensions(grid.voms_server.leaf) if e[0] != AUTHORITY_KEY_IDENTIFIER])


@ac(VomsCode.AC_EXTENSION)
def authority_key_identifier_critical(grid: Grid) -> bytes:
    return forged(grid, extensions=made_critical(grid, AUTHORITY_KEY_IDENTIFIER))


@ac(VomsCode.AC_KEY_IDENTIFIER)
def authority_key_identifier_of_another_key(grid: Grid) -> bytes:
    other = x509.AuthorityKeyIdentifier.from_issuer_public_key(rsa_key("stranger").public_key()).public_bytes()
    kept = [e for e in extensions(grid.voms_server.leaf) if e[0] != AUTHORITY_KEY_IDENTIFIER]
    return forged(grid, extensions=[*kept, (AUTHORITY_KEY_IDENTIFIER, False, other)])


@ac(VomsCode.AC_EXTENSION)
def extension_twice(grid: Grid) -> bytes:
    return forged(grid, extensions=[*extensions(grid.voms_server.leaf), (NO_REV_AVAIL, False, NULL)])


@ac(VomsCode.AC_TARGET)
def meant_for_another_host(grid: Grid) -> bytes:
    return grid.ac(alice(grid), targets=["other.example.org"])


@ac(VomsCode.AC_TARGET)
def empty_list_of_targets(grid: Grid) -> bytes:
    return forged(grid, extensions=[*extensions(grid.voms_server.leaf), (TARGETS, True, tlv(SEQUENCE, tlv(SEQUENCE)))])


@ac(VomsCode.AC_MALFORMED)
def list_of_targets_damaged(grid: Grid) -> bytes:
    return forged(grid, extensions=[*extensions(grid.voms_server.leaf), (TARGETS, True, b"\x30\x05\x04")])


@attempt(VomsCode.AC_TARGET)
def meant_for_a_host_and_we_do_not_know_ours(grid: Grid) -> Attempt:
    return replace(presented(grid, grid.ac(alice(grid), targets=["cloud.example.org"])), hostnames=())


@ac(VomsCode.AC_CERTIFICATES)
def no_certificate_in_the_list(grid: Grid) -> bytes:
    kept = extensions(grid.voms_server.leaf)[1:]
    return forged(grid, extensions=[(CERTIFICATES, False, tlv(SEQUENCE, tlv(SEQUENCE))), *kept])


@ac(VomsCode.AC_CERTIFICATES)
def six_certificates_in_the_list(grid: Grid) -> bytes:
    return forged(grid, extensions=extensions(*[grid.voms_server.leaf] * 6))


# --- time


@ac(VomsCode.AC_EXPIRED)
def expired(grid: Grid) -> bytes:
    return forged(grid, validity=validity(NOW - timedelta(hours=12), NOW - timedelta(seconds=1)))


@ac(VomsCode.AC_NOT_YET_VALID)
def from_the_future(grid: Grid) -> bytes:
    return forged(grid, validity=validity(NOW + timedelta(minutes=6), NOW + timedelta(hours=12)))


@ac(VomsCode.AC_LIFETIME)
def valid_for_a_year(grid: Grid) -> bytes:
    return forged(grid, validity=validity(NOW, NOW + timedelta(days=365)))


@ac(VomsCode.AC_LIFETIME)
def ends_before_it_begins(grid: Grid) -> bytes:
    return forged(grid, validity=validity(NOW + timedelta(minutes=2), NOW + timedelta(minutes=1)))
