"""Whoever changes one bit of a credential has no credential; whatever the bytes, nobody gets more than a refusal."""

from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pki import NOW, SHA256_WITH_RSA, Grid, rsa_key

from hansa.standards.errors import StandardError
from hansa.standards.voms import (
    AttributeCertificate,
    GenericAttribute,
    decode_ac,
    decode_ac_sequence,
    encode_ac_sequence,
    verify_ac,
    verify_acs,
)
from hansa.standards.x509 import ProxyPolicy, X509Error, validate_chain
from hansa.standards.x509.der import tlv
from hansa.standards.x509.keys import sign
from hansa.standards.x509.proxyinfo import ProxyInfo, decode_proxy_info, encode_proxy_info
from hansa.standards.x509.trust import load_certificates

# The certificate library warns of things that mutated certificates are full of.
pytestmark = pytest.mark.filterwarnings("ignore")

GRID = Grid()
ALICE = GRID.user(email="alice@example.org")
PROXY = GRID.proxy(GRID.proxy(ALICE))
TRUST, VOMSDIR = GRID.trust(), GRID.vomsdir()
CHAIN = [certificate.public_bytes(Encoding.DER) for certificate in PROXY.chain]
IDENTITY = validate_chain(PROXY.chain, TRUST, now=NOW)
AC = GRID.ac(ALICE, attributes=[GenericAttribute("nick", "alice", GRID.vo)], targets=["cloud.example.org"])


def flipped(data: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


def accepts_chain(link: int, der: bytes) -> bool:
    try:
        chain = [*PROXY.chain[:link], *load_certificates(der), *PROXY.chain[link + 1 :]]
        validate_chain(chain, TRUST, now=NOW)
    except X509Error:
        return False
    return True


def accepts_ac(der: bytes) -> bool:
    try:
        verify_ac(decode_ac(der), IDENTITY, TRUST, VOMSDIR, now=NOW, hostnames=frozenset({"cloud.example.org"}))
    except StandardError:
        return False
    return True


def test_unchanged_they_are_accepted() -> None:
    assert all(accepts_chain(link, der) for link, der in enumerate(CHAIN))
    assert accepts_ac(AC)


def every_bit(data: bytes) -> Iterator[tuple[int, int]]:
    return ((position, bit) for position in range(len(data)) for bit in range(8))


@pytest.mark.parametrize("link", range(len(CHAIN)))
def test_a_chain_with_any_bit_changed_is_refused(link: int) -> None:
    der = CHAIN[link]
    assert [at for at in every_bit(der) if accepts_chain(link, flipped(der, *at))] == []


def test_an_attribute_certificate_with_any_bit_changed_is_refused() -> None:
    assert [at for at in every_bit(AC) if accepts_ac(flipped(AC, *at))] == []


@given(st.integers(0, len(AC) - 1), st.binary(max_size=12), st.integers(0, 12))
def test_an_attribute_certificate_with_bytes_put_in_or_taken_out_is_refused(
    position: int, new: bytes, out: int
) -> None:
    changed = AC[:position] + new + AC[position + out :]
    assert changed == AC or not accepts_ac(changed)


@pytest.mark.parametrize("bit", [0, 5])
def test_a_proxy_its_maker_can_sign_is_accepted_or_refused_and_nothing_else(bit: int) -> None:
    """Users sign their own proxies, so any content may reach us with a good signature."""
    leaf, key = PROXY.leaf, rsa_key("proxy 1")
    for position in range(4, len(leaf.tbs_certificate_bytes)):
        try:
            (certificate,) = load_certificates(resigned(leaf, key, position, bit))
            identity = validate_chain([certificate, *PROXY.chain[1:]], TRUST, now=NOW)
            verify_acs(identity, TRUST, VOMSDIR, now=NOW)
        except StandardError:
            continue
        assert identity.subject == IDENTITY.subject


@pytest.mark.parametrize("bit", [0, 5])
def test_an_attribute_certificate_its_server_can_sign_is_accepted_or_refused_and_nothing_else(bit: int) -> None:
    signed = decode_ac(AC).signed
    for position in range(4, len(signed)):
        info = flipped(signed, position, bit)
        signature = sign(GRID.voms_server.key, info)
        der = tlv(0x30, info, SHA256_WITH_RSA, tlv(0x03, b"\0", signature))
        if accepts_ac(der):
            ac = decode_ac(der)
            assert (ac.vo, ac.holder_serial) == (GRID.vo, ALICE.leaf.serial_number)


def resigned(certificate: x509.Certificate, key: rsa.RSAPrivateKey, position: int, bit: int) -> bytes:
    tbs = flipped(certificate.tbs_certificate_bytes, position, bit)
    return tlv(0x30, tbs, SHA256_WITH_RSA, tlv(0x03, b"\0", sign(key, tbs)))


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    for parse in (decode_ac, decode_ac_sequence, decode_proxy_info):
        try:
            parse(data)
        except StandardError:
            continue


@given(st.sampled_from(ProxyPolicy), st.none() | st.integers(0, 2**70))
def test_proxy_info_reads_back(policy: ProxyPolicy, path_length: int | None) -> None:
    info = ProxyInfo(policy, path_length)
    assert decode_proxy_info(encode_proxy_info(info)) == info


@given(st.lists(st.sampled_from([AC, GRID.ac(ALICE)]), max_size=5))
def test_a_sequence_of_attribute_certificates_reads_back(acs: list[bytes]) -> None:
    assert decode_ac_sequence(encode_ac_sequence(acs)) == tuple(acs)


def test_an_issued_attribute_certificate_reads_back() -> None:
    ac = decode_ac(AC)
    assert isinstance(ac, AttributeCertificate)
    assert (ac.vo, ac.host, ac.port) == (GRID.vo, GRID.host, GRID.port)
    assert ac.holder == IDENTITY.subject
    assert ac.holder_serial == ALICE.leaf.serial_number
    assert ac.targets == ("cloud.example.org",)
    assert ac.attributes == (GenericAttribute("nick", "alice", GRID.vo),)
    assert [link.certificate for link in ac.chain] == [GRID.voms_server.leaf]
