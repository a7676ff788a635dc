"""The federation's configuration file (docs/reference/configuration.md is made from it)."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field, field_validator, model_validator

from hansa.base.config import DatabaseSettings, FilePath, Settings
from hansa.base.mail import MailSettings
from hansa.base.telemetry.app import TelemetrySettings
from hansa.federation.enrolment.settings import EnrolmentSettings
from hansa.federation.identity.model import Operators
from hansa.federation.membership.model import Credential
from hansa.federation.propagation.settings import FeedSettings
from hansa.federation.provider.settings import ProviderSettings
from hansa.federation.web import WebSettings
from hansa.standards.voms.wire import Dialect
from hansa.standards.x509 import Name, NamespaceMode, X509Error


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
    crl_grace_hours: float = Field(
        default=0, ge=0, le=240, description="Hours for which a revocation list still counts after its own end."
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


class OperatorSettings(Settings):
    """Somebody who may do everything to the registry through its API: a certificate, or a person."""

    subject: str | None = Field(None, description="Subject of the operator's certificate, `/DC=org/CN=Some One`.")
    issuer: str | None = Field(None, description="Subject of the authority that signed it.")
    uid: str | None = Field(None, description="Instead of both: the uid of a registered person.")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.subject is None) != (self.issuer is None) or (self.subject is None) == (self.uid is None):
            raise ValueError("give subject and issuer, or uid")
        return self

    @field_validator("subject", "issuer")
    @classmethod
    def _is_a_name(cls, text: str | None) -> str | None:
        try:
            return text and Name.parse(text).slash()
        except X509Error as error:
            raise ValueError(error.reason) from error


def operators(settings: Sequence[OperatorSettings]) -> Operators:
    certificates = [
        Credential(Name.parse(each.subject), Name.parse(each.issuer))
        for each in settings
        if each.subject and each.issuer
    ]
    return Operators(frozenset(certificates), frozenset(each.uid for each in settings if each.uid))


class FederationConfig(Settings):
    database: DatabaseSettings = Field(
        default=DatabaseSettings(url="sqlite:////var/lib/hansa/federation.db", threads=8),
        description="Where the federation keeps its rows.",
    )
    trust: TrustSettings = Field(default=TrustSettings(), description="Whose certificates are believed.")
    voms: VomsSettings = Field(description="The VOMS server.")
    web: WebSettings | None = Field(None, description="The web interface; without this table there is none.")
    mail: MailSettings = Field(default=MailSettings(), description="How people are written to.")
    enrolment: EnrolmentSettings = Field(default=EnrolmentSettings(), description="Bounds on applications to VOs.")
    operators: tuple[OperatorSettings, ...] = Field((), description="Who may do everything through the API.")
    provider: ProviderSettings | None = Field(None, description="The OpenID Provider; it needs the web interface.")
    feed: FeedSettings | None = Field(None, description="The member feed to sites; it needs the web interface.")
    telemetry: TelemetrySettings = Field(
        default=TelemetrySettings(), description="What the federation tells its operator."
    )

    @model_validator(mode="after")
    def _feed_has_an_address(self) -> Self:
        if self.feed is not None and self.web is None:
            raise ValueError("the feed needs the table web, with public_url and listeners")
        return self

    @model_validator(mode="after")
    def _provider_has_an_address(self) -> Self:
        if self.provider is not None and self.web is None:
            raise ValueError("the provider needs the table web, with public_url and listeners")
        return self
