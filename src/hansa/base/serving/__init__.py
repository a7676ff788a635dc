"""HTTP/1.1 over TLS and plain sockets for every server of Hansa (docs/explanation/tls-front.md).

TLS proves that the client holds the key of the certificate it shows, and nothing else: chains are published unverified
as the ASGI TLS extension, and the application validates them. That is what lets RFC 3820 proxies in, and lets a refused
credential be answered with a sentence instead of a broken connection.
"""

from hansa.base.serving.listener import LEGACY_VOMS_PATH, Gsi, Limits, Listener, Tls, TrustedFront, listener_name
from hansa.base.serving.server import Address, Server, running, serve

__all__ = [
    "LEGACY_VOMS_PATH",
    "Address",
    "Gsi",
    "Limits",
    "Listener",
    "Server",
    "Tls",
    "TrustedFront",
    "listener_name",
    "running",
    "serve",
]
