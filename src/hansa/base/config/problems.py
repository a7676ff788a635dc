"""What is wrong in a configuration, said so that an operator can mend it: where, which setting, what to do.

Values are not repeated: one of them may be a password in the wrong place.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from hansa.base.config.schema import names, setting

Location = tuple[int | str, ...]
HEADER = re.compile(r"\s*\[(\[?)\s*([^\]]+?)\s*\]")
ASSIGNMENT = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class Problem:
    """`where` is a file or an environment variable; `line` counts from 1, None if unknown; `key` is dotted."""

    key: str
    where: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}, line {self.line}"
        return f"{place}: {self.key} {self.message}." if self.key else f"{place}: {self.message}."


def of_syntax(where: str, error: str) -> Problem:
    """From tomllib's sentence, which ends with the place."""
    found = re.search(r"^(.*) \(at line (\d+), column \d+\)$", error)
    if not found:
        return Problem("", where, None, f"this is not TOML: {error}")
    return Problem("", where, int(found[2]), f"this is not TOML: {found[1]}")


def of_validation(
    error: ValidationError, model: type[BaseModel], text: str, file: str, overrides: Mapping[tuple[str, ...], str]
) -> list[Problem]:
    """`overrides` maps keys to the environment variables that set them."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        location = _without_types(item["loc"], model)
        key = dotted(location)
        line = _line(text, location)
        place = tuple(map(str, location))
        variable = overrides.get(place) or next(
            (v for k, v in overrides.items() if not line and k[: len(place)] == place), None
        )
        line = None if variable else line
        found.append(Problem(key, variable or file, line, _sentence(item, location, model)))
    return sorted(found, key=lambda problem: problem.line or 0)


def dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)


def _sentence(item: Any, location: Location, model: type[BaseModel]) -> str:
    if item["type"] == "extra_forbidden":
        return _unknown(location, names(model, location[:-1]))
    about = setting(model, location)
    purpose = f" ({about.description.rstrip('.')})" if about and about.description else ""
    if item["type"] == "missing":
        return f"is missing{purpose}: set it there or as {about.variable if about else 'an environment variable'}"
    reason = str(item["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"is wrong: {reason[:1].lower()}{reason[1:]}{purpose}"


def _unknown(location: Location, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    if close:
        return f"is no setting; perhaps you mean {dotted((*location[:-1], close[0]))}"
    return f"is no setting; {dotted(location[:-1]) or 'the file'} knows {', '.join(known) or 'none'}"


def _without_types(location: Location, model: type[BaseModel]) -> Location:
    """Pydantic adds the tried alternative of a union (`str`, `constrained-int`) behind the key: leave it out."""
    while len(location) > 1 and setting(model, location) is None and setting(model, location[:-1]) is not None:
        location = location[:-1]
    return location


def _line(text: str, location: Location) -> int | None:
    """The line of the file that comes nearest to the setting: its own, or its table's head."""
    wanted = tuple(map(str, location))
    best: tuple[int, int | None] = (0, None)
    for number, path in _paths(text):
        shared = next(
            (i for i, (a, b) in enumerate(zip(path, wanted, strict=False)) if a != b), min(len(path), len(wanted))
        )
        if shared == len(path) and shared > best[0]:
            best = (shared, number)
    return best[1]


def _paths(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line numbers of table heads and assignments with their full paths; arrays of tables have their index as a part."""
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            table = _parts(header[2])
            if header[1]:
                index = counts[table] = counts.get(table, -1) + 1
                table = (*table, str(index))
            yield number, table
        elif assignment := ASSIGNMENT.match(line):
            yield number, (*table, *_parts(assignment[1]))


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in PART.findall(key))
