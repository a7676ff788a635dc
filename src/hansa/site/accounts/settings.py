"""Settings of accounts (`[accounts]`)."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hansa.base.config import FilePath, Settings
from hansa.site.accounts.model import Brake, Mode, OnRemoval


class BrakeSettings(Settings):
    """When losses are held for an operator to look at."""

    percent: float = Field(10.0, ge=0, le=100, description="More than this part of a VO's members,")
    members: int = Field(5, ge=0, description="and more than so many of them,")
    window_hours: float = Field(24.0, gt=0, description="lost within so many hours: from then on losses are held.")


class AccountsSettings(Settings):
    """Members as the federation tells of them; without this table the site goes by credentials alone."""

    mode: Mode = Field(
        Mode.CHECK,
        description="`check` refuses whom the federation has suspended or removed; `require` takes in only those it tells of.",
    )
    federation: str = Field(
        description="The federation's public address, as in its `web.public_url`; its documents name it."
    )
    keys: FilePath = Field(
        description="JWK set of the keys that the federation signs with (its `/feed/v1/keys`); watched."
    )
    way: Literal["poll", "push"] = Field(
        "poll",
        description="`poll`: we ask, and wait for news; `push`: the federation posts to `/hansa/v1/accounts/feed`.",
    )
    certificate: FilePath | None = Field(None, description="Host certificate (PEM) that we show when we ask.")
    key: FilePath | None = Field(
        None, description="Its private key; without a certificate, the registered key that our tokens are signed with."
    )
    wait: float = Field(25.0, ge=0, le=50, description="Seconds that the federation may let us wait for news.")
    grace_days: float = Field(7.0, ge=0, description="Days after a removal in which a return changes nothing.")
    on_removal: OnRemoval = Field(
        OnRemoval.STOP, description="What becomes of a former member's machines after the grace."
    )
    max_age_hours: float | None = Field(
        None,
        gt=0,
        description="When the last word of the federation is older, its members stay out; none: they come in.",
    )
    brake: BrakeSettings = Field(BrakeSettings(), description="When losses are held.")

    @field_validator("federation")
    @classmethod
    def _is_a_root(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or parts.path.strip("/") or not (parts.scheme == "https" or local):
            raise ValueError("it must be https://HOST[:PORT]")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _can_prove_ourselves(self) -> Self:
        if self.way == "poll" and self.key is None:
            raise ValueError("to ask for the feed, a key is needed, with or without a certificate")
        return self

    @property
    def limits(self) -> Brake:
        return Brake(self.brake.percent, self.brake.members, self.brake.window_hours)
