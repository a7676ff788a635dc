"""The SSH server and its host key."""

import subprocess
from pathlib import Path

_KEY = "etc/dropbear/dropbear_ed25519_host_key"


def begin_host_key(root: Path) -> subprocess.Popen[bytes] | None:
    """Start making the host key if there is none; it is ready by the time the network is."""
    path = root / _KEY
    if path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["dropbearkey", "-t", "ed25519", "-f", str(path)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start(root: Path, making: subprocess.Popen[bytes] | None, *, passwords: bool) -> None:
    """Start the server and print its public key on the console, in the marks that cloud-init uses."""
    if making is not None and making.wait() != 0:
        raise RuntimeError("the host key could not be made")
    refuse_passwords = [] if passwords else ["-s"]
    subprocess.run(["dropbear", *refuse_passwords, "-r", root / _KEY], check=True)
    shown = subprocess.run(["dropbearkey", "-y", "-f", root / _KEY], capture_output=True, text=True, check=True)
    public = next(line for line in shown.stdout.splitlines() if line.startswith("ssh-"))
    print(f"-----BEGIN SSH HOST KEY KEYS-----\n{public}\n-----END SSH HOST KEY KEYS-----", flush=True)
