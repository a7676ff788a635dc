"""X.509 for grids: structured names, proxies (RFC 3820), path validation, CRLs, IGTF trust files."""

from hansa.standards.x509.chain import ChainPolicy, Purpose, VerifiedIdentity, load_chain, validate_chain
from hansa.standards.x509.crl import CrlPolicy
from hansa.standards.x509.errors import X509Code, X509Error
from hansa.standards.x509.keys import KeyPolicy, PrivateKey, PublicKey
from hansa.standards.x509.name import Name
from hansa.standards.x509.proxy import Credential, create_proxy, load_key, parse_credential, render_credential
from hansa.standards.x509.proxyinfo import ProxyKind, ProxyPolicy
from hansa.standards.x509.trust import AuthorityPolicy, NamespaceMode, TrustPolicy, TrustStore

__all__ = [
    "AuthorityPolicy",
    "ChainPolicy",
    "Credential",
    "CrlPolicy",
    "KeyPolicy",
    "Name",
    "NamespaceMode",
    "PrivateKey",
    "ProxyKind",
    "ProxyPolicy",
    "PublicKey",
    "Purpose",
    "TrustPolicy",
    "TrustStore",
    "VerifiedIdentity",
    "X509Code",
    "X509Error",
    "create_proxy",
    "load_chain",
    "load_key",
    "parse_credential",
    "render_credential",
    "validate_chain",
]
