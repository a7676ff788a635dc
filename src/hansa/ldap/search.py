"""Which entries a search means. The cheapest index decides where to look, the filter what is kept."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from hansa.ldap.entry import Entry
from hansa.ldap.tree import Tree
from hansa.standards.ldap import (
    And,
    Approx,
    AtLeast,
    AtMost,
    Equal,
    Extensible,
    Filter,
    LdapError,
    Not,
    Or,
    Present,
    Result,
    Scope,
    Search,
    Substrings,
    fold,
    normal,
    parent,
)

Schema = Callable[[str], bool]
"""Whether an attribute (in lower case) exists; a term with one that does not is Undefined (RFC 4511 §4.5.1.7)."""


@dataclass(frozen=True, slots=True)
class Found:
    """`matched`: of a missing base, the part of its name that exists."""

    result: Result
    entries: Collection[Entry] = ()
    matched: str = ""
    reason: str = ""


def everything(_attribute: str) -> bool:
    return True


def search(tree: Tree, asked: Search, schema: Schema = everything) -> Found:
    """All entries in scope that the filter holds for."""
    try:
        base = normal(asked.base)
    except LdapError as error:
        return Found(Result.INVALID_DN_SYNTAX, reason=error.reason)
    if base and tree.get(base) is None:
        return Found(Result.NO_SUCH_OBJECT, matched=_existing(tree, base))
    judge = _Judge(tree, schema)
    places = _places(tree, asked, base, judge)
    return Found(Result.SUCCESS, [entry for entry in places if judge.holds(entry, asked.filter)])


def _existing(tree: Tree, key: str) -> str:
    """The nearest name above that has an entry, as its source wrote it."""
    while key := parent(key):
        if entry := tree.get(key):
            return entry.dn
    return ""


def _places(tree: Tree, asked: Search, base: str, judge: "_Judge") -> Iterable[Entry]:
    """Entries in scope, among them all that match."""
    match asked.scope:
        case Scope.BASE:
            entry = tree.get(base)
            return (entry,) if entry else ()
        case Scope.ONE:
            return tree.children(base)
    candidates = judge.candidates(asked.filter)
    if candidates is None or len(candidates) > tree.size(base) + 1:
        return tree.subtree(base)
    if not base:
        return candidates
    below = f",{base}"
    return (entry for entry in candidates if entry.key.endswith(below) or entry.key == base)


class _Judge:
    """Judges entries by filters, in three values: None is Undefined."""

    def __init__(self, tree: Tree, schema: Schema) -> None:
        self._tree = tree
        self._schema = schema

    def holds(self, entry: Entry, term: Filter) -> bool | None:
        match term:
            case And(terms):
                return _all(self.holds(entry, each) for each in terms)
            case Or(terms):
                return _any(self.holds(entry, each) for each in terms)
            case Not(inner):
                verdict = self.holds(entry, inner)
                return None if verdict is None else not verdict
            case Extensible():
                return None
        return self._simple(entry, term) if self._schema(term.attribute) else None

    def candidates(self, term: Filter) -> Collection[Entry] | None:
        """A few entries among which are all that match, if an index tells; None if all must be looked at."""
        match term:
            case And(terms):
                known = [found for each in terms if (found := self.candidates(each)) is not None]
                return min(known, key=len, default=None)
            case Or(terms):
                return self._union(terms)
            case Equal(attribute, value) | Approx(attribute, value):
                return self._tree.matching(attribute, value)
            case Present(attribute) | Substrings(attribute) | AtLeast(attribute) | AtMost(attribute):
                if self._tree.count_having(attribute) * 2 < len(self._tree):
                    return list(self._tree.having(attribute))
        return None

    def _union(self, terms: tuple[Filter, ...]) -> Collection[Entry] | None:
        found: dict[Entry, None] = {}
        for each in terms:
            some = self.candidates(each)
            if some is None:
                return None
            found.update(dict.fromkeys(some))
        return found

    def _simple(self, entry: Entry, term: Equal | Approx | Present | Substrings | AtLeast | AtMost) -> bool:
        match term:
            case Equal(attribute, value) | Approx(attribute, value):
                return entry in self._tree.matching(attribute, value)
            case Present(attribute):
                return attribute in entry.shape.position
            case Substrings():
                return any(_fits(fold(term.attribute, value), term) for value in entry.values(term.attribute))
            case AtLeast(attribute, value):
                return any(_compare(fold(attribute, each), value) >= 0 for each in entry.values(attribute))
            case AtMost(attribute, value):
                return any(_compare(fold(attribute, each), value) <= 0 for each in entry.values(attribute))


def _all(verdicts: Iterator[bool | None]) -> bool | None:
    result: bool | None = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            result = None
    return result


def _any(verdicts: Iterator[bool | None]) -> bool | None:
    result: bool | None = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            result = None
    return result


def _fits(value: str, term: Substrings) -> bool:
    if not value.startswith(term.initial):
        return False
    position = len(term.initial)
    for piece in term.middle:
        found = value.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return value.endswith(term.final) and len(value) - len(term.final) >= position


def _compare(one: str, other: str) -> int:
    """Numbers as numbers, all else as text."""
    try:
        left, right = int(one), int(other)
    except ValueError:
        return (one > other) - (one < other)
    return (left > right) - (left < right)
