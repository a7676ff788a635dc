"""A file tree as a value: what a file system image is written from, without a staging directory or root's rights.

Paths are relative, without a leading slash. Everything belongs to root and bears `recipe.EPOCH`.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_DIRECTORY_MODE = stat.S_IFDIR | 0o755


@dataclass(frozen=True, slots=True)
class Entry:
    """`mode` with its type bits; `content` is a file's bytes, a link's target (utf-8) or empty."""

    mode: int
    content: bytes = b""


Tree = dict[str, Entry]


def put_file(tree: Tree, path: str, content: bytes, *, mode: int = 0o644) -> None:
    put_parents(tree, path)
    tree[path] = Entry(stat.S_IFREG | mode, content)


def put_link(tree: Tree, path: str, target: str) -> None:
    put_parents(tree, path)
    tree[path] = Entry(stat.S_IFLNK | 0o777, target.encode())


def put_directory(tree: Tree, path: str, *, mode: int = 0o755) -> None:
    put_parents(tree, path)
    tree[path] = Entry(stat.S_IFDIR | mode)


def put_parents(tree: Tree, path: str) -> None:
    for parent in PurePosixPath(path).parents:
        if str(parent) != ".":
            tree.setdefault(str(parent), Entry(_DIRECTORY_MODE))


def put_all(tree: Tree, source: Path) -> None:
    """Every file below `source`; executable where its owner may execute it or where it begins with `#!`."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        content = file.read_bytes()
        put_file(tree, file.relative_to(source).as_posix(), content, mode=0o755 if content.startswith(b"#!") else 0o644)


def sorted_entries(tree: Tree) -> Iterator[tuple[str, Entry]]:
    """Parents before children, in an order that depends on the paths alone."""
    return iter(sorted(tree.items(), key=lambda item: PurePosixPath(item[0]).parts))


def cpio(tree: Tree, mtime: int) -> bytes:
    """The tree as an initramfs archive (`newc` format, Documentation/driver-api/early-userspace/buffer-format)."""
    parts = [_cpio_member(number, path, entry, mtime) for number, (path, entry) in enumerate(sorted_entries(tree), 1)]
    return b"".join([*parts, _cpio_member(0, "TRAILER!!!", Entry(0), 0)])


def _cpio_member(inode: int, path: str, entry: Entry, mtime: int) -> bytes:
    name = path.encode() + b"\0"
    fields = (inode, entry.mode, 0, 0, 1, mtime, len(entry.content), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
