"""The configuration of the front (`keystone.toml`)."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hansa.base.config import FilePath, Settings
from hansa.base.serving.settings import ListenerSettings
from hansa.base.telemetry.app import TelemetrySettings
from hansa.site.identity.settings import IdentitySettings
from hansa.site.openstack.wrapper.backend import Origin

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class FrontTable(Settings):
    """The Keystone behind, and who clients take us for."""

    public_url: str = Field(
        pattern=r"^https?://[^\s/?#'=@]+(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?$",
        description="Where clients reach Keystone through us, without `/v3`, such as `https://keystone.example.org:5000`.",
    )
    backend: str = Field(
        description="The real one: `http://127.0.0.1:5050`, `unix:/run/keystone/http.sock`, or `https://` on another host.",
    )
    secret: FilePath = Field(
        Path("/etc/hansa/keystone.secret"),
        description="File of the secrets that Keystone knows too, one a line; the first seals. Made by `hansa keystone install`.",
    )
    identity_provider: str = Field(
        "egi.eu", pattern=NAME, description="Name of the identity provider; clients of EGI have `egi.eu` built in."
    )
    protocol: str = Field("mapped", pattern=NAME, description="Name of the protocol below it.")
    min_life: int = Field(
        60, ge=0, description="Seconds a credential must still be good for. Without the sign-on method `hansa` inside "
        "Keystone, a token's life: else tokens outlive credentials."
    )  # fmt: skip
    timeout: float = Field(60.0, gt=0, description="Seconds that Keystone may take for an answer.")

    @field_validator("backend")
    @classmethod
    def _is_reachable(cls, url: str) -> str:
        Origin.parse(url)
        return url.rstrip("/")


class ProofTable(Settings):
    """Whose credentials count. All paths are watched: a change counts within seconds, without a restart."""

    trust_dir: FilePath = Field(
        Path("/etc/grid-security/certificates"), description="Authorities, CRLs and namespaces in the IGTF layout."
    )
    vomsdir: FilePath = Field(
        Path("/etc/grid-security/vomsdir"), description="Which servers speak for a virtual organisation (.lsc files)."
    )
    policy: FilePath = Field(
        Path("/etc/keystone/voms.json"), description="voms.json: which VO or FQAN works in which project."
    )
    bans: FilePath | None = Field(None, description="Subjects who may not come in. None: none.")
    crl: Literal["required", "optional"] = Field(
        "required", description="required: without a current revocation list of the authority nobody comes in."
    )
    namespaces: Literal["require", "relaxed"] = Field(
        "require", description="require: every authority needs a signing_policy or namespaces file."
    )
    legacy_proxies: bool = Field(False, description="Take proxies of the time before RFC 3820.")
    min_rsa_bits: int = Field(2048, ge=1024, description="The shortest RSA key taken.")

    def identity(self) -> IdentitySettings:
        return IdentitySettings.model_validate({**self.model_dump(), "users": None, "autocreate": False})


class WrapperConfig(Settings):
    """The whole file."""

    front: FrontTable = Field(description="The Keystone behind, and who clients take us for.")
    listeners: tuple[ListenerSettings, ...] = Field(min_length=1, description="Where the front listens.")
    identity: ProofTable = Field(ProofTable(), description="Whose credentials count.")
    telemetry: TelemetrySettings = Field(TelemetrySettings(), description="What the front tells its operator.")

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        if len({each.name for each in self.listeners}) != len(self.listeners):
            raise ValueError("two of the listeners have the same name")
        return self

    @property
    def hostname(self) -> str:
        return urlsplit(self.front.public_url).hostname or ""
