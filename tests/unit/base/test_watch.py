"""A snapshot is whole, fresh, and survives what operators do to files."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from hansa.base.watch import Watched


def contents(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return dict(files)


def test_directories_give_members_by_relative_path_and_files_by_name(tmp_path: Path) -> None:
    (tmp_path / "vomsdir/dteam").mkdir(parents=True)
    (tmp_path / "vomsdir/dteam/voms.example.org.lsc").write_bytes(b"lsc")
    (tmp_path / "vomsdir/.dteam.swp").write_bytes(b"an editor's")
    (tmp_path / "key.pem").write_bytes(b"key")
    watched = Watched([tmp_path / "vomsdir", tmp_path / "key.pem"], contents)
    assert watched.current == {"dteam/voms.example.org.lsc": b"lsc", "key.pem": b"key"}


@pytest.mark.parametrize("change", ["content", "new", "removed", "replaced"])
def test_every_change_is_seen(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a.r0"
    file.write_bytes(b"old")
    watched = Watched([tmp_path], contents, interval=0)
    expected = {"a.r0": b"new"}
    if change == "content":
        file.write_bytes(b"new")
    elif change == "replaced":
        (tmp_path / ".a").write_bytes(b"new")
        (tmp_path / ".a").rename(file)
    elif change == "new":
        (tmp_path / "b.r0").write_bytes(b"more")
        expected = {"a.r0": b"old", "b.r0": b"more"}
    else:
        file.unlink()
        expected = {}
    assert watched.current == expected


def test_links_are_followed_so_that_a_swapped_target_is_seen(tmp_path: Path) -> None:
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "ca.pem").write_bytes(version.encode())
    link = tmp_path / "current"
    link.symlink_to(tmp_path / "one")
    watched = Watched([link], contents, interval=0)
    (tmp_path / "next").symlink_to(tmp_path / "two")
    (tmp_path / "next").rename(link)
    assert watched.current == {"ca.pem": b"two"}


def test_a_failing_rebuild_keeps_the_last_good_snapshot_until_the_files_are_right(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text("1")
    watched = Watched([file], lambda files: json.loads(files["policy.json"]), interval=0)
    file.write_text("{half")
    assert watched.current == 1
    file.unlink()
    assert watched.current == 1
    file.write_text("22")
    assert watched.current == 22


def test_the_same_failure_is_reported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.json"
    file.write_text("1")
    watched = Watched([file], lambda files: json.loads(files["policy.json"]), interval=0)
    file.write_text("{half")
    for _ in range(5):
        assert watched.current == 1
    assert capsys.readouterr().out.count("watch.rebuild_failed") == 1


def test_files_are_not_looked_at_more_often_than_the_interval(tmp_path: Path) -> None:
    now = [100.0]
    file = tmp_path / "a"
    file.write_bytes(b"old")
    watched = Watched([file], contents, interval=2, monotonic=lambda: now[0])
    file.write_bytes(b"newer")
    now[0] += 1.9
    assert watched.current == {"a": b"old"}
    now[0] += 0.1
    assert watched.current == {"a": b"newer"}


def test_a_missing_path_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Watched([tmp_path / "absent"], contents)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "key.pem").write_bytes(b"")
    with pytest.raises(ValueError, match="two watched files"):
        Watched([tmp_path / "a/key.pem", tmp_path / "b/key.pem"], contents)
