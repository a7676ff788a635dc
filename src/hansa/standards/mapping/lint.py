"""What is allowed in mapping rules and hardly ever meant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hansa.standards.mapping.model import Condition, Kind, Rules

_ANCHORED = re.compile(r"(\^|\\A).*(?<!\\)(?:\\\\)*(\$|\\Z)", re.DOTALL)
_LOOSE_DOT = re.compile(r"(?<=[A-Za-z0-9-])\.(?=[A-Za-z0-9-])")
_NESTED = re.compile(r"\((?:\?:)?[^()]*[+*}][^()]*\)[+*{]")
_ASCII_CLASS = re.compile(r"(?<!\\)(?:\\\\)*\\[dDwWsSbB]")


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` as in errors, `rules[0].remote[1].any_one_of[0]`; `reason` is a sentence without its full stop."""

    where: str
    reason: str


def lint(rules: Rules) -> list[Finding]:
    found: list[Finding] = []
    for index, rule in enumerate(rules.rules):
        for number, condition in enumerate(rule.remote):
            found += _condition(condition, f"rules[{index}].remote[{number}]")
    if not any(local.user for rule in rules.rules for local in rule.local):
        found.append(Finding("rules", "no rule names the user: everybody is called by the provider's own identifier"))
    return found


def _condition(condition: Condition, where: str) -> Iterator[Finding]:
    if condition.kind is Kind.BLACKLIST:
        yield Finding(f"{where}.blacklist", "what is not known to be bad gets through: a whitelist is safer")
    for index, pattern in enumerate(condition.patterns or ()):
        for reason in _pattern(pattern.text, matches_nothing=pattern.is_in("")):
            yield Finding(f"{where}.{condition.kind.value}[{index}]", reason)


def _pattern(text: str, *, matches_nothing: bool) -> Iterator[str]:
    if matches_nothing:
        yield "the pattern is found in every value, even an empty one"
    if not _ANCHORED.fullmatch(text) or _splits_at_top(text):
        yield "the pattern is looked for anywhere in a value; write ^(…)$ for the whole of it"
    if _LOOSE_DOT.search(text):
        yield "a dot stands for any character: evil-egixeu fits egi.eu; write \\."
    if _NESTED.search(text):
        yield "a repetition within a repetition: harmless here, but Keystone's own engine may need years for some values"
    if _ASCII_CLASS.search(text):
        yield "\\d, \\w, \\s and \\b mean ASCII here and all of Unicode in Keystone"


def _splits_at_top(text: str) -> bool:
    """`^a|b$` is `^a` or `b$`."""
    depth, in_class, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            return True
    return False
