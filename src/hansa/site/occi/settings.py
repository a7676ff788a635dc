"""What the operator decides about the OCCI face."""

from pydantic import Field

from hansa.base.config import Settings

DEFAULT_USER_DATA_BYTES = 16_384
"""What EC2 and the OCCI servers before us take."""


class OcciTable(Settings):
    """What stands in the table `[occi]` of a site's configuration."""

    keystone_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s'=]+$",
        description="Root of the Keystone that unauthenticated clients are sent to; absent: HTTP challenges instead",
    )
    default_image: str = Field(
        default="", description="Image (id or name) of machines made without an os_tpl; empty: the first"
    )
    default_flavor: str = Field(
        default="",
        description="Flavor (id or name) of machines made without a resource_tpl; empty: the smallest that fits",
    )
    user_data_bytes: int = Field(
        default=DEFAULT_USER_DATA_BYTES,
        ge=0,
        le=65_536,
        description="Largest user data of a machine, decoded, in bytes",
    )
    body_bytes: int = Field(default=1 << 20, ge=1 << 12, description="Largest request body, in bytes")
    header_bytes: int = Field(
        default=1 << 16,
        ge=1 << 10,
        description="Largest text/occi answer, which is all headers, in bytes; more is refused (406)",
    )
    page_size: int = Field(default=1000, ge=1, description="Largest `number` of a page of a collection")
    model_seconds: float = Field(
        default=5.0, ge=0, description="How long templates and tags of a project are remembered before asking again"
    )
    patience_seconds: float = Field(
        default=10.0, ge=0, description="How long a change waits for a busy machine before it is refused as a conflict"
    )


class OcciSettings(OcciTable):
    """Validated once, read everywhere."""

    public_url: str = Field(
        pattern=r"^https?://[^\s/?#]+$",
        description="Address users reach this face at, without a path: https://cloud.example.org:8787",
    )
