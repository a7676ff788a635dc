"""Regular expressions of rules: Python's syntax as far as RE2 has it, searched in time linear in the text.

Keystone searches with Python's `re`, where `(.+:)*` of a rule in daily use lets a crafted value run for years. RE2 has neither
that nor what needs it: looking around and back. `\\d`, `\\w`, `\\s` and `\\b` mean ASCII.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import re2

from hansa.standards.mapping.errors import MappingCode, MappingError

_MEMORY = 2 * 1024 * 1024
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.never_capture = True
    options.log_errors = False
    return options


_OPTIONS = _options()


@dataclass(frozen=True, slots=True)
class Pattern:
    text: str
    compiled: Any = field(repr=False, compare=False)

    def is_in(self, value: str) -> bool:
        """Somewhere in the value, as Keystone searches: only `^…$` ties it to the whole."""
        return self.compiled.search(value) is not None


def compile_pattern(text: str, where: str) -> Pattern:
    """Raises `MappingError` (`mapping.regex`) for what either engine refuses, or the two understand differently."""
    if "[[" in text or "[:" in text:
        raise MappingError(MappingCode.REGEX, f"{where}: a bracket within brackets is written \\[")
    try:
        re.compile(text)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise MappingError(MappingCode.REGEX, f"{where}: {text[:80]!r} is no regular expression ({error})") from error
    try:
        compiled = re2.compile(_ESCAPE.sub(_end_of_text, text), options=_OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else error
        message = f"{where}: {text[:80]!r} looks around or back, or is too large to search in linear time ({reason})"
        raise MappingError(MappingCode.REGEX, message) from error
    return Pattern(text, compiled)


def _end_of_text(match: re.Match[str]) -> str:
    return r"\z" if match[1] == "Z" else match[0]  # Python's \Z is RE2's \z
