"""How certificates are refused: one exception, one enumerated code for each rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from hansa.standards.errors import StandardError


class X509Code(StrEnum):
    """Every refusal of `hansa.standards.x509`; docs/reference/x509-and-voms.md explains each."""

    MALFORMED = "x509.malformed"
    NAME_SYNTAX = "x509.name.syntax"
    NAME_EMPTY = "x509.name.empty"
    CREDENTIAL_SYNTAX = "x509.credential.syntax"
    CREDENTIAL_KEY = "x509.credential.key"

    EXPIRED = "x509.expired"
    NOT_YET_VALID = "x509.not_yet_valid"
    KEY_WEAK = "x509.key.weak"
    KEY_UNSUPPORTED = "x509.key.unsupported"
    SIGNATURE_ALGORITHM = "x509.signature.algorithm"
    SIGNATURE = "x509.signature"
    EXTENSION_UNKNOWN = "x509.extension.unknown"
    KEY_USAGE = "x509.key_usage"
    PURPOSE = "x509.purpose"

    CHAIN_EMPTY = "x509.chain.empty"
    CHAIN_TOO_LONG = "x509.chain.too_long"
    CHAIN_TOO_LARGE = "x509.chain.too_large"
    CHAIN_ORDER = "x509.chain.order"
    CHAIN_NO_USER = "x509.chain.no_user_certificate"
    CHAIN_UNTRUSTED = "x509.chain.untrusted"

    PROXY_KIND = "x509.proxy.kind"
    PROXY_MIXED = "x509.proxy.mixed"
    PROXY_DEPTH = "x509.proxy.depth"
    PROXY_NAME = "x509.proxy.name"
    PROXY_INFO = "x509.proxy.info"
    PROXY_POLICY = "x509.proxy.policy"
    PROXY_PATH_LENGTH = "x509.proxy.path_length"
    PROXY_LIMITED = "x509.proxy.limited"
    PROXY_ISSUER = "x509.proxy.issuer"
    PROXY_EXTENSION = "x509.proxy.extension"

    CA_NOT_A_CA = "x509.ca.not_a_ca"
    CA_PATH_LENGTH = "x509.ca.path_length"
    CA_KEY_USAGE = "x509.ca.key_usage"
    CA_AS_USER = "x509.ca.as_user"
    CA_NAME_CONSTRAINTS = "x509.ca.name_constraints"

    CRL_MISSING = "x509.crl.missing"
    CRL_STALE = "x509.crl.stale"
    CRL_SIGNATURE = "x509.crl.signature"
    CRL_UNSUPPORTED = "x509.crl.unsupported"
    REVOKED = "x509.revoked"

    NAMESPACE_MISSING = "x509.namespace.missing"
    NAMESPACE_SYNTAX = "x509.namespace.syntax"
    NAMESPACE_OUTSIDE = "x509.namespace.outside"


class X509Error(StandardError):
    """A certificate, chain, key or trust file that is refused; `code` is an `X509Code`."""

    def __init__(self, code: X509Code, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(code.value, reason, line=line, column=column)


@contextmanager
def refusing(code: X509Code, reason: str, *about: object) -> Iterator[None]:
    """Turn whatever the DER and key libraries raise on bad input into `X509Error(code, reason)`.

    `about` fills the `{}` of `reason`, and only then: rendering names costs more than checking them.
    """
    try:
        yield
    except StandardError:
        raise
    except (
        ValueError,
        TypeError,
        OverflowError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
        x509.InvalidVersion,
    ) as error:
        raise X509Error(code, reason.format(*about) if about else reason) from error
