"""The federation's configuration file (docs/reference/configuration.md is made from it)."""

from typing import Self

from pydantic import Field, model_validator

from hansa.base.config import DatabaseSettings, FilePath, Settings
from hansa.base.mail import MailSettings
from hansa.base.telemetry.app import TelemetrySettings
from hansa.federation.web import WebSettings
from hansa.standards.voms.wire import Dialect
from hansa.standards.x509 import NamespaceMode


class KeyPair(Settings):
    certificate: FilePath = Field(description="Certificate, PEM; intermediate authorities may follow it.")
    key: FilePath = Field(description="Its private key, PEM, unencrypted, mode 0600.")


class TrustSettings(Settings):
    certificates: FilePath = Field(
        default=FilePath("/etc/grid-security/certificates"),
        description="Directory of trusted authorities in IGTF layout, with their CRLs (fetch-crl keeps them fresh).",
    )
    namespaces: NamespaceMode = Field(
        default=NamespaceMode.REQUIRE,
        description="`require` refuses authorities without a namespaces or signing_policy file, `relaxed` takes them.",
    )
    legacy_proxies: bool = Field(
        default=False, description="Whether proxies older than RFC 3820 (`CN=proxy`) are taken."
    )


class VoSettings(Settings):
    port: int = Field(ge=0, le=65535, description="The VO's own port, 15000 and up by custom.")
    max_lifetime: int = Field(
        default=43_200, ge=60, le=8 * 86_400, description="Longest life of an attribute certificate, in seconds."
    )
    dialects: tuple[Dialect, ...] = Field(
        default=(Dialect.REST, Dialect.LEGACY),
        min_length=1,
        description="What the port speaks: `rest`, `legacy`, by default both.",
    )


class VomsSettings(Settings):
    hostname: str = Field(
        pattern=r"[A-Za-z0-9][A-Za-z0-9.-]*", description="The server's public host name, as clients and sites know it."
    )
    listen: str = Field(default="0.0.0.0", description="Address to listen at.")  # noqa: S104  (a public server)
    tls: KeyPair = Field(description="The host's certificate for TLS.")
    authority: KeyPair = Field(
        description="What attribute certificates are signed with: an RSA key of its own, certificate for the same host."
    )
    requests_per_minute: float = Field(
        default=60,
        gt=0,
        description="How often one certificate may ask, after a burst of 30; clients ask up to thrice for one proxy.",
    )
    vos: dict[str, VoSettings] = Field(min_length=1, description="The VOs served, each by its name.")

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports = [vo.port for vo in self.vos.values() if vo.port]
        if len(set(ports)) < len(ports):
            raise ValueError("each VO needs a port of its own")
        return self


class FederationConfig(Settings):
    database: DatabaseSettings = Field(
        default=DatabaseSettings(url="sqlite:////var/lib/hansa/federation.db", threads=8),
        description="Where the federation keeps its rows.",
    )
    trust: TrustSettings = Field(default=TrustSettings(), description="Whose certificates are believed.")
    voms: VomsSettings = Field(description="The VOMS server.")
    web: WebSettings | None = Field(None, description="The web interface; without this table there is none.")
    mail: MailSettings = Field(default=MailSettings(), description="How people are written to.")
    telemetry: TelemetrySettings = Field(
        default=TelemetrySettings(), description="What the federation tells its operator."
    )
