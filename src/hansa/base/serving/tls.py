"""OpenSSL contexts of the TLS front, and what a finished handshake says about the client."""

from collections.abc import Mapping
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from hansa.base.errors import ConfigurationError
from hansa.base.serving.listener import Tls
from hansa.base.watch import Watched

CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"
"""For TLS 1.2: forward secrecy and authenticated encryption only. Those of TLS 1.3 are such by themselves."""


def server_context(certificate: bytes, key: bytes, *, ask_client: bool) -> SSL.Context:
    """TLS 1.2 and 1.3, no resumption of any kind: a resumed session carries a leaf without its chain.

    `certificate`: PEM, leaf first, then intermediates; `key`: PEM. Raises ConfigurationError.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(CIPHERS)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if ask_client:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    try:
        leaf, *intermediates = x509.load_pem_x509_certificates(certificate)
        context.use_certificate(leaf)
        for each in intermediates:
            context.add_extra_chain_cert(each)
        context.use_privatekey(load_pem_private_key(key, None))  # type: ignore[arg-type]  # checked by OpenSSL itself
        context.check_privatekey()
    except (ValueError, TypeError, SSL.Error) as error:
        raise ConfigurationError("The host certificate and key do not load, or do not belong together.") from error
    return context


class HostCredentials:
    """The context for new connections, built again when the files change."""

    def __init__(self, tls: Tls) -> None:
        paths = dict.fromkeys((tls.certificate, tls.key))
        try:
            self._watched = Watched(paths, partial(_build, tls))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"The host certificate or its key cannot be read: {error}.") from error

    def context(self) -> SSL.Context:
        return self._watched.current


def _build(tls: Tls, files: Mapping[str, bytes]) -> SSL.Context:
    return server_context(files[tls.certificate.name], files[tls.key.name], ask_client=tls.ask_client)


def client_chain(connection: SSL.Connection) -> list[str]:
    """The chain the client showed, PEM, leaf first; empty without a certificate.

    On the server side OpenSSL keeps the leaf apart from the rest of the chain.
    """
    leaf = connection.get_peer_certificate()
    if leaf is None:
        return []
    rest = connection.get_peer_cert_chain() or []
    return [crypto.dump_certificate(crypto.FILETYPE_PEM, each).decode("ascii") for each in (leaf, *rest)]
