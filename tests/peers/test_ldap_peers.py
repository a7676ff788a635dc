"""OpenLDAP's client, Nagios' check and the seed's pipeline at our server; and slapd beside it, asked the same."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.gluesites import ROOT, SUFFIX, site
from tests.support.ldap import running, tree
from tests.support.slapd import program, slapd

from hansa.standards.ldif import parse_ldif, render_ldif

pytestmark = pytest.mark.peer

ENTRIES = [*ROOT, *(entry for number in range(4) for entry in site(number))]
PIPELINE = (
    " | perl -p00e 's/\\r?\\n //g' | grep -E 'dn|GLUE2EndpointURL|GLUE2EndpointInterfaceName|GLUE2EndpointInterfaceVersion'"
    " | sed 's/.*GLUE2DomainID=//' | cut -d, -f1 | sed 's/.*: //' | paste - - - - "
)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with running(tree(ENTRIES)) as (_server, port):
        yield port


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with slapd(tmp_path_factory.mktemp("slapd"), render_ldif(ENTRIES)) as (port, _pid):
        yield port


async def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=60)


async def ldapsearch(port: int, *arguments: str) -> str:
    done = await run(
        program("ldapsearch"), "-x", "-LLL", "-o", "ldif-wrap=no", "-H", f"ldap://127.0.0.1:{port}", *arguments
    )
    return f"{done.returncode}\n{done.stdout}"


def entries(said: str) -> dict[str, set[tuple[str, str]]]:
    records = parse_ldif(said.partition("\n")[2].encode()).records
    return {record.dn.lower(): {(name.lower(), value) for name, value in record.attributes} for record in records}


async def test_the_seeds_search_shows_everything(port: int) -> None:
    found = entries(await ldapsearch(port, "-b", "o=glue"))
    assert len(found) == len(ENTRIES)


async def test_the_seeds_pipeline_prints_site_name_version_and_url(port: int) -> None:
    search = f"{program('ldapsearch')} -x -LLL -H ldap://127.0.0.1:{port} -b o=glue '(objectClass=GLUE2Endpoint)'"
    wanted = "GLUE2EndpointInterfaceVersion GLUE2EndpointInterfaceName GLUE2EndpointURL"
    done = await run("bash", "-c", f"set -o pipefail; {search} {wanted}{PIPELINE}")
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == 12
    assert ["SITE-0003", "1.1", "OCCI", "https://host3.example.org:8787/"] in rows


async def test_nagios_check_is_content_with_both_versions(port: int) -> None:
    check = shutil.which("check_ldap", path="/usr/lib/nagios/plugins")
    if check is None:
        pytest.skip("Debian's monitoring-plugins-standard is not installed")
    for version in ("-2", "-3"):
        done = await run(check, "-H", "127.0.0.1", "-p", str(port), "-b", "o=glue", version)
        assert (done.returncode, "LDAP OK" in done.stdout) == (0, True), done.stdout


async def test_pages_of_openldap_hold_everything(port: int) -> None:
    found = entries(await ldapsearch(port, "-E", "pr=7/noprompt", "-b", "o=glue", "objectClass"))
    assert len(found) == len(ENTRIES)


async def test_refusals_read_alike(port: int, peer: int) -> None:
    for arguments in (
        ("-b", "o=nowhere"),
        ("-b", f"GLUE2DomainID=none,{SUFFIX}"),
        ("-b", "no name"),
        ("-z", "3", "-b", "o=glue"),
    ):
        ours, theirs = await ldapsearch(port, *arguments), await ldapsearch(peer, *arguments)
        assert ours.split("\n")[0] == theirs.split("\n")[0], arguments


ATTRIBUTES = ("GLUE2DomainID", "GLUE2EndpointURL", "GLUE2PolicyRule", "GLUE2LocationCountry", "o")
VALUES = (
    "SITE-0001",
    "site-0001",
    "https://host2.example.org:8787/",
    "VO:vo7.example.org",
    "KR",
    "Glue",
    "*",
    "SITE*",
    "*host*8788*",
    "*.example.org:8787/",
    "none",
)
terms = st.one_of(
    st.builds(lambda name, value: f"({name}={value})", st.sampled_from(ATTRIBUTES), st.sampled_from(VALUES)),
    st.sampled_from(
        [
            "(GLUE2ExecutionEnvironmentMainMemorySize>=4096)",
            "(GLUE2ExecutionEnvironmentMainMemorySize<=2048)",
            "(notintheschema=x)",
            "(objectClass=glue2endpoint)",
            "(objectClass=GLUE2Entity)",
            "(&)",
            "(|)",
        ]
    ),
)
filters = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda all_of: f"(&{''.join(all_of)})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda any_of: f"(|{''.join(any_of)})"),
        inner.map(lambda term: f"(!{term})"),
    ),
    max_leaves=5,
)
BASES = ("o=glue", SUFFIX, f"GLUE2DomainID=SITE-0002,{SUFFIX}", "glue2groupid=GRID, O=Glue")


async def test_slapd_finds_the_same(peer: int) -> None:
    """For random filters, bases, scopes and attributes."""
    asked: list[tuple[str, ...]] = []

    @settings(
        max_examples=200,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(
        filters,
        st.sampled_from(BASES),
        st.sampled_from(["base", "one", "sub"]),
        st.sampled_from([(), ("GLUE2EntityName",)]),
    )
    def draw(chosen: str, base: str, scope: str, attributes: tuple[str, ...]) -> None:
        asked.append(("-b", base, "-s", scope, chosen, *attributes))

    draw()
    known = {name.lower() for _dn, attributes in ENTRIES for name, _value in attributes}
    async with running(tree(ENTRIES)) as (server, port):
        server.schema = known.__contains__
        for arguments in asked:
            ours, theirs = await ldapsearch(port, *arguments), await ldapsearch(peer, *arguments)
            assert entries(ours) == entries(theirs), arguments
            assert ours.split("\n")[0] == theirs.split("\n")[0], arguments
