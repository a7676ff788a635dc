"""What the operator decides about the Keystone face."""

from pydantic import Field

from hansa.base.config import FilePath, Settings
from hansa.base.serving.settings import ListenerSettings


class KeystoneSettings(Settings):
    """It needs the table `[identity.tokens]`."""

    public_url: str = Field(
        pattern=r"^https?://[^\s/?#'=]+$",
        description="Root that clients reach it at, without a path, such as `https://cloud.example.org:5000`.",
    )
    listeners: tuple[ListenerSettings, ...] = Field(min_length=1, description="Where it listens: sockets of its own.")
    identity_provider: str = Field(
        "egi.eu",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Name of the identity provider in the address of the VOMS sign-on; clients of EGI have `egi.eu` built in.",
    )
    region: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Region of this site's own services in the catalogue, such as `RegionOne`; by default the site's name.",
    )
    trusted_dashboards: tuple[str, ...] = Field(
        (),
        description="Addresses that a browser's log-in may end at, to the letter, such as "
        "`https://horizon.example.org/auth/websso/`.",
    )
    credential_keys: FilePath | None = Field(
        None,
        description="Directory of the keys that seal EC2 keys and other credentials; by default `credential-keys` beside the "
        "token keys. Back it up with the database.",
    )
