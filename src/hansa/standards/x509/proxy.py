"""Making proxy certificates (RFC 3820) and the files that hold them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hansa.standards.x509.errors import X509Code, X509Error, refusing
from hansa.standards.x509.keys import PrivateKey, PublicKey
from hansa.standards.x509.proxyinfo import (
    PROXY_CERT_INFO,
    ProxyInfo,
    ProxyPolicy,
    decode_proxy_info,
    proxy_info_extension,
)

BACKDATE = timedelta(minutes=5)
"""Clocks differ: a fresh certificate is valid since a little while ago."""

PROXY_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
_MAX_CREDENTIAL_BYTES = 200_000
_KEY_BLOCK = re.compile(rb"-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credential:
    """Certificates, leaf first, and the key of the leaf."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey

    @property
    def leaf(self) -> x509.Certificate:
        return self.chain[0]


def create_proxy(
    issuer: Credential,
    public_key: PublicKey,
    *,
    now: datetime,
    serial: int,
    lifetime: timedelta = timedelta(hours=12),
    policy: ProxyPolicy = ProxyPolicy.INHERIT_ALL,
    path_length: int | None = None,
    extensions: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    """A proxy certificate for `public_key`, signed by the leaf of `issuer` (RFC 3820 §3).

    `serial`, a positive random number below 2**31, is also the added common name. The end is clipped to the issuer's.
    `extensions` go in not critical: `voms.ac_extension(...)` is the usual one. A limited issuer makes limited proxies,
    whatever `policy` says.
    """
    parent = issuer.leaf
    common_name = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, str(serial))])
    if _is_limited(parent):
        policy = ProxyPolicy.LIMITED
    not_before = max(now - BACKDATE, parent.not_valid_before_utc)
    not_after = min(now + lifetime, parent.not_valid_after_utc)
    with refusing(X509Code.EXPIRED, "The signing certificate leaves no time for a proxy: renew it"):
        builder = (
            x509.CertificateBuilder(
                issuer_name=parent.subject, subject_name=x509.Name([*parent.subject.rdns, common_name])
            )
            .public_key(public_key)
            .serial_number(serial)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )
    builder = (
        builder.add_extension(proxy_info_extension(ProxyInfo(policy, path_length)), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(PROXY_KEY_USAGE, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def _is_limited(certificate: x509.Certificate) -> bool:
    with refusing(X509Code.MALFORMED, "The signing certificate has damaged extensions"):
        for extension in certificate.extensions:
            if extension.oid == PROXY_CERT_INFO and isinstance(extension.value, x509.UnrecognizedExtension):
                return decode_proxy_info(extension.value.value).policy is ProxyPolicy.LIMITED
    return False


def render_credential(credential: Credential) -> bytes:
    """The classic proxy file: leaf certificate, its key unencrypted in the traditional form, then the rest of the chain.

    It holds a secret: write it with mode 0600.
    """
    key = credential.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    leaf, *rest = (certificate.public_bytes(serialization.Encoding.PEM) for certificate in credential.chain)
    return b"".join((leaf, key, *rest))


def parse_credential(data: bytes, password: bytes | None = None) -> Credential:
    """Read a proxy file, or a certificate and key together; the key must be that of the first certificate.

    Raises `X509Error` (`x509.credential.syntax`, `x509.credential.key`).
    """
    if len(data) > _MAX_CREDENTIAL_BYTES:
        raise X509Error(X509Code.CREDENTIAL_SYNTAX, f"A credential file is longer than {_MAX_CREDENTIAL_BYTES} bytes")
    with refusing(X509Code.CREDENTIAL_SYNTAX, "The credential holds no readable certificate in PEM form"):
        chain = tuple(x509.load_pem_x509_certificates(data))
    key = load_key(data, password)
    with refusing(X509Code.KEY_UNSUPPORTED, "The certificate's key is of an unknown kind"):
        matches = chain[0].public_key() == key.public_key()
    if not matches:
        raise X509Error(
            X509Code.CREDENTIAL_KEY, "The private key does not belong to the first certificate of the credential"
        )
    return Credential(chain, key)


def load_key(data: bytes, password: bytes | None = None) -> PrivateKey:
    """The first private key in PEM text. Raises `X509Error` (`x509.credential.key`), also for a wrong password."""
    block = _KEY_BLOCK.search(data)
    if block is None:
        raise X509Error(X509Code.CREDENTIAL_KEY, "The credential holds no private key in PEM form")
    with refusing(
        X509Code.CREDENTIAL_KEY, "The private key cannot be read: it is damaged, or the password is wrong or missing"
    ):
        key = serialization.load_pem_private_key(block.group(), password)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise X509Error(X509Code.KEY_UNSUPPORTED, "The private key is neither RSA nor elliptic curve")
    return key
