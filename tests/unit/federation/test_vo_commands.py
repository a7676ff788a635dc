"""`hansa vo …` on a real database, as its operator types it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.pki import Grid, split_credential, write_credential
from tests.support.voms import write_config

from hansa.cli.main import main
from hansa.standards.voms import parse_lsc, parse_vomses
from hansa.standards.x509.facts import read

VO = "fedcloud.egi.eu"


class Operator:
    """Types commands; gives exit code, and what was printed as data."""

    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._config = config
        self._capsys = capsys
        self.err = ""

    def types(self, *words: str) -> int:
        code = main(["hansa", "vo", "--config", str(self._config), *words])
        self.out, self.err = self._capsys.readouterr()
        return code

    def sees(self, *words: str) -> Any:
        assert self.types(*words, "-o", "json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def grid() -> Grid:
    return Grid(now=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def operator(grid: Grid, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Operator:
    found = Operator(write_config(grid, tmp_path, 15002), capsys)
    assert found.types("create", VO) == 0
    return found


def certificate_file(grid: Grid, path: Path, common_name: str = "Alice Example") -> str:
    path.write_bytes(split_credential(grid.user(common_name))[0])
    return str(path)


def test_a_vo_from_nothing_to_a_member_with_a_role(operator, grid, tmp_path):
    operator.sees("member", "add", VO, certificate_file(grid, tmp_path / "alice.pem"), "--email", "alice@example.org")
    assert operator.types("group", "add", VO, f"/{VO}/bio") == 0
    assert operator.types("group", "add", VO, f"/{VO}/bio", "1") == 0
    operator.sees("role", "grant", VO, "1", f"/{VO}/bio/Role=vm_operator")
    member = operator.sees("member", "show", VO, str(grid.name("Alice Example")))
    assert member["name"] == "Alice Example"
    assert member["groups"] == [f"/{VO}", f"/{VO}/bio"]
    assert member["roles"] == [f"/{VO}/bio/Role=vm_operator"]
    assert [row["role"] for row in operator.sees("role", "list", VO)["items"]] == member["roles"]
    assert operator.sees("show", VO)["members"] == 1
    assert [row["name"] for row in operator.sees("list")["items"]] == [VO]


def test_a_member_by_names_alone(operator):
    member = operator.sees(
        "member", "add", VO, "--subject", "/DC=org/CN=Bob", "--issuer", "/DC=org/CN=CA", "--until", "2030-01-31"
    )
    assert member["until"] == "2030-01-31T00:00:00+00:00"
    assert member["credentials"] == [{"subject": "/DC=org/CN=Bob", "issuer": "/DC=org/CN=CA"}]
    assert operator.sees("member", "extend", VO, "1")["until"] is None


def test_a_proxy_file_stands_for_its_owner(operator, grid, tmp_path):
    proxy = write_credential(tmp_path / "proxy.pem", grid.proxy(grid.proxy(grid.user())))
    assert operator.sees("member", "add", VO, str(proxy))["subject"] == str(grid.name("Alice Example"))


def test_a_second_certificate(operator, grid, tmp_path):
    operator.sees("member", "add", VO, certificate_file(grid, tmp_path / "alice.pem"))
    second = certificate_file(grid, tmp_path / "second.pem", "Alice Robot")
    assert len(operator.sees("member", "add", VO, second, "--same-as", "1")["credentials"]) == 2


def test_suspend_restore_remove(operator, grid, tmp_path):
    operator.sees("member", "add", VO, certificate_file(grid, tmp_path / "alice.pem"))
    assert operator.sees("member", "suspend", VO, "1", "--reason", "left")["state"] == "suspended"
    assert operator.sees("member", "restore", VO, "1")["state"] == "active"
    assert operator.types("member", "remove", VO, "1") == 0
    assert operator.sees("member", "list", VO)["items"] == []


def test_revoke_leave_and_remove_a_group(operator, grid, tmp_path):
    operator.sees("member", "add", VO, certificate_file(grid, tmp_path / "alice.pem"))
    operator.sees("role", "grant", VO, "1", f"/{VO}/Role=VO-Admin")
    assert operator.sees("role", "revoke", VO, "1", f"/{VO}/Role=VO-Admin")["roles"] == []
    for words in (("add",), ("add", "1"), ("remove", "1"), ("remove",)):
        assert operator.types("group", words[0], VO, f"/{VO}/bio", *words[1:]) == 0, operator.err
    assert operator.sees("group", "list", VO)["items"] == [{"name": f"/{VO}"}]


def test_the_files_that_clients_and_sites_need(operator, grid):
    assert operator.types("vomses", VO) == 0
    (server,) = parse_vomses(operator.out.encode())
    assert (server.vo, server.host, server.port) == (VO, "localhost", 15002)
    assert operator.types("lsc", VO) == 0
    ((entry,),) = parse_lsc(operator.out.encode())
    assert entry.matches(read(grid.voms_server.leaf))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("create", VO), 1, "membership.exists"),
        (("create", "a b"), 2, "membership.invalid_name"),
        (("show", "atlas"), 4, "membership.no_such_vo"),
        (("vomses", "atlas"), 4, "membership.no_such_vo"),
        (("member", "show", VO, "7"), 4, "membership.no_such_member"),
        (("member", "show", VO, "Alice"), 1, "x509.name.syntax"),
        (("member", "add", VO), 2, "bad_request"),
        (("member", "add", VO, __file__), 2, "membership.not_a_certificate"),
        (("role", "grant", VO, "1", f"/{VO}"), 2, "bad_request"),
        (("group", "add", VO, "/atlas/x"), 2, "membership.invalid_name"),
    ],
)
def test_what_cannot_be_done_says_why(operator, words, code, said):
    assert operator.types(*words) == code
    assert said in operator.err
