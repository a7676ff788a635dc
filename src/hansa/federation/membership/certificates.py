"""Whose certificate a file holds."""

from hansa.federation.membership.errors import NotACertificate
from hansa.federation.membership.model import Credential
from hansa.standards.x509 import Name, ProxyKind, X509Error, load_chain
from hansa.standards.x509.facts import read
from hansa.standards.x509.proxychain import kind_of_proxy


def credential_in(pem: bytes) -> Credential:
    """Subject and issuer of the user's certificate in a PEM file, which may be a proxy's. Raises NotACertificate."""
    try:
        chain = load_chain([pem])
        user = next(each for each in chain if kind_of_proxy(read(each)) is ProxyKind.NONE)
    except (X509Error, StopIteration) as error:
        raise NotACertificate("The file holds no user's certificate in PEM form.") from error
    return Credential(Name.from_x509(user.subject), Name.from_x509(user.issuer))
