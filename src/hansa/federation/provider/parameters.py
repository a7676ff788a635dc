"""Parameters of requests: each at most once, of bounded length (RFC 6749 §3.1, §3.2)."""

from collections.abc import Iterable, Mapping

from hansa.federation.provider.errors import InvalidRequest

REPEATED = frozenset({"resource", "audience"})
"""Those that may stand several times (RFC 8707 §2; `audience` likewise)."""
VALUE_MAX = 8192
COUNT_MAX = 60


class Parameters:
    """Empty values count as absent. Values are never shown."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Raises InvalidRequest."""
        given = [(name, value) for name, value in pairs if value]
        if len(given) > COUNT_MAX or any(len(value) > VALUE_MAX for _, value in given):
            raise InvalidRequest("There are too many parameters, or one is too long.")
        self._one: dict[str, str] = {}
        self._several: dict[str, list[str]] = {}
        for name, value in given:
            if name in REPEATED:
                self._several.setdefault(name, []).append(value)
            elif name in self._one:
                raise InvalidRequest(f"The parameter {name[:40]!r} stands there twice.")
            else:
                self._one[name] = value

    def get(self, name: str) -> str | None:
        return self._one.get(name)

    def need(self, name: str) -> str:
        """Raises InvalidRequest."""
        value = self._one.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value

    def audiences(self) -> tuple[str, ...]:
        """`resource` (RFC 8707) and `audience`, which may hold several with spaces between."""
        spaced = (part for value in self._several.get("audience", ()) for part in value.split())
        return (*self._several.get("resource", ()), *spaced)

    def pairs(self) -> Mapping[str, str]:
        return self._one
