"""Which names an authority may sign: Globus `.signing_policy` and EUGridPMA `.namespaces` files."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hansa.standards.x509.errors import X509Code, X509Error
from hansa.standards.x509.name import Name
from hansa.standards.x509.nametext import MAX_NAME_TEXT, slash_variants

_EACL = re.compile(r"(\w+)\s+(\S+)\s+(.+)")
_QUOTED = re.compile(r'"([^"]*)"')
_STATEMENT = re.compile(r'TO\s+Issuer\s+(?:"([^"]*)"|(SELF))\s+(PERMIT|DENY)\s+Subject\s+"([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """Subjects that `issuers` (the readings of one name) may or may not sign; the pattern speaks of the slash form."""

    issuers: tuple[Name, ...]
    permit: bool
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Namespace:
    """All rules for one authority. None: there is no such file; empty: there is one, and it permits nothing."""

    signing_policy: tuple[Rule, ...] | None = None
    namespaces: tuple[Rule, ...] | None = None

    @property
    def is_stated(self) -> bool:
        return self.signing_policy is not None or self.namespaces is not None

    def permits(self, subject: Name) -> bool:
        """Whether every file there is permits `subject`; a name that is long, or ambiguous in slash form, is never permitted."""
        text = subject.slash()
        if len(text) > MAX_NAME_TEXT or not subject.is_plain_in_slash_form:
            return False
        texts = tuple(slash_variants(text))
        return all(_permits(rules, texts) for rules in (self.signing_policy, self.namespaces) if rules is not None)


def _permits(rules: Iterable[Rule], texts: Sequence[str]) -> bool:
    matching = [rule for rule in rules if any(rule.pattern.fullmatch(text) for text in texts)]
    return bool(matching) and all(rule.permit for rule in matching)


def parse_signing_policy(data: bytes) -> tuple[Rule, ...]:
    """Read Globus' access-control list: `access_id_CA`, `pos_rights`, `cond_subjects` blocks.

    Raises `X509Error` (`x509.namespace.syntax`) with a line number; a file is taken whole or not at all.
    """
    issuers: tuple[Name, ...] = ()
    granted = False
    rules: list[Rule] = []
    for number, line in _lines(data):
        entry = _EACL.fullmatch(line)
        if entry is None:
            raise _syntax("expected a keyword, an authority and a value", number)
        keyword, value = entry[1].lower(), _unquote(entry[3])
        if keyword == "access_id_ca":
            issuers, granted = _readings(value, number), False
        elif keyword == "pos_rights" and issuers:
            granted = value == "CA:sign"
        elif keyword == "cond_subjects" and granted:
            rules += [Rule(issuers, True, _glob(glob)) for glob in _QUOTED.findall(value) or [value]]
        else:
            raise _syntax(f"{entry[1]} is not expected here", number)
    return tuple(rules)


def parse_namespaces(data: bytes, own_names: Sequence[Name]) -> tuple[Rule, ...]:
    """Read `TO Issuer ... PERMIT|DENY Subject ...` statements; `own_names` is what `SELF` stands for.

    Raises `X509Error` (`x509.namespace.syntax`) with a line number; a file is taken whole or not at all.
    """
    rules = []
    for number, line in _lines(data):
        statement = _STATEMENT.fullmatch(line)
        if statement is None:
            raise _syntax('expected TO Issuer "..." PERMIT Subject "..."', number)
        issuers = tuple(own_names) if statement[2] else _readings(statement[1], number)
        rules.append(Rule(issuers, statement[3].upper() == "PERMIT", _regex(statement[4], number)))
    return tuple(rules)


def _lines(data: bytes) -> list[tuple[int, str]]:
    """Numbered lines without comments and blank ones; a backslash at the end joins the next line."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _syntax("the file is not UTF-8 text", 1) from None
    found = []
    pending, start = "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("#") or not (line or pending):
            continue
        start = start if pending else number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        found.append((start, (pending + line).strip()))
        pending = ""
    if pending.strip():
        found.append((start, pending.strip()))
    return found


def _unquote(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == "'" else value


def _readings(text: str, line: int) -> tuple[Name, ...]:
    try:
        return Name.readings(text.strip('"'))
    except X509Error as error:
        raise _syntax(error.reason, line) from error


def _glob(glob: str) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in glob)
    return re.compile("".join(parts), re.DOTALL)


def _regex(pattern: str, line: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL)
    except (re.error, OverflowError, RecursionError):
        raise _syntax("the pattern is not a regular expression", line) from None


def _syntax(what: str, line: int) -> X509Error:
    return X509Error(X509Code.NAMESPACE_SYNTAX, f"The namespace file is not readable: {what}", line=line)
