"""The configuration of a site (`site.toml`): one table for each room. docs/reference/configuration.md is made of it."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hansa.base.config import DatabaseSettings, FilePath, Settings
from hansa.base.serving.settings import ListenerSettings
from hansa.base.telemetry.app import TelemetrySettings
from hansa.cloud.drivers.embedded import EmbeddedSettings
from hansa.cloud.drivers.memory.settings import MemorySettings
from hansa.site.accounts.settings import AccountsSettings
from hansa.site.identity.settings import IdentitySettings
from hansa.site.occi.settings import OcciTable
from hansa.site.openstack.identity.settings import KeystoneSettings


class SiteSettings(Settings):
    """The site as others see it."""

    name: str = Field("hansa", min_length=1, description="The site's name, as in the federation's registry.")
    public_url: str = Field(
        description="Base of every address the site gives out, such as `https://cloud.example.org:8787`."
    )

    @field_validator("public_url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        parts = urlsplit(url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
        ):
            raise ValueError("it must be http(s)://HOST[:PORT]")
        return url.rstrip("/")

    @property
    def hostname(self) -> str:
        return urlsplit(self.public_url).hostname or ""


class CloudSettings(Settings):
    """Which stack is below, and that driver's own table."""

    driver: Literal["embedded", "memory"] = Field(
        "embedded", description="embedded runs machines on this host; memory only pretends."
    )
    embedded: EmbeddedSettings | None = Field(None, description="Settings of the driver `embedded`.")
    memory: MemorySettings = Field(MemorySettings(), description="Settings of the driver `memory`.")

    @model_validator(mode="after")
    def _driver_is_set_up(self) -> Self:
        if self.driver == "embedded" and self.embedded is None:
            raise ValueError("the driver embedded needs its table, with state_dir at least")
        return self


class ImageSettings(Settings):
    """An image that the site puts into its cloud when it starts, if it is not there yet."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Its identifier, part of the os_tpl mixin."
    )
    name: str = Field(description="What people read.")
    source: FilePath = Field(description="The disk image.")
    disk_format: Literal["qcow2", "raw"] = Field("qcow2", description="What the file is.")
    description: str = Field("", description="More about it.")
    min_disk_gib: int = Field(0, ge=0, description="The smallest disk it runs on.")
    min_ram_mib: int = Field(0, ge=0, description="The least memory it runs in.")


class UsageSettings(Settings):
    interval: float = Field(5.0, gt=0, description="Seconds between two looks at the cloud's events.")


class SiteConfig(Settings):
    """The whole file."""

    site: SiteSettings = Field(description="The site as others see it.")
    listeners: tuple[ListenerSettings, ...] = Field(min_length=1, description="Where the site listens.")
    database: DatabaseSettings = Field(description="Where the site keeps its rows.")
    identity: IdentitySettings = Field(IdentitySettings(), description="Who may come in, and work in which project.")
    cloud: CloudSettings = Field(description="The stack below.")
    occi: OcciTable = Field(OcciTable(), description="The OCCI face.")
    keystone: KeystoneSettings | None = Field(None, description="The Keystone face; without this table there is none.")
    images: tuple[ImageSettings, ...] = Field((), description="Images to have in the cloud from the start.")
    telemetry: TelemetrySettings = Field(TelemetrySettings(), description="What the site tells its operator.")
    accounts: AccountsSettings | None = Field(
        None, description="Members as the federation tells of them; without this table credentials alone decide."
    )
    usage: UsageSettings = Field(UsageSettings(), description="The record of use.")

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        for what, names in (
            ("listeners", [each.name for each in self.every_listener]),
            ("images", [each.id for each in self.images]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"two of the {what} have the same name")
        return self

    @model_validator(mode="after")
    def _keystone_has_tokens(self) -> Self:
        if self.keystone is not None and self.identity.tokens is None:
            raise ValueError("keystone needs the table identity.tokens, with keys at least")
        return self

    @property
    def every_listener(self) -> tuple[ListenerSettings, ...]:
        return (*self.listeners, *(self.keystone.listeners if self.keystone else ()))

    @property
    def occi_table(self) -> OcciTable:
        """With the site's own Keystone for unauthenticated clients, unless another is named."""
        if self.keystone is None or self.occi.keystone_url is not None:
            return self.occi
        return self.occi.model_copy(update={"keystone_url": self.keystone.public_url})
