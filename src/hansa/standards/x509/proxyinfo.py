"""The proxyCertInfo extension (RFC 3820 §3.8) and the kinds of proxies there have been."""

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ObjectIdentifier

from hansa.standards.x509.errors import X509Code, X509Error, refusing

PROXY_CERT_INFO = ObjectIdentifier("1.3.6.1.5.5.7.1.14")
DRAFT_PROXY_CERT_INFO = ObjectIdentifier("1.3.6.1.4.1.3536.1.222")
"""Of the Internet draft before RFC 3820 ("GT3 proxies"): recognised, never accepted."""


class ProxyPolicy(StrEnum):
    """Policy language of a proxy: which of its issuer's rights it carries."""

    INHERIT_ALL = "1.3.6.1.5.5.7.21.1"
    LIMITED = "1.3.6.1.4.1.3536.1.1.1.9"
    """Globus: everything but starting jobs."""
    INDEPENDENT = "1.3.6.1.5.5.7.21.2"
    """None: such a proxy has only rights granted to it by name."""


class ProxyKind(StrEnum):
    """How a credential speaks for its user."""

    NONE = "none"
    """The user's own certificate."""
    RFC3820 = "rfc3820"
    LEGACY = "legacy"
    """Globus Toolkit 2: no extension, last `CN` is `proxy` or `limited proxy`."""
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class ProxyInfo:
    """Content of proxyCertInfo: the language, and how many proxies may follow below (None: any number)."""

    policy: ProxyPolicy
    path_length: int | None


@asn1.sequence
class _Policy:
    language: ObjectIdentifier
    policy: bytes | None


@asn1.sequence
class _ProxyCertInfo:
    path_length: int | None
    policy: _Policy


def encode_proxy_info(info: ProxyInfo) -> bytes:
    """DER of the extension's value."""
    policy = _Policy(language=ObjectIdentifier(info.policy), policy=None)
    return asn1.encode_der(_ProxyCertInfo(path_length=info.path_length, policy=policy))


def decode_proxy_info(der: bytes) -> ProxyInfo:
    """Read the extension's value strictly: no trailing bytes, no unknown language, no policy text.

    Raises `X509Error` (`x509.proxy.info`, `x509.proxy.policy`).
    """
    with refusing(X509Code.PROXY_INFO, "A proxy certificate has a damaged proxyCertInfo extension"):
        info = asn1.decode_der(_ProxyCertInfo, der)
    if info.path_length is not None and info.path_length < 0:
        raise X509Error(X509Code.PROXY_INFO, "A proxy certificate states a negative path length")
    try:
        policy = ProxyPolicy(info.policy.language.dotted_string)
    except ValueError:
        raise X509Error(
            X509Code.PROXY_POLICY, f"A proxy uses the unknown policy language {info.policy.language.dotted_string}"
        ) from None
    if info.policy.policy is not None:
        raise X509Error(X509Code.PROXY_INFO, "A proxy carries a policy text, which its policy language does not allow")
    return ProxyInfo(policy, info.path_length)


def proxy_info_extension(info: ProxyInfo) -> x509.UnrecognizedExtension:
    """For a certificate builder; to be added as critical."""
    return x509.UnrecognizedExtension(PROXY_CERT_INFO, encode_proxy_info(info))
