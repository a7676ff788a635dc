"""The user's SSH key: made once below the profile's state, used for every machine."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hansa.client.files import write_private


def ensure_key(path: Path) -> tuple[str, bool]:
    """The public key beside `path`, and whether the pair had to be made."""
    public = path.with_name(f"{path.name}.pub")
    if path.exists() and public.exists():
        return public.read_text(encoding="utf-8").strip(), False
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, secret)
    public.write_text(f"{line} hansa\n", encoding="utf-8")
    return f"{line} hansa", True
