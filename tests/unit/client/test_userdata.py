"""User data with an account for the user's key, and the key itself."""

import email
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from hansa.client.errors import BadProfile
from hansa.client.keys import ensure_key
from hansa.client.userdata import with_login
from hansa.standards.cloudinit import check_user_data

KEY = "ssh-ed25519 AAAAC3Nz user"


def users(data: bytes) -> object:
    return yaml.safe_load(data)["users"][1]


def test_without_user_data_there_is_an_account_with_the_key() -> None:
    data = with_login("cloudadm", KEY, b"")
    assert data.startswith(b"#cloud-config\n")
    assert users(data) == {
        "name": "cloudadm",
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "shell": "/bin/sh",
        "lock_passwd": True,
        "ssh_authorized_keys": [KEY],
    }
    check_user_data(data)


@pytest.mark.parametrize(
    ("given", "kind"),
    [(b"#!/bin/sh\necho hi\n", "text/x-shellscript"), (b"#cloud-config\nruncmd: [ls]\n", "text/cloud-config")],
)
def test_the_users_part_comes_second(given: bytes, kind: str) -> None:
    data = with_login("cloudadm", KEY, given)
    parts = email.message_from_bytes(data).get_payload()
    assert isinstance(parts, list)
    assert [part.get_content_type() for part in parts] == ["text/cloud-config", kind]
    last = parts[1].get_payload(decode=True)
    assert isinstance(last, bytes)
    assert last.strip() == given.strip()
    check_user_data(data)


@pytest.mark.parametrize("given", [b"#include\nhttp://x/\n", b'Content-Type: multipart/mixed; boundary="x"\n\n--x--\n'])
def test_other_kinds_go_as_they_are(given: bytes) -> None:
    assert with_login("cloudadm", KEY, given) == given


def test_a_login_that_is_no_account_name_is_refused() -> None:
    with pytest.raises(BadProfile):
        with_login("x\nroot", KEY, b"")


def test_the_key_is_made_once_and_fits_openssh(tmp_path: Path) -> None:
    path = tmp_path / "ssh" / "id_ed25519"
    public, new = ensure_key(path)
    assert new
    assert ensure_key(path) == (public, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    assert shown.split()[:2] == public.split()[:2]
