"""Which of a member's names go into an attribute certificate, and in which order."""

from collections.abc import Iterable, Sequence

from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import Fqan


def select_fqans(held: Iterable[Fqan], requested: Sequence[Fqan], order: Sequence[Fqan] = ()) -> tuple[Fqan, ...]:
    """The names to grant, the primary one first.

    What was asked for comes first, in that order; then every other group held, sorted. Roles are granted only if asked for by
    name. Nothing requested means the groups alone. `order` moves what it names to the front and grants nothing by itself.
    Raises `VomsError` (`voms.fqan.not_held`) if something asked for is not held.
    """
    have = frozenset(held)
    for fqan in requested:
        if fqan not in have:
            raise VomsError(VomsCode.FQAN_NOT_HELD, f"You do not hold {fqan}: ask for a group or role of yours")
    groups = sorted(fqan for fqan in have if fqan.role is None)
    granted = tuple(dict.fromkeys((*requested, *groups)))
    first = [fqan for fqan in dict.fromkeys(order) if fqan in granted]
    return tuple(dict.fromkeys((*first, *granted)))


def select_all(held: Iterable[Fqan], order: Sequence[Fqan] = ()) -> tuple[Fqan, ...]:
    """Everything held, roles too, sorted but for what `order` moves to the front."""
    every = frozenset(held)
    return select_fqans(every, sorted(every, key=str), order)
