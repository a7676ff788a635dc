"""Listeners as an operator writes them: `[[listeners]]` of every component's configuration."""

from ipaddress import IPv4Network, IPv6Network

from pydantic import Field, model_validator

from hansa.base.config import FilePath, Settings
from hansa.base.serving.listener import Limits, Listener, Tls, TrustedFront


class TlsSettings(Settings):
    """The host's credentials; both files are read again when they change."""

    certificate: FilePath = Field(description="Host certificate in PEM, leaf first, then intermediates.")
    key: FilePath = Field(description="Its private key in PEM, without passphrase.")
    ask_client: bool = Field(True, description="Ask clients for a certificate (never demanded).")


class FrontSettings(Settings):
    """A TLS front (Apache with mod_gridsite) that is trusted to forward the client's chain."""

    peers: tuple[IPv4Network | IPv6Network, ...] = Field((), description="Addresses from which the front speaks.")
    secret: str = Field("", repr=False, description="What the front shows in X-Hansa-Front-Secret.")


_LIMITS = Limits()


class LimitSettings(Settings):
    """Bounds on one peer; the rest of `Limits` is not for operators."""

    body_size: int = Field(_LIMITS.body_size, ge=1024, description="Longest request body in bytes.")
    connections: int = Field(_LIMITS.connections, ge=1, description="Connections at once.")


class ListenerSettings(Settings):
    """One socket: either `host` and `port`, or `unix`."""

    name: str = Field(description="What the log calls it.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65535, description="TCP port; 0 lets the kernel choose.")
    unix: FilePath | None = Field(None, description="Path of a unix socket, instead of host and port.")
    tls: TlsSettings | None = Field(None, description="Without it the listener is plain HTTP.")
    front: FrontSettings | None = Field(None, description="Only for listeners behind a trusted TLS front.")
    limits: LimitSettings = Field(LimitSettings(), description="Bounds on one peer.")

    @model_validator(mode="after")
    def _agrees(self) -> "ListenerSettings":
        self.listener()
        return self

    def listener(self) -> Listener:
        return Listener(
            name=self.name,
            host=self.host,
            port=self.port,
            unix=self.unix,
            tls=Tls(self.tls.certificate, self.tls.key, self.tls.ask_client) if self.tls else None,
            front=TrustedFront(self.front.peers, self.front.secret) if self.front else None,
            limits=Limits(body_size=self.limits.body_size, connections=self.limits.connections),
        )
