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
    assert [row["name"] for row in operator.sees("group", "list", VO)["items"]] == [f"/{VO}"]


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


def test_a_vos_terms_and_what_is_not_given_stays(operator):
    operator.sees("set", VO, "--description", "구름", "--membership-days", "365", "--grace-days", "7")
    found = operator.sees("set", VO, "--membership-days", "never")
    assert (found["description"], found["membership_days"], found["grace_days"]) == ("구름", None, 7)
    assert operator.types("set", VO, "--aup-days", "soon") == 2
    assert operator.types("create", "ops") == 0
    assert operator.types("delete", "ops") == 0
    assert operator.sees("history", VO)["items"][-1]["actor"].startswith("console:")


def test_the_policy_is_published_and_accepted_for_whom_the_operator_vouches(operator, tmp_path):
    uid = operator.sees("member", "add", VO, "--subject", "/CN=Bob", "--issuer", "/CN=CA")["uid"]
    text = tmp_path / "aup.txt"
    text.write_text("친절하게", encoding="utf-8")
    operator.sees("aup", "publish", VO, str(text), "--version", "1.0")
    assert operator.sees("aup", "show", VO)["text"] == "친절하게"
    assert operator.sees("aup", "list", VO)["items"][0]["asks_again"]
    assert operator.types("aup", "accept", VO, uid, "--version", "1.0") == 3, "nobody accepts for another"
    assert operator.sees("aup", "accepted", VO, uid)["items"] == []


def test_attributes_and_defined_roles(operator):
    operator.sees("member", "add", VO, "--subject", "/CN=Bob", "--issuer", "/CN=CA")
    for words in (
        ("attribute", "define", VO, "nickname", "--unique"),
        ("attribute", "define", VO, "quota"),
        ("attribute", "set", VO, "1", "nickname", "bob"),
        ("attribute", "set", VO, f"/{VO}", "quota", "5"),
        ("role", "define", VO, "vm_operator", "--description", "Starts machines"),
    ):
        assert operator.types(*words) == 0, operator.err
    assert [each["value"] for each in operator.sees("member", "show", VO, "1")["attributes"]] == ["bob", "5"]
    assert operator.sees("attribute", "groups", VO)["items"] == [{"name": "quota", "value": "5", "group": f"/{VO}"}]
    assert [each["name"] for each in operator.sees("attribute", "list", VO)["items"]] == ["nickname", "quota"]
    assert operator.types("role", "grant", VO, "1", f"/{VO}/Role=other") == 2
    assert [each["name"] for each in operator.sees("role", "defined", VO)["items"]] == ["vm_operator"]
    for words in (
        ("attribute", "unset", VO, "1", "nickname"),
        ("attribute", "unset", VO, f"/{VO}", "quota"),
        ("attribute", "undefine", VO, "quota"),
        ("role", "undefine", VO, "vm_operator"),
    ):
        assert operator.types(*words) == 0, operator.err


def test_a_person_with_credentials_and_password(operator, grid, tmp_path):
    person = operator.sees("person", "create", "홍길동", "--login", "hong", "--email", "hong@example.org")
    uid = person["uid"]
    assert operator.sees("member", "add", VO, "--uid", uid)["name"] == "홍길동"
    operator.sees("person", "credential", "add", uid, certificate_file(grid, tmp_path / "hong.pem"))
    operator.sees("person", "credential", "add", uid, "--issuer", "https://idp.example.org", "--subject", "hong")
    first, second = operator.sees("person", "credential", "list", uid)["items"]
    assert (first["dn"], second["subject"]) == (str(grid.name("Alice Example")), "hong")
    number = str(first["id"])
    suspended = operator.sees("person", "credential", "suspend", uid, number, "--reason", "lost")
    assert suspended["suspended"] == "lost"
    assert operator.sees("member", "show", VO, uid)["subject"] is None
    assert operator.sees("person", "credential", "restore", uid, number)["suspended"] is None
    assert operator.types("person", "credential", "remove", uid, number) == 0
    assert operator.sees("person", "set", uid, "--locale", "ko")["email"] == "hong@example.org"
    assert operator.sees("person", "show", uid)["memberships"] == {VO: "active"}
    assert [each["uid"] for each in operator.sees("person", "list", "길동")["items"]] == [uid]
    robot = operator.sees("person", "create", "Robot", "--sponsor", uid)
    assert robot["robot"]
    assert operator.types("person", "erase", robot["uid"]) == 0
    assert operator.types("person", "password", uid, "--remove") == 0


def test_members_are_searched_and_filtered(operator):
    for name in ("Alice", "Bob"):
        operator.sees("member", "add", VO, "--subject", f"/CN={name}", "--issuer", "/CN=CA")
    operator.sees("member", "suspend", VO, "2", "--reason", "left")
    assert [each["name"] for each in operator.sees("member", "list", VO, "--search", "ali")["items"]] == ["Alice"]
    assert [each["name"] for each in operator.sees("member", "list", VO, "--state", "suspended")["items"]] == ["Bob"]


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_an_export_is_imported_elsewhere_and_again(operator, tmp_path, suffix):
    for name in ("Alice", "홍길동, Jr."):
        operator.sees(
            "member", "add", VO, "--subject", "/DC=org/CN=Some One", "--issuer", f"/CN={name}", "--name", name
        )
    assert operator.types("group", "add", VO, f"/{VO}/bio") == 0
    assert operator.types("group", "add", VO, f"/{VO}/bio", "1") == 0
    operator.sees("role", "grant", VO, "1", f"/{VO}/bio/Role=admin")
    file = tmp_path / f"members.{suffix}"
    assert operator.types("member", "export", VO, str(file)) == 0
    before = operator.sees("member", "list", VO)["items"]
    for number in ("1", "2"):
        assert operator.types("member", "remove", VO, number) == 0
    for _ in range(2):
        assert operator.types("member", "import", VO, str(file)) == 0, operator.err
        after = operator.sees("member", "list", VO)["items"]
        for field in ("uid", "name", "subject", "groups", "roles"):
            assert [each[field] for each in after] == [each[field] for each in before]


def test_an_import_goes_on_after_a_refused_record_and_tells(operator, tmp_path):
    file = tmp_path / "members.csv"
    file.write_text(
        "name,email,subject,issuer,groups\nA,nowhere,/CN=A,/CN=CA,\nB,,/CN=B,/CN=CA,\nC,,/CN=C,/CN=CA,/x/nosuch\n"
    )
    assert operator.types("member", "import", VO, str(file), "-o", "json") == 7
    refused = json.loads(operator.out)["items"]
    assert [each["record"] for each in refused] == [1, 3]
    assert [each["name"] for each in operator.sees("member", "list", VO)["items"]] == ["B", "C"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{"),
        ("a.json", "{}"),
        ("a.json", "[1]"),
        ("a.json", '[{"subject": "/CN=a"}]'),
        ("a.json", '[{"subject": "/CN=a", "issuer": "/CN=b", "groups": "x"}]'),
        ("a.csv", "nosuch\n1\n"),
        ("a.csv", 'name,subject,issuer\n"unclosed,/CN=a'),
    ],
)
def test_a_file_that_is_no_list_of_members_changes_nothing(operator, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert operator.types("member", "import", VO, str(tmp_path / name)) == 2
    assert operator.sees("member", "list", VO)["items"] == []
