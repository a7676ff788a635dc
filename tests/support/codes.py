"""Every error code that the program can say, found in its source."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import hansa
from hansa.base.errors import HansaError

SOURCE = Path(hansa.__file__).parent
DOTTED = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
REFUSING = re.compile(r"Error$|^_refused$")
CODE_ENUM = re.compile(r"(Code|Reason)$")


def import_everything() -> None:
    """So that every class and metric exists."""
    for module in pkgutil.walk_packages(hansa.__path__, "hansa."):
        if ".migrations." not in module.name and not module.name.endswith(".__main__"):
            importlib.import_module(module.name)


def refusals() -> dict[str, type[HansaError]]:
    """`HansaError` and all its subclasses by code."""
    import_everything()
    found: dict[str, type[HansaError]] = {}
    waiting = [HansaError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("hansa."):
            found.setdefault(kind.code, kind)
    return found


def rules() -> set[str]:
    """Codes of broken rules: members of enumerations named …Code or …Reason, and literals given to …Error(...)."""
    import_everything()
    found = {member.value for kind in _subclasses(StrEnum) if CODE_ENUM.search(kind.__name__) for member in kind}
    for path in SOURCE.rglob("*.py"):
        found |= set(_literals(ast.parse(path.read_text())))
    return found


def _subclasses(kind: type[StrEnum]) -> Iterator[type[StrEnum]]:
    for sub in kind.__subclasses__():
        if sub.__module__.startswith("hansa."):
            yield sub
        yield from _subclasses(sub)


def _literals(tree: ast.AST) -> Iterator[str]:
    """First arguments of `SomethingError("a.code", …)` and `_refused("a.code", …)`, also those chosen by a conditional."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and REFUSING.search(_name(node.func)):
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and DOTTED.fullmatch(part.value):
                    yield part.value


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
