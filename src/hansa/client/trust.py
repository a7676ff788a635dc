"""Trust files on the user's machine: authorities, vomsdir, vomses."""

from collections.abc import Sequence
from pathlib import Path

from hansa.base.i18n import _
from hansa.client.errors import BadProfile
from hansa.standards.voms import VomsDir, VomsServer, parse_vomses
from hansa.standards.x509 import TrustStore

_MAX_FILE_BYTES = 50_000_000
_MAX_FILES = 20_000


def load_trust(directory: Path) -> TrustStore:
    """The authorities in a directory such as /etc/grid-security/certificates."""
    return TrustStore.from_files(_read(directory, "*"))


def load_vomsdir(directory: Path) -> VomsDir:
    """The VOMS servers that are trusted, as in /etc/grid-security/vomsdir. A missing directory trusts none."""
    return VomsDir.from_files(_read(directory, "*") | _read(directory, "*/*"))


def load_vomses(paths: Sequence[Path]) -> tuple[VomsServer, ...]:
    """Every server listed in the files and directories that exist. A file with a mistake is refused by name."""
    found: list[VomsServer] = []
    for path in paths:
        files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
        for file in files:
            if file.is_file() and not file.name.startswith(".") and not file.name.endswith("~"):
                found += parse_vomses(file.read_bytes())
    return tuple(dict.fromkeys(found))


def servers_of(vo: str, paths: Sequence[Path]) -> tuple[VomsServer, ...]:
    """The servers of a VO, by alias or name. Raises BadProfile when no file knows it."""
    servers = load_vomses(paths)
    found = tuple(server for server in servers if vo in (server.alias, server.vo))
    if not found:
        known = ", ".join(sorted({server.vo for server in servers})) or _("none")
        raise BadProfile(
            _("VOMS server for {vo} not known; the vomses files list: {known}.").format(vo=vo, known=known),
            key="paths.vomses",
            cause=_("Looked in {paths}.").format(paths=", ".join(str(path) for path in paths)),
        )
    return found


def _read(directory: Path, pattern: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for path in sorted(directory.glob(pattern))[:_MAX_FILES]:
        if path.is_file():
            with path.open("rb") as file:
                files[path.relative_to(directory).as_posix()] = file.read(_MAX_FILE_BYTES)
    return files
