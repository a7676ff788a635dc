"""Fully qualified attribute names: a group of a virtual organisation, perhaps with a role in it."""

import re
from dataclasses import dataclass
from typing import Self

from hansa.standards.voms.errors import VomsCode, VomsError

MAX_FQAN = 1024
"""Characters."""

_WORD = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_VO = re.compile(_WORD)
_FQAN = re.compile(rf"((?:/{_WORD})+)(?:/Role=({_WORD}))?(?:/Capability=NULL)?")
_NONE = "NULL"


@dataclass(frozen=True, slots=True)
class Fqan:
    """`/vo/group/Role=role`. No role and `Role=NULL` are the same; capabilities are obsolete and always NULL."""

    group: str
    """With the leading slash: `/vo`, `/vo/group`."""
    role: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the short or the long form. Raises `VomsError` (`voms.fqan.syntax`)."""
        match = _FQAN.fullmatch(text) if len(text) <= MAX_FQAN else None
        if match is None:
            raise VomsError(
                VomsCode.FQAN_SYNTAX, f"{text[:80]!r} is not a group or role name such as /vo/group/Role=role"
            )
        role = match[2]
        return cls(match[1], None if role == _NONE else role)

    @property
    def vo(self) -> str:
        return self.group.split("/", 2)[1]

    @property
    def long(self) -> str:
        """The form of attribute certificates: `/vo/Role=NULL/Capability=NULL`."""
        return f"{self.group}/Role={self.role or _NONE}/Capability={_NONE}"

    def __lt__(self, other: "Fqan") -> bool:
        """Groups by name, each before its roles."""
        return (self.group, self.role or "") < (other.group, other.role or "")

    def __str__(self) -> str:
        return f"{self.group}/Role={self.role}" if self.role else self.group


def check_vo_name(name: str) -> str:
    """The name, if a virtual organisation or host may have it: no slash, no leading dot, so fit for a file name."""
    if not _VO.fullmatch(name) or len(name) > 255:
        raise VomsError(VomsCode.VO_NAME, f"{name[:80]!r} cannot be the name of a virtual organisation or its server")
    return name
