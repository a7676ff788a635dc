"""Files and names of the guest."""

import base64
import grp
import os
import pwd
import subprocess
from pathlib import Path
from typing import NamedTuple

from .userdata import gunzip


class FileToWrite(NamedTuple):
    """An entry of `write_files`; `encoding` says what `content` is packed in."""

    path: str
    content: bytes
    encoding: str = "text/plain"
    mode: int = 0o644
    owner: str = "root:root"
    append: bool = False


def write(root: Path, file: FileToWrite) -> None:
    target = root / file.path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab" if file.append else "wb") as stream:
        stream.write(decoded(file.content, file.encoding))
    target.chmod(file.mode)
    if os.geteuid() == 0 and file.owner != "root:root":
        user, _, group = file.owner.partition(":")
        os.chown(target, pwd.getpwnam(user).pw_uid if user else -1, grp.getgrnam(group).gr_gid if group else -1)


def decoded(content: bytes, encoding: str) -> bytes:
    """`b64`, `gz`, `gz+b64` and their long names."""
    words = encoding.lower().replace("base64", "b64").replace("gzip", "gz").split("+")
    if "b64" in words:
        content = base64.b64decode(content)
    return gunzip(content) if "gz" in words else content


def set_hostname(root: Path, name: str) -> None:
    """`name` may be fully qualified; the host bears its first label."""
    if not name:
        return
    short = name.partition(".")[0]
    (root / "etc/hostname").write_text(short + "\n")
    names = name if name == short else f"{name} {short}"
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {names}\n")
    if root == Path("/"):
        subprocess.run(["hostname", short], check=True)
