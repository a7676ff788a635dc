"""`[[provider.oidc]]` and `[[provider.saml]]`: identity providers that members may log in with."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from hansa.base.config import FilePath, Settings
from hansa.base.errors import HansaError
from hansa.client.oidc import check_issuer_url

SUBJECT_ATTRIBUTES = (
    "urn:oasis:names:tc:SAML:attribute:subject-id",
    "urn:oasis:names:tc:SAML:attribute:pairwise-id",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.13",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.10",
)
"""subject-id and pairwise-id (SAML subject identifiers 1.0), eduPersonUniqueId, eduPersonTargetedID."""


def _issuer(text: str) -> str:
    try:
        return check_issuer_url(text)
    except HansaError as error:
        raise ValueError(error.message) from error


class UpstreamSettings(Settings):
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,31}$",
        description="Short name, part of the addresses that the other side registers.",
    )
    label: str = Field(min_length=1, max_length=100, description="What the log-in page calls it.")


class OidcUpstreamSettings(UpstreamSettings):
    """An OpenID Provider. Register `PUBLIC_URL/oidc/upstream/NAME/callback` there as redirect address."""

    issuer: Annotated[str, AfterValidator(_issuer)] = Field(description="Its issuer identifier.")
    client_id: str = Field(min_length=1, description="What it knows the federation by.")
    client_secret_file: FilePath | None = Field(None, description="File that holds the client's secret, mode 0600.")
    scopes: tuple[str, ...] = Field(("openid",), description="Scopes to ask for; `openid` is needed.")
    ca_file: FilePath | None = Field(None, description="Authorities for its certificate; without it the system's.")
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="Private networks that its addresses may be in."
    )

    @model_validator(mode="after")
    def _asks_who(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("the scopes need openid")
        return self


class SamlUpstreamSettings(UpstreamSettings):
    """A SAML 2.0 identity provider. Give it the metadata at `PUBLIC_URL/oidc/upstream/NAME/metadata`."""

    metadata: FilePath = Field(description="Its metadata, XML: one entity, or several of which `entity` names one.")
    entity: str | None = Field(None, description="Its entity identifier, where the metadata has several.")
    key: FilePath | None = Field(
        None, description="Our private key (PEM, mode 0600): signs requests, and opens assertions encrypted for us."
    )
    certificate: FilePath | None = Field(None, description="The certificate of that key, for our metadata.")
    identifiers: tuple[str, ...] = Field(
        SUBJECT_ATTRIBUTES,
        description="Attributes that may identify a person, best first; after them a persistent name identifier.",
    )

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        if (self.key is None) != (self.certificate is None):
            raise ValueError("key and certificate go together")
        return self
