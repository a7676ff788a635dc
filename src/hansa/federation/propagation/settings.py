"""Settings of propagation (`[feed]`)."""

from pydantic import Field

from hansa.base.config import FilePath, Settings


class FeedSettings(Settings):
    """What sites are told of their members; without this table there is no feed."""

    key: FilePath = Field(
        description="Private key (PEM, mode 0600) that documents are signed with: P-256, or RSA of 2048 bits. Read at the start."
    )
    other_keys: tuple[FilePath, ...] = Field(
        (), description="Keys published beside it: the next one before a change of keys, the last one after."
    )
    interval: float = Field(0.2, gt=0, le=60, description="Seconds between two looks at the registry's history.")
