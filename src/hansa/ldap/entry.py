"""One entry, encoded when it comes in: answering a search is copying its blocks."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from hansa.standards.ldap import attribute_block, normal
from hansa.standards.ldap.answers import name_block
from hansa.standards.ldap.ber import OCTETS, SEQUENCE, SET, Reader

OPERATIONAL = frozenset({"structuralobjectclass", "entrydn", "createtimestamp", "modifytimestamp", "hassubordinates"})


class Shape:
    """The attributes that an entry has, in order; shared by all entries that have the same ones."""

    __slots__ = ("attributes", "position")

    def __init__(self, attributes: tuple[str, ...]) -> None:
        self.attributes = attributes
        """In lower case."""
        self.position: Mapping[str, int] = {name: index for index, name in enumerate(attributes)}


class Entry:
    """Immutable, and equal only to itself. `key`: its normal name; `name` and `blocks` are encoded, a block an attribute."""

    __slots__ = ("blocks", "key", "name", "shape")

    def __init__(self, key: str, name: bytes, shape: Shape, blocks: tuple[bytes, ...]) -> None:
        self.key = key
        self.name = name
        self.shape = shape
        self.blocks = blocks

    @property
    def dn(self) -> str:
        """As its source wrote it."""
        return Reader(self.name).text()

    def values(self, attribute: str) -> list[str]:
        """Of an attribute (in lower case), in order; none if the entry lacks it."""
        index = self.shape.position.get(attribute)
        return [] if index is None else values_of(self.blocks[index])


def make_entry(dn: str, attributes: Iterable[tuple[str, str]]) -> Entry:
    """From a name and its attributes as written; an attribute stands where it stood first. Raises LdapError `ldap.dn`."""
    grouped: dict[str, tuple[str, list[str]]] = {}
    for name, value in attributes:
        grouped.setdefault(name.lower(), (name, []))[1].append(value)
    blocks = tuple(_block(name, tuple(values)) for name, values in grouped.values())
    return Entry(normal(dn), name_block(dn), _shape(tuple(grouped)), blocks)


def values_of(block: bytes) -> list[str]:
    """The values in an encoded attribute."""
    attribute = Reader(block).inside(SEQUENCE)
    attribute.expect(OCTETS)
    values = attribute.inside(SET)
    found = []
    while values:
        found.append(values.text())
    return found


@lru_cache(maxsize=4096)
def _shape(attributes: tuple[str, ...]) -> Shape:
    return Shape(attributes)


@lru_cache(maxsize=65536)
def _block(name: str, values: tuple[str, ...]) -> bytes:
    """Most blocks of a federation are the same at every site: they are shared."""
    return attribute_block(name, values)
