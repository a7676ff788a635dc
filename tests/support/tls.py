"""Host certificates and proxy chains for servers under test, without any rule of ours in their making.

The chains here need not be valid: the TLS front must carry whatever a client can prove possession of.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

SERIALS = count(1)
INHERIT_ALL = bytes.fromhex("300c300a06082b06010505071501")
LIMITED = bytes.fromhex("300f300d060b2b060104019b5001010109")
RFC_PROXY = ObjectIdentifier("1.3.6.1.5.5.7.1.14")
DRAFT_PROXY = ObjectIdentifier("1.3.6.1.4.1.3536.1.222")


@dataclass(frozen=True)
class Holder:
    """A certificate with its key, and the certificates above it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: "Holder | None" = None

    def pems(self) -> list[str]:
        """What a client sends: leaf first, root left out."""
        own = self.certificate.public_bytes(Encoding.PEM).decode()
        return [own, *(self.above.pems() if self.above and self.above.above else [])]

    def write(self, path: Path) -> Path:
        """One PEM file: chain, then key."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        path.touch(mode=0o600)
        path.write_text("".join(self.pems()) + key)
        return path


def authority() -> Holder:
    return _signed(_name("Test CA"), None, ca=True)


def certificate(ca: Holder, common_name: str) -> Holder:
    return _signed(_name(common_name), ca)


def proxy(issuer: Holder, kind: str = "rfc") -> Holder:
    """A proxy of that kind: rfc, limited, draft or legacy."""
    tail = {"legacy": "proxy"}.get(kind, str(next(SERIALS) + 1000))
    below = x509.Name(
        [
            *issuer.certificate.subject.rdns,
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, tail)]),
        ]
    )
    oid, value = {"draft": (DRAFT_PROXY, INHERIT_ALL), "limited": (RFC_PROXY, LIMITED)}.get(
        kind, (RFC_PROXY, INHERIT_ALL)
    )
    extension = None if kind == "legacy" else x509.UnrecognizedExtension(oid, value)
    return _signed(below, issuer, extension)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "test"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _signed(
    subject: x509.Name, issuer: Holder | None, extension: x509.ExtensionType | None = None, *, ca: bool = False
) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(next(SERIALS))
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if extension:
        builder = builder.add_extension(extension, critical=True)
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key, issuer)
