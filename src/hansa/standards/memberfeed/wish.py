"""What a site asks for next: where it stands in the feed, and the nonce that the answer must repeat."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hansa.standards.memberfeed.errors import FeedError

_FORMS = {
    "lineage": re.compile(r"[A-Za-z0-9_-]{0,64}"),
    "scope": re.compile(r"[0-9a-f]{0,32}"),
    "after": re.compile(r"0|[1-9][0-9]{0,18}"),
    "snapshot": re.compile(r"[01]"),
    "nonce": re.compile(r"[A-Za-z0-9_-]{16,64}"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """`lineage` and `scope` (`scope_of` the VOs) are empty before the first page. `snapshot`: in the middle of one."""

    nonce: str
    after: int = 0
    lineage: str = ""
    scope: str = ""
    snapshot: bool = False

    def fields(self) -> dict[str, str]:
        """For a query string, or a JSON object."""
        return {
            "lineage": self.lineage,
            "scope": self.scope,
            "after": str(self.after),
            "snapshot": str(int(self.snapshot)),
            "nonce": self.nonce,
        }

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> "Wish":
        """Raises FeedError. Other fields are not looked at."""
        found = {name: fields.get(name) for name in _FORMS}
        wrong = [
            name for name, value in found.items() if not isinstance(value, str) or not _FORMS[name].fullmatch(value)
        ]
        if wrong:
            raise FeedError("memberfeed.wish", f"the place in the feed is not told right: {wrong[0]}")
        return cls(
            nonce=str(found["nonce"]),
            after=int(str(found["after"])),
            lineage=str(found["lineage"]),
            scope=str(found["scope"]),
            snapshot=found["snapshot"] == "1",
        )


def scope_of(vos: Sequence[str]) -> str:
    """A name for a set of VOs: a site that is told of others than before begins anew."""
    return hashlib.sha256("\n".join(sorted(vos)).encode()).hexdigest()[:32]
