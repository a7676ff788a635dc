"""VOMS names and files: FQANs, which of them are granted, lsc, vomsdir, vomses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pki import Grid

from hansa.standards.errors import StandardError
from hansa.standards.voms import (
    Fqan,
    VomsDir,
    VomsError,
    VomsServer,
    parse_lsc,
    parse_vomses,
    render_lsc,
    select_all,
    select_fqans,
)
from hansa.standards.voms.vomsdir import lsc_matches
from hansa.standards.x509 import Name
from hansa.standards.x509.facts import read


def fqans(*texts: str) -> tuple[Fqan, ...]:
    return tuple(Fqan.parse(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "fqan"),
    [
        ("/vo", Fqan("/vo")),
        ("/vo/Role=NULL/Capability=NULL", Fqan("/vo")),
        ("/vo/Capability=NULL", Fqan("/vo")),
        ("/vo/group/sub/Role=VO-Admin", Fqan("/vo/group/sub", "VO-Admin")),
        ("/fedcloud.egi.eu/a_b-c.d", Fqan("/fedcloud.egi.eu/a_b-c.d")),
    ],
)
def test_names_are_read_in_the_short_and_the_long_form(text: str, fqan: Fqan) -> None:
    assert Fqan.parse(text) == fqan
    assert Fqan.parse(fqan.long) == fqan
    assert Fqan.parse(str(fqan)) == fqan


BAD_NAMES = [
    "",
    "/",
    "vo",
    "//vo",
    "/vo/",
    "/vo/Role=",
    "/vo/Role=a/b",
    "/vo/Role=a/Role=b",
    "/vo/Capability=x",
    "/../vo",
]
STRANGE_NAMES = ["/vo/..", "/vo\n", "/vo\0", "/vö", "/vo/Role=a b", "/vo/a=b", "/" + "v" * 1100]


@pytest.mark.parametrize("text", [*BAD_NAMES, *STRANGE_NAMES])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(VomsError) as refused:
        Fqan.parse(text)
    assert refused.value.code == "voms.fqan.syntax"


HELD = fqans("/vo", "/vo/admins", "/vo/bio", "/vo/Role=VO-Admin", "/vo/bio/Role=vm_operator")


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        ([], ["/vo", "/vo/admins", "/vo/bio"]),
        (["/vo"], ["/vo", "/vo/admins", "/vo/bio"]),
        (["/vo/bio"], ["/vo/bio", "/vo", "/vo/admins"]),
        (["/vo/Role=VO-Admin"], ["/vo/Role=VO-Admin", "/vo", "/vo/admins", "/vo/bio"]),
        (
            ["/vo/bio/Role=vm_operator", "/vo/Role=VO-Admin"],
            ["/vo/bio/Role=vm_operator", "/vo/Role=VO-Admin", "/vo", "/vo/admins", "/vo/bio"],
        ),
        (["/vo/bio", "/vo/bio"], ["/vo/bio", "/vo", "/vo/admins"]),
    ],
)
def test_what_is_asked_for_comes_first_and_all_groups_follow(requested: list[str], granted: list[str]) -> None:
    assert select_fqans(HELD, fqans(*requested)) == fqans(*granted)


def test_roles_are_granted_only_if_asked_for() -> None:
    assert all(fqan.role is None for fqan in select_fqans(HELD, fqans("/vo")))


def test_order_moves_and_grants_nothing() -> None:
    ordered = select_fqans(HELD, fqans("/vo/Role=VO-Admin"), fqans("/vo/bio", "/vo/bio/Role=vm_operator", "/other"))
    assert ordered == fqans("/vo/bio", "/vo/Role=VO-Admin", "/vo", "/vo/admins")


def test_everything_is_sorted() -> None:
    assert select_all(HELD) == tuple(sorted(HELD))
    assert select_all(HELD, fqans("/vo/bio"))[0] == Fqan("/vo/bio")


@pytest.mark.parametrize("text", ["/vo/Role=Nope", "/vo/nope", "/other"])
def test_what_is_not_held_is_refused(text: str) -> None:
    with pytest.raises(VomsError) as refused:
        select_fqans(HELD, fqans(text))
    assert refused.value.code == "voms.fqan.not_held"


held_names = st.sets(st.sampled_from(HELD))


@given(held_names, st.lists(st.sampled_from(HELD)), st.lists(st.sampled_from(HELD)))
def test_nothing_is_ever_granted_that_is_not_held(held: set[Fqan], requested: list[Fqan], order: list[Fqan]) -> None:
    try:
        granted = select_fqans(held, requested, order)
    except VomsError:
        assert not set(requested) <= held
        return
    assert set(granted) <= held
    assert len(granted) == len(set(granted))
    assert set(requested) <= set(granted)


def test_lsc_file_with_both_readings_of_a_slash() -> None:
    grid = Grid()
    server = grid.host_credential("host/foo.example.org").leaf
    issuer = grid.authority.name.slash()
    for subject in (
        "/DC=org/DC=example/O=hosts/CN=host/foo.example.org",
        r"/DC=org/DC=example/O=hosts/CN=host\/foo.example.org",
    ):
        assert lsc_matches(parse_lsc(f"{subject}\n{issuer}\n".encode()), [read(server)])


def test_lsc_file_reads_back() -> None:
    grid = Grid()
    chain = (grid.voms_server.leaf, grid.authority.certificate)
    facts = [read(certificate) for certificate in chain]
    assert lsc_matches(parse_lsc(render_lsc(chain)), facts)
    assert not lsc_matches(parse_lsc(render_lsc(chain[:1])), facts)
    assert not lsc_matches(parse_lsc(render_lsc(chain[1:])), facts[:1])


@pytest.mark.parametrize("separator", ["------ NEXT CHAIN ------", "------NEXT CHAIN------"])
def test_lsc_file_with_several_chains(separator: str) -> None:
    assert len(parse_lsc(f"/CN=a\n/CN=b\n{separator}\n# c\n\n/CN=c\n/CN=d\n".encode())) == 2


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"/CN=a\n", 1),
        (b"", 1),
        (b"/CN=a\n\nnonsense\n", 3),
        (b"/CN=a\n/CN=b\n--- NEXT CHAIN ---\n", 3),
        (b"\xff", None),
    ],
)
def test_broken_lsc_file_is_refused(data: bytes, line: int | None) -> None:
    with pytest.raises(VomsError) as refused:
        parse_lsc(data)
    assert (refused.value.code, refused.value.line) == ("voms.lsc.syntax", line)


def test_endless_files_are_refused() -> None:
    with pytest.raises(VomsError, match="longer than"):
        parse_lsc(b"#" * 65_537)
    with pytest.raises(VomsError, match="longer than"):
        parse_vomses(b"#" * 1_000_001)


def test_vomsdir_lists_what_it_does_not_use() -> None:
    files = Grid().vomsdir_files() | {"vo/voms2.grid.cesnet.cz": b"/CN=a\n/CN=b\n", "vo/x.lsc": b"x", "vo/x.pem": b"x"}
    vomsdir = VomsDir.from_files(files)
    assert [problem.file for problem in vomsdir.problems] == ["vo/voms2.grid.cesnet.cz", "vo/x.lsc", "vo/x.pem"]
    assert list(vomsdir.lsc) == [("fedcloud.egi.eu", "localhost")]


LINE = b'"fedcloud.egi.eu" "voms1.grid.cesnet.cz" "15002" "/DC=cz/CN=voms1.grid.cesnet.cz" "fedcloud.egi.eu" "24"'
SERVER = VomsServer(
    "fedcloud.egi.eu", "voms1.grid.cesnet.cz", 15002, Name.parse("/DC=cz/CN=voms1.grid.cesnet.cz"), "fedcloud.egi.eu"
)


def test_vomses_line() -> None:
    assert parse_vomses(b"# servers\n\n" + LINE + b"\n") == (SERVER,)
    assert SERVER.line().encode() == LINE
    assert parse_vomses(LINE.removesuffix(b' "24"')) == (SERVER,)


@pytest.mark.parametrize(
    "line",
    [
        b"fedcloud.egi.eu",
        b'"a" "b" "c" "d"',
        b'"a" "host" "port" "/CN=x" "vo"',
        b'"a" "host" "0" "/CN=x" "vo"',
        b'"a" "host" "65536" "/CN=x" "vo"',
        b'"a" "ho/st" "1" "/CN=x" "vo"',
        b'"a" "host" "1" "x" "vo"',
        b'"a" "host" "1" "/CN=x" "../vo"',
        LINE + b" trailing",
    ],
)
def test_broken_vomses_line_is_refused_with_its_number(line: bytes) -> None:
    with pytest.raises(VomsError) as refused:
        parse_vomses(LINE + b"\n" + line + b"\n")
    assert (refused.value.code, refused.value.line) == ("voms.vomses.syntax", 2)


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_file_does_more_than_be_refused(data: bytes, text: str) -> None:
    for call in (lambda: parse_lsc(data), lambda: parse_vomses(data), lambda: Fqan.parse(text)):
        try:
            call()
        except StandardError:
            continue
