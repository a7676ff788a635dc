"""What a listener is: where it listens, what it demands of peers, and how much it takes from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

LEGACY_VOMS_PATH = "/.voms-legacy"
"""Path under which a `gsi` listener hands a bare XML document of the legacy VOMS dialect to the application."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Host credentials in PEM files, read again when they change; connections that are open keep what they have."""

    certificate: Path
    """The host certificate, leaf first, with any intermediates after it."""
    key: Path
    """Its unencrypted private key."""
    ask_client: bool = True
    """Request a client certificate (never required). Off for listeners that browsers of the public use."""


@dataclass(frozen=True, slots=True)
class TrustedFront:
    """A TLS front (Apache with mod_gridsite) that forwards the client's chain in headers.

    Over a unix socket its file mode decides who may speak. Over TCP the peer must be in `peers` and must show `secret` in the
    header `X-Hansa-Front-Secret`. Anybody else is refused, and the application validates the forwarded chain again.
    """

    peers: tuple[IPv4Network | IPv6Network, ...] = ()
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Gsi:
    """The tolerance that clients of VOMS need: a stray `0` byte before the request, bare XML instead of HTTP (it reaches the
    application as `POST /.voms-legacy`), one request a connection.

    A form that is switched off ends the connection without an answer, as old servers do: clients then try the other.
    """

    http: bool = True
    xml: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one peer can make us hold. Times are seconds, sizes are bytes."""

    handshake: float = 10.0
    """From accept to the end of the TLS handshake."""
    head: float = 10.0
    """From the first byte a request may have (after accept or handshake) to the end of its head."""
    body: float = 30.0
    """Longest silence inside a request body."""
    stall: float = 60.0
    """Longest time a peer may leave our bytes unacknowledged."""
    keep_alive: float = 15.0
    """Longest idle time between two requests."""
    head_size: int = 128 * 1024
    """A request line and its headers: room for 64 KiB of OCCI text headers, among them 16 KiB of user data."""
    body_size: int = 1024 * 1024
    connections: int = 1000


@dataclass(frozen=True, slots=True)
class Listener:
    """One socket. `name` reaches the application (see `listener_name`) and the log.

    Give either `host` and `port` (0 lets the kernel choose), or `unix`.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 0
    unix: Path | None = None
    unix_mode: int = 0o660
    tls: Tls | None = None
    front: TrustedFront | None = None
    gsi: Gsi | None = None
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if self.front and self.tls:
            raise ValueError("a listener behind a trusted front is plain: the front ends TLS")
        if self.front and not self.unix and not (self.front.peers and self.front.secret):
            raise ValueError("a trusted front over TCP needs both its addresses and a shared secret")


def listener_name(scope: Mapping[str, Any]) -> str:
    """The name of the listener that took this ASGI connection."""
    name: str = scope["extensions"]["hansa.listener"]["name"]
    return name
