"""Kernel modules: which ones a wanted one needs, and the index files that modprobe reads.

A package carries modules without `modules.dep`, which Debian makes at installation; the same facts stand in each
module's `.modinfo` section as NUL-separated `depends=` and `alias=` strings.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hansa.base.errors import BackendDown

_INFO = re.compile(rb"(?:^|\0)(depends|alias)=([^\0]*)")


@dataclass(frozen=True, slots=True)
class Module:
    path: Path  # relative to lib/modules/VERSION
    depends: tuple[str, ...]
    aliases: tuple[str, ...]
    content: bytes


def closure(directory: Path, wanted: Iterable[str]) -> Mapping[str, Module]:
    """The wanted modules and what they need, by name with underscores, less what is built into this kernel.

    Raises BackendDown for a wanted module that the kernel does not have at all.
    """
    index = {_name(path): path for path in directory.rglob("*.ko")}
    built_in = {_name(Path(line)) for line in (directory / "modules.builtin").read_text().splitlines()}
    found: dict[str, Module] = {}
    todo = [_canonical(name) for name in wanted]
    while todo:
        name = todo.pop()
        if name in found or name in built_in:
            continue
        if name not in index:
            raise BackendDown(f"the kernel has no module {name}; the recipe must not ask for it")
        found[name] = _read(directory, index[name])
        todo += found[name].depends
    return dict(sorted(found.items()))


def modules_dep(modules: Mapping[str, Module]) -> str:
    """Each line: a module, then all it needs; modprobe loads a line from its end."""
    lines = [f"{module.path}: {' '.join(_needs(name, modules))}".rstrip() for name, module in modules.items()]
    return "\n".join(lines) + "\n"


def modules_alias(modules: Mapping[str, Module]) -> str:
    return "".join(f"alias {alias} {name}\n" for name, module in modules.items() for alias in module.aliases)


def _needs(name: str, modules: Mapping[str, Module]) -> list[str]:
    needs: list[str] = []
    for other in modules[name].depends:
        if other in modules:
            needs += [str(modules[other].path), *_needs(other, modules)]
    return list(reversed(dict.fromkeys(reversed(needs))))


def _read(directory: Path, path: Path) -> Module:
    content = path.read_bytes()
    info = [(key, value.decode()) for key, value in _INFO.findall(content)]
    depends = [_canonical(name) for key, value in info if key == b"depends" for name in value.split(",") if name]
    aliases = [value for key, value in info if key == b"alias"]
    return Module(path.relative_to(directory), tuple(depends), tuple(aliases), content)


def _name(path: Path) -> str:
    return _canonical(path.stem)


def _canonical(name: str) -> str:
    return name.replace("-", "_")
