"""Entitlements of AARC-G002 and G069: what is read, what is the same, what has an FQAN, and whose word counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.entitlements import (
    Entitlement,
    EntitlementError,
    fqans_of_wlcg,
    normal_namespace,
    sort_entitlements,
)
from hansa.standards.voms import Fqan

EGI = "urn:mace:egi.eu"
AUTHORITY = "aai.egi.eu"


@pytest.mark.parametrize(
    ("text", "entitlement"),
    [
        (
            "urn:mace:egi.eu:group:fedcloud.egi.eu:role=member#aai.egi.eu",
            Entitlement(EGI, ("fedcloud.egi.eu",), "member", AUTHORITY),
        ),
        (
            "urn:geant:h-df.de:group:HDF#login.h-df.de",
            Entitlement("urn:geant:h-df.de", ("HDF",), None, "login.h-df.de"),
        ),
        ("urn:geant:x:y:z:group:a:b:c:role=r", Entitlement("urn:geant:x:y:z", ("a", "b", "c"), "r")),
        ("URN:Mace:EGI.eu:group:Vo", Entitlement(EGI, ("Vo",))),
        ("urn:mace:egi.eu:group:a%20b:%C3%A9%3a:role=x%2fy", Entitlement(EGI, ("a b", "é:"), "x/y")),
        ("urn:mace:egi.eu:group:group:role%3Dx", Entitlement(EGI, ("group", "role=x"))),
        (
            "urn:a1:b:group:g#https://aai.example.org/a%2f",
            Entitlement("urn:a1:b", ("g",), None, "https://aai.example.org/a%2F"),
        ),
    ],
)
def test_an_entitlement_is_read(text: str, entitlement: Entitlement) -> None:
    assert Entitlement.parse(text) == entitlement
    assert Entitlement.parse(str(entitlement)) == entitlement


@pytest.mark.parametrize(
    "text",
    [
        "",
        "urn:mace:egi.eu",
        "urn:mace:egi.eu:group:",
        "urn:mace:egi.eu:group:role=member",
        "urn:mace:egi.eu:group:vo:role=",
        "urn:mace:egi.eu:group:vo:role=a:role=b",
        "urn:mace:egi.eu:group:vo:role=a:sub",
        "urn:mace:egi.eu:group::sub",
        "urn:mace:egi.eu:group:vo#",
        "urn:mace:egi.eu:group:vo#a#b",
        "urn:mace:group:vo",
        "urn:-x:egi:group:vo",
        "xurn:mace:egi.eu:group:vo",
        "urn:mace:egi.eu?=q:group:vo",
        "urn:mace:egi.eu:group:a/b",
        "urn:mace:egi.eu:group:a b",
        "urn:mace:egi.eu:group:é",
        "urn:mace:egi.eu:group:%zz",
        "urn:mace:egi.eu:group:%ff",
        "urn:mace:egi.eu:group:a%0Ab",
        "urn:mace:egi.eu:group:vo\n",
        "urn:mace:egi.eu:group:" + "v" * 3000,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(EntitlementError) as caught:
        Entitlement.parse(text)
    assert caught.value.code == "entitlement.syntax"
    assert len(caught.value.reason) < 500


@pytest.mark.parametrize(
    ("fqan", "text"),
    [
        ("/fedcloud.egi.eu", "urn:mace:egi.eu:group:fedcloud.egi.eu:role=member#aai.egi.eu"),
        (
            "/fedcloud.egi.eu/bio/Role=vm_operator",
            "urn:mace:egi.eu:group:fedcloud.egi.eu:bio:role=vm_operator#aai.egi.eu",
        ),
    ],
)
def test_an_fqan_and_its_entitlement_say_the_same(fqan: str, text: str) -> None:
    entitlement = Entitlement.of_fqan(Fqan.parse(fqan), EGI, AUTHORITY)
    assert str(entitlement) == text
    assert str(Entitlement.parse(text).fqan()) == fqan


def test_an_entitlement_without_role_is_membership() -> None:
    assert Entitlement.parse("urn:mace:egi.eu:group:vo:sub").fqan() == Fqan("/vo/sub")


@pytest.mark.parametrize("group", ["a%20b", "a%2Fb", "%2E%2E", "role%3Dx", "a%3Bb", "v" * 1100])
def test_names_that_voms_does_not_know_have_no_fqan(group: str) -> None:
    with pytest.raises(EntitlementError) as caught:
        Entitlement.parse(f"urn:mace:egi.eu:group:{group}").fqan()
    assert caught.value.code == "entitlement.no_fqan"


def test_an_issuer_speaks_for_its_own_namespace_and_authority_alone() -> None:
    found = sort_entitlements(
        [
            "urn:mace:egi.eu:group:a:role=member#aai.egi.eu",
            "URN:MACE:egi.eu:group:a#aai.egi.eu",
            "urn:mace:egi.eu:group:b:role=member#evil.example.org",
            "urn:mace:egi.eu:group:c:role=member",
            "urn:mace:other:group:d:role=member#aai.egi.eu",
            "urn:mace:egi.eu.evil:group:e:role=member#aai.egi.eu",
            "urn:mace:egi.eu:res:storage#aai.egi.eu",
            "urn:mace:egi.eu:group:f%20g:role=member#aai.egi.eu",
            "nonsense",
        ],
        namespace=EGI,
        authority=AUTHORITY,
    )
    assert found.fqans == (Fqan("/a"),)
    assert found.foreign == 4


def test_an_issuer_without_authority_is_not_believed_about_those_of_others() -> None:
    found = sort_entitlements(["urn:x1:y:group:a", "urn:x1:y:group:b#z"], namespace="urn:x1:y", authority=None)
    assert (found.fqans, found.foreign) == ((Fqan("/a"),), 1)


def test_wlcg_groups_keep_their_order_and_imply_no_parents() -> None:
    assert fqans_of_wlcg(["/vo/b", "/vo", "/vo/b"]) == (Fqan("/vo/b"), Fqan("/vo"))


@pytest.mark.parametrize(
    "group", ["vo", "/", "/vo/", "/vo/Role=x", "/vo/Capability=NULL", "/../vo", "/v o", "", "/" + "v" * 3000]
)
def test_other_wlcg_groups_are_refused(group: str) -> None:
    with pytest.raises(EntitlementError) as caught:
        fqans_of_wlcg(["/vo", group])
    assert caught.value.code == "entitlement.wlcg_group"


@pytest.mark.parametrize("text", ["urn:mace:egi.eu:group:vo", "urn:mace", "http://x", "", "urn:mace:a:group"])
def test_a_namespace_is_a_urn_without_groups(text: str) -> None:
    with pytest.raises(EntitlementError):
        normal_namespace(text)


names = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]).filter(str.isprintable), min_size=1, max_size=20)
plain = st.text("abcXYZ019._~@%/:;=# é", min_size=1, max_size=12)
entitlements = st.builds(
    Entitlement,
    st.sampled_from([EGI, "urn:geant:x:y", "urn:a1:b%2f"]),
    st.lists(names | plain, min_size=1, max_size=4).map(tuple),
    st.none() | names | plain,
    st.none() | st.sampled_from([AUTHORITY, "https://x.example.org:8443/a?b"]),
)


@given(entitlements)
def test_what_is_written_is_read_again(entitlement: Entitlement) -> None:
    written = str(entitlement)
    assert written.isascii()
    assert Entitlement.parse(written) == entitlement


@given(st.text(max_size=80) | st.text("urn:group=le#%aA0./", max_size=60).map("urn:a1:b:group:".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        entitlement = Entitlement.parse(text)
    except EntitlementError:
        return
    assert Entitlement.parse(str(entitlement)) == entitlement


word = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}", fullmatch=True).filter(
    lambda text: text not in ("NULL", "member")
)


@given(st.lists(word, min_size=1, max_size=4), st.none() | word)
def test_fqans_survive_the_way_there_and_back(groups: list[str], role: str | None) -> None:
    fqan = Fqan("/" + "/".join(groups), role)
    assert Entitlement.parse(str(Entitlement.of_fqan(fqan, EGI, AUTHORITY))).fqan() == fqan
