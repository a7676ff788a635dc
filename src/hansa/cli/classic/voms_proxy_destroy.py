"""`voms-proxy-destroy`: overwrite and remove the proxy."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hansa.cli.classic.voms_options import Usage, VomsParser
from hansa.client.errors import UnsafeFile
from hansa.client.files import remove_private
from hansa.client.profile import load_profile


def main(arguments: Sequence[str]) -> int:
    """Run `voms-proxy-destroy ARGUMENTS`; 0 or 1, as the original."""
    parser = VomsParser("voms-proxy-destroy")
    parser.option("file", "Specifies proxy file name", "<proxyfile>")
    parser.option("dry", "Only go in dryrun mode")
    parser.option("debug", "Enables extra debug output")
    parser.option("quiet q", "Quiet mode, minimal output")
    try:
        given = parser.read(arguments)
    except Usage as leave:
        (sys.stderr if leave.code else sys.stdout).write(leave.text)
        return leave.code
    path = Path(given.file) if given.file else load_profile().paths.proxy
    if given.dry:
        sys.stdout.write(f"Would remove {path}\n")
        return 0
    try:
        remove_private(path)
    except (OSError, UnsafeFile):
        sys.stderr.write("\nProxy file doesn't exist or has bad permissions\n\n")
        return 1
    return 0
