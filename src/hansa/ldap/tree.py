"""All entries, by name, by parent, by shape and by value; and the sources that they come from."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hansa.ldap.entry import Entry, Shape
from hansa.standards.ldap import fold, parent

K = TypeVar("K")
Posting = Entry | dict[Entry, None]
"""One entry, as most values have, or several in the order in which they came."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that was not taken, and why."""

    dn: str
    reason: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a source's new state changed."""

    entries: int
    added: int
    removed: int
    rejected: tuple[Rejected, ...]


class Tree:
    """`replace` changes it in one step; nothing between two `await`s sees half a source.

    An attribute is indexed when it is first asked for, and from then on kept indexed: nothing is paid for what nobody asks.
    """

    def __init__(self, indexed: Collection[str] = ("objectclass",)) -> None:
        self._sources: dict[str, tuple[Entry, ...]] = {}
        self._entries: dict[str, Entry] = {}
        self._children: dict[str, dict[Entry, None]] = {}
        self._sizes: dict[str, int] = {}
        self._shapes: dict[Shape, dict[Entry, None]] = {}
        self._index: dict[str, dict[str, Posting]] = {name.lower(): {} for name in indexed}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def sources(self) -> Collection[str]:
        return self._sources.keys()

    def replace(self, source: str, entries: Sequence[Entry]) -> Replaced:
        """The source's new state, whole. An entry needs one above it, of this source or another, or to be a suffix.

        What has the name of another source's entry, or hangs in the air, is rejected; the rest counts.
        """
        before = self._sources.get(source, ())
        own = {entry.key for entry in before}
        taken: dict[str, Entry] = {}
        rejected = []
        for entry in sorted(entries, key=_depth):
            if reason := self._objection(entry, own, taken):
                rejected.append(Rejected(entry.dn, reason))
            else:
                taken[entry.key] = entry
        return self._swap(source, before, taken, rejected)

    def remove(self, source: str) -> Replaced:
        """Forget a source."""
        replaced = self.replace(source, ())
        del self._sources[source]
        return replaced

    def get(self, key: str) -> Entry | None:
        """By normal name."""
        return self._entries.get(key)

    def children(self, key: str) -> Collection[Entry]:
        return self._children.get(key, {})

    def size(self, key: str) -> int:
        """How many entries stand below that one."""
        return self._sizes.get(key, 0) if key else len(self._entries)

    def subtree(self, key: str) -> Iterator[Entry]:
        """An entry and all below it, parents first."""
        waiting = [key]
        while waiting:
            now = waiting.pop()
            if entry := self._entries.get(now):
                yield entry
            waiting.extend(child.key for child in reversed(self._children.get(now, {})))

    def matching(self, attribute: str, value: str) -> Collection[Entry]:
        """Entries that have the folded value."""
        found = self._indexed(attribute).get(value)
        if found is None:
            return ()
        return (found,) if isinstance(found, Entry) else found.keys()

    def having(self, attribute: str) -> Iterator[Entry]:
        """Entries that have the attribute."""
        for shape, entries in self._shapes.items():
            if attribute in shape.position:
                yield from entries

    def count_having(self, attribute: str) -> int:
        return sum(len(entries) for shape, entries in self._shapes.items() if attribute in shape.position)

    def _objection(self, entry: Entry, own: set[str], taken: dict[str, Entry]) -> str | None:
        key = entry.key
        if not key:
            return "the root has no entry"
        if key in taken:
            return "the source has it twice"
        if key in self._entries and key not in own:
            return "another source has an entry of that name"
        above = parent(key)
        if above and above not in taken and (above not in self._entries or above in own):
            return "there is no entry above it"
        return None

    def _swap(
        self, source: str, before: Sequence[Entry], taken: dict[str, Entry], rejected: list[Rejected]
    ) -> Replaced:
        kept = {}
        for entry in before:
            new = taken.get(entry.key)
            if new is not None and new.blocks == entry.blocks and new.name == entry.name:
                kept[entry.key] = entry
            else:
                self._take_out(entry)
        added = [entry for key, entry in taken.items() if key not in kept]
        for entry in added:
            self._put_in(entry)
        self._sources[source] = tuple(kept.get(key, entry) for key, entry in taken.items())
        return Replaced(len(taken), len(added), len(before) - len(kept), tuple(rejected))

    def _put_in(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        above = parent(entry.key)
        self._children.setdefault(above, {})[entry] = None
        self._count(above, 1)
        self._shapes.setdefault(entry.shape, {})[entry] = None
        for attribute, index in self._index.items():
            _post(index, entry, attribute)

    def _take_out(self, entry: Entry) -> None:
        del self._entries[entry.key]
        above = parent(entry.key)
        _discard(self._children, above, entry)
        self._count(above, -1)
        _discard(self._shapes, entry.shape, entry)
        for attribute, index in self._index.items():
            _unpost(index, entry, attribute)

    def _count(self, key: str, change: int) -> None:
        while key:
            self._sizes[key] = self._sizes.get(key, 0) + change
            if not self._sizes[key]:
                del self._sizes[key]
            key = parent(key)

    def _indexed(self, attribute: str) -> dict[str, Posting]:
        index = self._index.get(attribute)
        if index is None:
            index = self._index[attribute] = {}
            for entry in self.having(attribute):
                _post(index, entry, attribute)
        return index


def _depth(entry: Entry) -> int:
    return entry.key.count(",")


def _folded(entry: Entry, attribute: str) -> Iterable[str]:
    return {fold(attribute, value) for value in entry.values(attribute)}


def _post(index: dict[str, Posting], entry: Entry, attribute: str) -> None:
    for value in _folded(entry, attribute):
        present = index.get(value)
        if present is None:
            index[value] = entry
        elif isinstance(present, Entry):
            index[value] = {present: None, entry: None}
        else:
            present[entry] = None


def _unpost(index: dict[str, Posting], entry: Entry, attribute: str) -> None:
    for value in _folded(entry, attribute):
        present = index.get(value)
        if present is entry:
            del index[value]
        elif isinstance(present, dict):
            present.pop(entry, None)
            if len(present) == 1:
                index[value] = next(iter(present))


def _discard(table: dict[K, dict[Entry, None]], key: K, entry: Entry) -> None:
    entries = table[key]
    del entries[entry]
    if not entries:
        del table[key]
