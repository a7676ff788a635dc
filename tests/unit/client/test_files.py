"""Secrets on disk: private, whole, and never through somebody else's link."""

import os
import stat
from pathlib import Path

import pytest

from hansa.client.errors import NoCredential, UnsafeFile
from hansa.client.files import read_private, remove_private, write_private


def test_a_secret_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_private(tmp_path / "proxy", b"secret")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "proxy").stat().st_mode) == 0o600
    assert read_private(tmp_path / "proxy") == b"secret"
    assert [p.name for p in tmp_path.iterdir()] == ["proxy"]


def test_an_old_secret_is_replaced(tmp_path: Path) -> None:
    write_private(tmp_path / "proxy", b"old and long")
    write_private(tmp_path / "proxy", b"new")
    assert read_private(tmp_path / "proxy") == b"new"


def test_links_are_not_followed_when_writing(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "proxy").symlink_to(victim)
    with pytest.raises(UnsafeFile, match="not a plain file"):
        write_private(tmp_path / "proxy", b"secret")
    with pytest.raises(UnsafeFile):
        remove_private(tmp_path / "proxy")
    assert victim.read_bytes() == b"precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make somebody else's file")
def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "proxy"
    path.write_bytes(b"theirs")
    path.chmod(0o600)
    os.chown(path, 12345, 12345)
    with pytest.raises(UnsafeFile, match="another user"):
        write_private(path, b"secret")
    with pytest.raises(UnsafeFile, match="another user"):
        read_private(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    path.chmod(0o640)
    with pytest.raises(UnsafeFile, match="Others may read") as caught:
        read_private(path)
    assert caught.value.details["next"] == f"chmod 600 {path}"


def test_a_missing_secret_and_a_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NoCredential, match="There is no file"):
        read_private(tmp_path / "none")
    with pytest.raises(UnsafeFile):
        read_private(tmp_path)


def test_a_removed_secret_is_overwritten_first(tmp_path: Path) -> None:
    write_private(tmp_path / "proxy", b"secret")
    os.link(tmp_path / "proxy", tmp_path / "other")
    remove_private(tmp_path / "proxy")
    assert (tmp_path / "other").read_bytes() == bytes(6)
    assert not (tmp_path / "proxy").exists()
