"""Which accelerator really runs machines on this host.

That /dev/kvm opens says little: nested virtualisation may run guests twenty times slower than emulation, or abort on
`-cpu host`. So a trial machine boots its firmware and a boot sector, which says so on the debug console and leaves through
isa-debug-exit; hardware virtualisation does that in a fraction of the second it gets. The answer is kept until
kernel, QEMU or processor change.
"""

import asyncio
import json
import os
import platform
import tempfile
from pathlib import Path

import structlog

from hansa.base.errors import BackendDown

TRIAL_SECONDS = 1.0
MARK = b"hansa"

# mov dx, 0x402; for each byte of MARK: mov al, byte; out dx, al. Then mov dx, 0x501; out dx, al (QEMU exits with
# status 2*al+1); cli; hlt.
_SECTOR = (
    b"\xba\x02\x04" + b"".join(b"\xb0" + bytes([byte]) + b"\xee" for byte in MARK) + b"\xba\x01\x05\xb0\x20\xee\xfa\xf4"
).ljust(510, b"\0") + b"\x55\xaa"
_EXIT_STATUS = 2 * 0x20 + 1

log = structlog.stdlib.get_logger(__name__)


async def choose(qemu: str, cache: Path) -> str:
    """`kvm` or `tcg`. BackendDown if QEMU is not there."""
    facts = {"kernel": platform.release(), "qemu": await version(qemu), "cpu": await asyncio.to_thread(_cpu)}
    known = await asyncio.to_thread(_read, cache)
    if known.get("facts") == facts and known.get("accelerator") in ("kvm", "tcg"):
        return str(known["accelerator"])
    found = "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) and await runs(qemu, "kvm", TRIAL_SECONDS) else "tcg"
    log.info("embedded.accelerator", accelerator=found, **facts)
    await asyncio.to_thread(cache.write_text, json.dumps({"accelerator": found, "facts": facts}))
    return found


async def version(qemu: str) -> str:
    """QEMU's own word for its version. BackendDown if it cannot be run."""
    try:
        process = await asyncio.create_subprocess_exec(
            qemu, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise BackendDown("QEMU (qemu-system-x86_64) is not installed on this host.") from error
    told, _ = await process.communicate()
    first = told.partition(b"\n")[0].decode(errors="replace").removeprefix("QEMU emulator version ")
    if process.returncode != 0 or not first:
        raise BackendDown("QEMU (qemu-system-x86_64) does not run on this host.")
    return first


async def runs(qemu: str, accelerator: str, seconds: float) -> bool:
    """Whether a trial machine does its work within that time."""
    with tempfile.TemporaryDirectory(prefix="hansa-trial-") as place:
        disk, console = Path(place) / "disk", Path(place) / "console"
        await asyncio.to_thread(disk.write_bytes, _SECTOR)
        process = await asyncio.create_subprocess_exec(
            *(qemu, "-machine", "pc", "-accel", accelerator, "-nodefaults", "-no-user-config", "-display", "none"),
            *(("-cpu", "host") if accelerator == "kvm" else ()),
            *(
                "-m",
                "16",
                "-drive",
                f"if=ide,format=raw,file={disk}",
                "-device",
                "isa-debug-exit,iobase=0x501,iosize=1",
            ),
            *("-chardev", f"file,id=debug,path={console}", "-device", "isa-debugcon,iobase=0x402,chardev=debug"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            status = await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            process.kill()
            await process.wait()
            return False
        return status == _EXIT_STATUS and (await asyncio.to_thread(console.read_bytes)).endswith(MARK)


def _read(cache: Path) -> dict[str, object]:
    try:
        known = json.loads(cache.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _cpu() -> str:
    """Model and microcode as the kernel tells them."""
    lines = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0].splitlines()
    facts = dict(line.partition(":")[::2] for line in lines)
    told = {key.strip(): value.strip() for key, value in facts.items()}
    return " ".join(told.get(key, "") for key in ("model name", "stepping", "microcode")).strip()
