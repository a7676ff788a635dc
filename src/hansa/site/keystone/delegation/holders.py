"""What delegation asks of the directory."""

from collections.abc import Mapping
from typing import Protocol


class Holders(Protocol):
    """Who has which roles where, for good: not by a credential that somebody shows for an hour."""

    async def lasting_roles(self, user: str, project: str) -> Mapping[str, str] | None:
        """Names by ids; none if the user is gone or disabled. None while the project is closed, which may pass."""

    async def is_there(self, user: str) -> bool:
        """Whether there is such a user, and not disabled."""
