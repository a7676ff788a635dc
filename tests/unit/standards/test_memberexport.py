"""Members for other software, byte for byte where that software counts bytes."""

import io
import json
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.memberfeed import CA, entry, uid

from hansa.standards.memberexport import fedcloud_export, grid_mapfile, json_lines, present, scim, voms_xml
from hansa.standards.memberfeed import Certificate, Entry, MemberState, parse_entry
from hansa.standards.x509 import Name

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def dn(*names: str) -> str:
    return Name.of(("DC", "org"), *(("CN", name) for name in names)).rfc4514()


def perun(*entries: Entry) -> dict[str, bytes]:
    data = fedcloud_export(present(entries, NOW), facility="cloud-a", hostname="one.example.org", now=NOW)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        return {name: file.read() for name, file in found.items() if file}


def test_the_archive_is_what_a_sites_script_unpacks() -> None:
    assert perun(entry(1), entry(2)) == {
        "./CLOUD_PLATFORM": b"opennebula",
        "./FACILITY": b"cloud-a\n",
        "./HOSTNAME": b"one.example.org\n",
        "./SERVICE": b"fedcloud_export\n",
        "./VERSION": b"3.1.0\n",
        "./fedcloud_export": (
            f"demo_{uid(1)}\x1edemo\x1e/DC=org/CN=Member 1\x1emember1@example.org\x1e\n"
            f"demo_{uid(2)}\x1edemo\x1e/DC=org/CN=Member 2\x1emember2@example.org\x1e\n"
        ).encode(),
    }


def test_the_same_members_make_the_same_archive() -> None:
    entries = present([entry(2), entry(1)], NOW)
    one, two = (
        fedcloud_export(entries, facility="f", hostname="h", now=NOW),
        fedcloud_export(present([entry(1), entry(2)], NOW), facility="f", hostname="h", now=NOW),
    )
    assert one == two


@pytest.mark.skipif(shutil.which("tar") is None, reason="tar is not installed")
def test_tar_itself_unpacks_it(tmp_path: Path) -> None:
    data = fedcloud_export(present([entry(1)], NOW), facility="f", hostname="h", now=NOW)
    subprocess.run(["tar", "-x", "-C", tmp_path], input=data, check=True)
    assert (tmp_path / "VERSION").read_text() == "3.1.0\n"


def test_only_the_last_usable_certificate_counts_and_none_is_nobody() -> None:
    held = (Certificate(dn("old"), CA), Certificate(dn("new"), CA), Certificate(dn("stolen"), CA, usable=False))
    records = perun(entry(1, certificates=held), entry(2, certificates=()))["./fedcloud_export"]
    assert records.count(b"\n") == 1
    assert b"/CN=new\x1e" in records


@pytest.mark.parametrize(
    "fields", [{"state": MemberState.SUSPENDED}, {"until": NOW}, {"until": NOW - timedelta(days=1)}]
)
def test_who_may_not_come_in_is_not_exported(fields: dict[str, object]) -> None:
    gone, there = entry(1, **fields), entry(2, until=NOW + timedelta(seconds=1))
    assert present([gone, there], NOW) == [there]


def test_a_grid_mapfile_maps_names_to_accounts() -> None:
    entries = present([entry(1), entry(1, vo="other"), entry(2, certificates=(Certificate(dn('say "x"'), CA),))], NOW)
    assert grid_mapfile(entries, {"other": "otherpool"}).decode() == (
        '"/DC=org/CN=Member 1" .demo,otherpool\n"/DC=org/CN=say \\"x\\"" .demo\n'
    )


def test_voms_xml_has_every_certificate_as_a_user() -> None:
    held = (Certificate(dn("A  B"), CA), Certificate(dn("a b"), CA), Certificate(dn("C"), CA))
    member = entry(
        1, certificates=held, groups=("/demo", "/demo/lab"), roles=("/demo/Role=pilot", "/demo/lab/Role=chief")
    )
    root = ElementTree.fromstring(voms_xml(present([member, entry(2, vo="other")], NOW)))
    assert [vo.findtext("name") for vo in root] == ["demo", "other"]
    users = root.findall("vo[name='demo']/users/user")
    assert [user.findtext("DN") for user in users] == ["/DC=org/CN=a b", "/DC=org/CN=C"]
    (first, _) = users
    assert [child.tag for child in first] == ["CA", "DN", "email", "groups", "roles"]
    assert [role.text for role in first.findall("roles/role")] == ["pilot"]
    assert [(g.findtext("name"), g.findtext("roles/role")) for g in first.findall("groups/group")] == [("lab", "chief")]


def test_json_lines_are_the_feeds_own_entries() -> None:
    members = [entry(1), entry(2)]
    assert [parse_entry(line) for line in json_lines(members).splitlines()] == members


def test_scim_lists_users() -> None:
    document = json.loads(scim(present([entry(1)], NOW)))
    (user,) = document["Resources"]
    assert document["totalResults"] == 1
    assert (user["userName"], user["active"], user["emails"][0]["value"]) == (uid(1), True, "member1@example.org")


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)


@given(words, words, words.filter(bool))
def test_no_name_breaks_out_of_its_field(name: str, mail: str, common_name: str) -> None:
    member = entry(1, name=name, mail=mail, certificates=(Certificate(dn(common_name), CA),))
    records = perun(member)["./fedcloud_export"].decode()
    assert records.count("\n") == 1
    assert len(records.split("\x1e")) == 5
    assert len(ElementTree.fromstring(voms_xml([member])).findall("vo/users/user")) == 1
    assert grid_mapfile([member], {}).decode().count("\n") == 1
    assert len(json.loads(scim([member]))["Resources"]) == 1
