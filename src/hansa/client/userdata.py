"""What a new machine is told beside the user's own script: an account that the user's SSH key opens, on any image."""

import json

from hansa.base.i18n import _
from hansa.client.errors import BadProfile

_BOUNDARY = "hansa-user-data-3f1c"
_TYPES = ((b"#cloud-config", "text/cloud-config"), (b"#!", "text/x-shellscript"))


def with_login(login: str, public_key: str, user_data: bytes) -> bytes:
    """User data that also makes the account `login`, which may become root, with `public_key`.

    What the user says comes second and wins. User data of other kinds than scripts and cloud-config goes as it is: the
    key then opens the image's own account.
    """
    if not login.isascii() or not login.replace("-", "").replace("_", "").isalnum():
        raise BadProfile(_("“{login}” cannot be the name of an account.").format(login=login), key="defaults.login")
    config = _cloud_config(login, public_key)
    if not user_data.strip():
        return config
    kind = next((kind for start, kind in _TYPES if user_data.startswith(start)), None)
    if kind is None or f"--{_BOUNDARY}".encode() in user_data:
        return user_data
    parts = ((b"text/cloud-config", config), (kind.encode(), user_data))
    body = b"".join(
        b"--%s\nContent-Type: %s; charset=utf-8\n\n%s\n" % (_BOUNDARY.encode(), kind_, content)
        for kind_, content in parts
    )
    head = f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"\nMIME-Version: 1.0\n\n'.encode()
    return head + body + f"--{_BOUNDARY}--\n".encode()


def _cloud_config(login: str, public_key: str) -> bytes:
    user = {
        "name": login,
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "shell": "/bin/sh",
        "lock_passwd": True,
        "ssh_authorized_keys": [public_key],
    }
    return b"#cloud-config\n" + json.dumps({"users": ["default", user]}, indent=1).encode() + b"\n"
