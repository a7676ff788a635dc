"""The part of a chain below the user's certificate: rules of RFC 3820 §4 and Globus' limited proxies."""

from collections.abc import Sequence

from cryptography.x509.oid import ExtensionOID

from hansa.standards.x509.errors import X509Code, X509Error
from hansa.standards.x509.facts import Facts, check_signed_by
from hansa.standards.x509.keys import KeyPolicy
from hansa.standards.x509.proxyinfo import (
    DRAFT_PROXY_CERT_INFO,
    PROXY_CERT_INFO,
    ProxyInfo,
    ProxyKind,
    ProxyPolicy,
    decode_proxy_info,
)

_LEGACY_NAMES = {"proxy": False, "limited proxy": True}


def kind_of_proxy(facts: Facts) -> ProxyKind:
    """What a certificate is by its own look. A `CN=proxy` counts only below the issuer's whole name."""
    if DRAFT_PROXY_CERT_INFO in facts.extensions:
        return ProxyKind.DRAFT
    if PROXY_CERT_INFO in facts.extensions:
        return ProxyKind.RFC3820
    if facts.subject.last_common_name in _LEGACY_NAMES and facts.subject.is_child_of(facts.issuer) and not facts.is_ca:
        return ProxyKind.LEGACY
    return ProxyKind.NONE


def check_proxies(proxies: Sequence[Facts], user: Facts, kinds: Sequence[ProxyKind], keys: KeyPolicy) -> bool:
    """Check every proxy against the one above it; tells whether the credential is limited."""
    limited = False
    for index in reversed(range(len(proxies))):
        proxy = proxies[index]
        issuer = proxies[index + 1] if index + 1 < len(proxies) else user
        _check_names(proxy, issuer)
        _check_restrictions(proxy)
        is_limited = _is_limited(proxy, kinds[index], proxies_below=index)
        if limited and not is_limited:
            raise X509Error(X509Code.PROXY_LIMITED, "The chain has a full proxy below a limited one")
        limited = is_limited
        check_signed_by(proxy, issuer, keys)
    return limited


def _check_names(proxy: Facts, issuer: Facts) -> None:
    if proxy.issuer != issuer.subject:
        raise X509Error(
            X509Code.PROXY_ISSUER,
            f"The chain is out of order: a proxy was made by {proxy.issuer}, not by {issuer.subject}",
        )
    if not proxy.subject.is_child_of(issuer.subject):
        raise X509Error(
            X509Code.PROXY_NAME, "A proxy's name must be its issuer's and one common name more (RFC 3820 section 3.4)"
        )


def _check_restrictions(proxy: Facts) -> None:
    if proxy.is_ca:
        raise X509Error(X509Code.PROXY_EXTENSION, "A proxy claims to be an authority")
    usage = proxy.key_usage
    if usage is not None and usage.key_cert_sign:
        raise X509Error(X509Code.PROXY_EXTENSION, "A proxy claims the right to sign certificates")
    for oid in (ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.ISSUER_ALTERNATIVE_NAME):
        if oid in proxy.extensions:
            raise X509Error(X509Code.PROXY_EXTENSION, "A proxy must not have alternative names")


def _is_limited(proxy: Facts, kind: ProxyKind, proxies_below: int) -> bool:
    if kind is ProxyKind.LEGACY:
        return _LEGACY_NAMES[proxy.subject.last_common_name or ""]
    info = _proxy_info(proxy)
    if info.policy is ProxyPolicy.INDEPENDENT:
        raise X509Error(X509Code.PROXY_POLICY, "An independent proxy carries none of its user's rights")
    if info.path_length is not None and proxies_below > info.path_length:
        raise X509Error(
            X509Code.PROXY_PATH_LENGTH, f"A proxy allows {info.path_length} proxies below it; there are {proxies_below}"
        )
    return info.policy is ProxyPolicy.LIMITED


def _proxy_info(proxy: Facts) -> ProxyInfo:
    extension, value = proxy.extensions[PROXY_CERT_INFO], proxy.raw(PROXY_CERT_INFO)
    if not extension.critical or value is None:
        raise X509Error(X509Code.PROXY_INFO, "A proxy's proxyCertInfo extension is not marked critical")
    return decode_proxy_info(value)
