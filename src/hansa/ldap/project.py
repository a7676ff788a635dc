"""Which attributes of the entries found go into the answer (RFC 4511 §4.5.1.8)."""

from collections.abc import Iterator, Sequence

from hansa.ldap.entry import OPERATIONAL, Entry, Shape
from hansa.standards.ldap import EntryEncoder, attribute_block
from hansa.standards.ldap.ber import OCTETS, SEQUENCE, Reader


class Projection:
    """`attributes` as asked, in lower case. Positions are worked out once for each shape."""

    def __init__(self, attributes: Sequence[str], *, types_only: bool = False) -> None:
        self._wanted = frozenset(name.partition(";")[0] for name in attributes)
        self._user = not attributes or "*" in self._wanted
        self._operational = "+" in self._wanted
        self._types_only = types_only
        self._plans: dict[Shape, tuple[int, ...] | None] = {}

    def encode(self, message: int, entries: Sequence[Entry]) -> Iterator[bytes]:
        """Each entry as a message."""
        encoder = EntryEncoder(message)
        for entry in entries:
            blocks = entry.blocks
            plan = self._plan(entry.shape)
            if plan is not None:
                blocks = tuple(blocks[index] for index in plan)
            if self._types_only:
                blocks = tuple(_bare(block) for block in blocks)
            yield encoder.render(entry.name, blocks)

    def _plan(self, shape: Shape) -> tuple[int, ...] | None:
        """Which blocks go out; None for all."""
        try:
            return self._plans[shape]
        except KeyError:
            chosen = tuple(index for index, name in enumerate(shape.attributes) if self._is_wanted(name))
            plan = self._plans[shape] = None if len(chosen) == len(shape.attributes) else chosen
            return plan

    def _is_wanted(self, name: str) -> bool:
        if name in self._wanted:
            return True
        return self._operational if name in OPERATIONAL else self._user


def _bare(block: bytes) -> bytes:
    """The attribute without its values."""
    return attribute_block(Reader(block).inside(SEQUENCE).text(OCTETS), ())
