"""The provider's table of the federation's configuration."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from hansa.base.config import FilePath, Settings
from hansa.federation.provider.upstream.settings import OidcUpstreamSettings, SamlUpstreamSettings
from hansa.standards.entitlements import normal_namespace
from hansa.standards.errors import StandardError

HOUR = 3600
DAY = 24 * HOUR


class ProviderSettings(Settings):
    """Tokens for members; without this table the federation issues attribute certificates alone."""

    keys: FilePath = Field(
        FilePath("/var/lib/hansa/oidc-keys"), description="Directory of the signing keys, made when it is missing."
    )
    namespace: str = Field(description="Namespace of entitlements, such as `urn:mace:egi.eu` (AARC-G069).")
    authority: str = Field(
        pattern=r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}",
        description="The authority that entitlements name, and the scope of `voperson_id`: a host name.",
    )
    access_lifetime: int = Field(HOUR, ge=60, le=6 * HOUR, description="Longest life of an access token, in seconds.")
    refresh_lifetime: int = Field(
        30 * DAY, ge=HOUR, le=400 * DAY, description="How long a refresh token waits for its use, in seconds."
    )
    session_lifetime: int = Field(
        8 * HOUR, ge=300, le=30 * DAY, description="How long a browser stays logged in, in seconds."
    )
    attempts: int = Field(10, ge=3, le=100, description="Wrong passwords in a row that lock a login.")
    lock: int = Field(900, ge=60, le=DAY, description="How long a login stays locked, in seconds.")

    oidc: tuple[OidcUpstreamSettings, ...] = Field((), description="OpenID Providers that members may log in with.")
    saml: tuple[SamlUpstreamSettings, ...] = Field((), description="SAML providers that members may log in with.")

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [each.name for each in (*self.oidc, *self.saml)]
        if len(set(names)) < len(names):
            raise ValueError("two identity providers have the same name")
        return self

    @field_validator("namespace")
    @classmethod
    def _is_a_namespace(cls, text: str) -> str:
        try:
            return normal_namespace(text)
        except StandardError as error:
            raise ValueError(error.reason) from error
