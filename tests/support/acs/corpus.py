"""What an attribute-certificate case is, and a forger that can get any single part of one wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.pki import NOW, SHA256_WITH_RSA, VO, Grid

from hansa.standards.voms import encode_ac_sequence, render_lsc
from hansa.standards.voms.asn1types import (
    AC_SEQUENCE,
    AUTHORITY_KEY_IDENTIFIER,
    CERTIFICATES,
    FQANS,
    NO_REV_AVAIL,
)
from hansa.standards.voms.errors import VomsCode
from hansa.standards.x509 import Credential, PrivateKey, X509Code
from hansa.standards.x509.der import BIT_STRING, OCTET_STRING, SEQUENCE, SET, URI, context, tlv
from hansa.standards.x509.keys import sign

NULL = b"\x05\x00"
TRUE = b"\x01\x01\xff"
CRITICAL_UNKNOWN = (x509.ObjectIdentifier("1.2.3.4.5"), True, NULL)


@dataclass(frozen=True)
class Attempt:
    """A credential, and what the site has."""

    chain: Sequence[x509.Certificate]
    trust: Mapping[str, bytes]
    vomsdir: Mapping[str, bytes]
    hostnames: Sequence[str] = ("cloud.example.org",)
    now: datetime = NOW
    fqans: Sequence[str] = (f"/{VO}",)
    """What is expected if it is good."""


@dataclass(frozen=True)
class Case:
    name: str
    refused: VomsCode | X509Code | None
    build: Callable[[Grid], Attempt]


CASES: list[Case] = []

Build = Callable[[Grid], Attempt]


def attempt(refused: VomsCode | X509Code | None = None) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES.append(Case(build.__name__, refused, build))
        return build

    return register


def ac(refused: VomsCode | X509Code | None = None) -> Callable[[Callable[[Grid], bytes]], Callable[[Grid], bytes]]:
    """For cases where the site is the ordinary one and Alice presents this certificate."""

    def register(build: Callable[[Grid], bytes]) -> Callable[[Grid], bytes]:
        def whole(grid: Grid) -> Attempt:
            return presented(grid, build(grid))

        CASES.append(Case(build.__name__, refused, whole))
        return build

    return register


def presented(grid: Grid, *acs: bytes, sequence: bytes | None = None, user: Credential | None = None) -> Attempt:
    """Alice's proxy with these certificates, or with these raw bytes as its extension's value."""
    value = encode_ac_sequence(acs) if sequence is None else sequence
    extension = x509.UnrecognizedExtension(AC_SEQUENCE, value)
    proxy = grid.proxy(user or alice(grid), extensions=[extension])
    return Attempt(proxy.chain, grid.trust_files(), grid.vomsdir_files())


def alice(grid: Grid) -> Credential:
    """The same Alice through one case."""
    return grid.once("alice", grid.user)


# --- the parts of an attribute certificate


@dataclass
class Parts:
    """Encoded parts; a case changes one of them before `sealed`."""

    version: bytes
    holder: bytes
    issuer: bytes
    algorithm: bytes
    serial: bytes
    validity: bytes
    attributes: bytes
    extensions: list[tuple[x509.ObjectIdentifier, bool, bytes]]
    key: PrivateKey
    outer_algorithm: bytes = SHA256_WITH_RSA
    tail: bytes = b""

    def sealed(self) -> bytes:
        extensions = (
            tlv(SEQUENCE, asn1.encode_der(oid), TRUE if critical else b"", tlv(OCTET_STRING, value))
            for oid, critical, value in self.extensions
        )
        info = tlv(
            SEQUENCE,
            self.version,
            self.holder,
            self.issuer,
            self.algorithm,
            self.serial,
            self.validity,
            self.attributes,
            tlv(SEQUENCE, *extensions),
        )
        return tlv(SEQUENCE, info, self.outer_algorithm, tlv(BIT_STRING, b"\0", sign(self.key, info)), self.tail)


def parts(grid: Grid, **changes: object) -> Parts:
    """Of a good certificate for Alice, but for `changes`: fields of `Parts`."""
    server = grid.voms_server
    good: dict[str, object] = {
        "version": asn1.encode_der(1),
        "holder": holder(alice(grid).leaf.subject, alice(grid).leaf.serial_number),
        "issuer": tlv(context(0), general_names(server.leaf.subject)),
        "algorithm": SHA256_WITH_RSA,
        "serial": asn1.encode_der(4242),
        "validity": validity(NOW - timedelta(minutes=5), NOW + timedelta(hours=12)),
        "attributes": tlv(SEQUENCE, fqan_attribute([f"/{VO}".encode()])),
        "extensions": extensions(server.leaf),
        "key": server.key,
    }
    return Parts(**(good | changes))  # type: ignore[arg-type]  # a table of keyword arguments


def forged(grid: Grid, **changes: object) -> bytes:
    return parts(grid, **changes).sealed()


def general_names(name: x509.Name) -> bytes:
    return tlv(SEQUENCE, tlv(context(4), name.public_bytes()))


def holder(name: x509.Name, serial: int) -> bytes:
    return tlv(SEQUENCE, tlv(context(0), general_names(name), asn1.encode_der(serial)))


def validity(start: datetime, end: datetime) -> bytes:
    return tlv(SEQUENCE, asn1.encode_der(asn1.GeneralizedTime(start)), asn1.encode_der(asn1.GeneralizedTime(end)))


def fqan_attribute(values: Sequence[bytes], *, authorities: Sequence[str] = (f"{VO}://localhost:15002",)) -> bytes:
    names = tlv(SEQUENCE, *(tlv(OCTET_STRING, value) for value in values))
    uris = tlv(context(0), *(tlv(URI, authority.encode()) for authority in authorities))
    return tlv(SEQUENCE, asn1.encode_der(FQANS), tlv(SET, tlv(SEQUENCE, uris, names)))


def extensions(*certificates: x509.Certificate) -> list[tuple[x509.ObjectIdentifier, bool, bytes]]:
    """The usual ones, for a server with this chain."""
    chain = tlv(SEQUENCE, tlv(SEQUENCE, *(c.public_bytes(Encoding.DER) for c in certificates)))
    key = x509.AuthorityKeyIdentifier.from_issuer_public_key(certificates[0].public_key())  # type: ignore[arg-type]
    return [
        (CERTIFICATES, False, chain),
        (NO_REV_AVAIL, False, NULL),
        (AUTHORITY_KEY_IDENTIFIER, False, key.public_bytes()),
    ]


def lsc(grid: Grid, *certificates: x509.Certificate) -> dict[str, bytes]:
    return {f"{grid.vo}/{grid.host}.lsc": render_lsc(certificates)}
