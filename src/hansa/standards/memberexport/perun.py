"""Perun's service `fedcloud_export`, as it arrives at a site: a tar on the standard input of a forced ssh command.

The site's own script unpacks it, so that sites of the EGI Federated Cloud take members from here unchanged.
"""

import io
import tarfile
from collections.abc import Sequence
from datetime import datetime

from hansa.standards.memberexport.selection import certificates
from hansa.standards.memberfeed import Entry, slash_of

SERVICE = "fedcloud_export"
PROTOCOL = "3.1.0"
SEPARATOR = "\x1e"


def fedcloud_export(
    entries: Sequence[Entry], *, facility: str, hostname: str, now: datetime, platform: str = "opennebula"
) -> bytes:
    """The archive. The same members at the same time give the same bytes; people without a certificate are left out."""
    files = {
        "CLOUD_PLATFORM": platform,
        "FACILITY": f"{facility}\n",
        "HOSTNAME": f"{hostname}\n",
        "SERVICE": f"{SERVICE}\n",
        "VERSION": f"{PROTOCOL}\n",
        SERVICE: "".join(record(each) for each in entries if certificates(each)),
    }
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, text in files.items():
            content = text.encode()
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mode, member.mtime = len(content), 0o644, int(now.timestamp())
            archive.addfile(member, io.BytesIO(content))
    return output.getvalue()


def record(entry: Entry) -> str:
    """`<vo>_<uid> ␞ vo ␞ DN ␞ mail ␞ SSH keys`: the last certificate's name in the older one-line form; keys are not told."""
    name = slash_of(certificates(entry)[-1].subject)
    return SEPARATOR.join((f"{entry.vo}_{entry.uid}", entry.vo, name, entry.mail, "")) + "\n"
