"""grid-mapfile: `"<subject in the one-line form>" <account>`, as Globus, dCache and the older clouds read it."""

from collections.abc import Mapping, Sequence

from hansa.standards.memberexport.selection import certificates
from hansa.standards.memberfeed import Entry, slash_of


def grid_mapfile(entries: Sequence[Entry], accounts: Mapping[str, str]) -> bytes:
    """`accounts`: VO -> account, by default `.<vo>`, a pool. A name in several VOs maps to all of them, with commas."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        account = accounts.get(entry.vo, f".{entry.vo}")
        for each in certificates(entry):
            held = found.setdefault(slash_of(each.subject), [])
            if account not in held:
                held.append(account)
    return "".join(f'"{_quoted(name)}" {",".join(found[name])}\n' for name in sorted(found)).encode()


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
