"""The catalogue that admins make beside what the site itself offers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound
from hansa.base.migrations import upgrade
from hansa.site.keystone.catalogue import Catalogue, Endpoint, EndpointGroup, Entry, Region, Service
from hansa.site.keystone.catalogue.model import Interface, filled_in, is_url

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OWN = Service("own", "identity", "keystone", own=True)
FACE = Endpoint("face", "own", Interface.PUBLIC, "https://site.example.org:5000/v3", "SITE", own=True)
NOVA = "https://nova.example.org:8774/v2.1/$(project_id)s"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await upgrade(db, "site")
    yield db
    db.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue(database: Database, clock: Clock) -> Catalogue:
    return Catalogue(database, clock, [Entry(OWN, (FACE,))], "SITE")


async def nova(catalogue: Catalogue, url: str = NOVA) -> tuple[Service, Endpoint]:
    service = await catalogue.add_service(Service("", "compute", "nova"))
    endpoint = Endpoint("", service.id, Interface.PUBLIC, url, "RegionOne")
    return service, await catalogue.add_endpoint(endpoint, make_region=True)


async def addresses(catalogue: Catalogue, project: str | None = "p1") -> dict[str, list[str]]:
    entries = await catalogue.listed("u1", project)
    return {entry.service.type: [endpoint.url for endpoint in entry.endpoints] for entry in entries}


async def test_tokens_see_the_sites_own_services_first_and_then_what_admins_made(catalogue: Catalogue) -> None:
    await nova(catalogue)
    assert list((await addresses(catalogue)).items()) == [
        ("identity", [FACE.url]),
        ("compute", ["https://nova.example.org:8774/v2.1/p1"]),
    ]


async def test_an_address_that_needs_a_project_is_not_shown_without_one(catalogue: Catalogue) -> None:
    await nova(catalogue)
    assert await addresses(catalogue, None) == {"identity": [FACE.url], "compute": []}


async def test_what_is_off_is_not_shown(catalogue: Catalogue) -> None:
    service, endpoint = await nova(catalogue)
    await catalogue.change_endpoint(endpoint.id, lambda found: replace(found, enabled=False))
    assert (await addresses(catalogue))["compute"] == []
    await catalogue.change_service(service.id, lambda found: replace(found, enabled=False))
    assert "compute" not in await addresses(catalogue)


async def test_the_sites_own_cannot_be_changed(catalogue: Catalogue) -> None:
    for refused in (
        catalogue.change_service("own", lambda found: replace(found, type="evil")),
        catalogue.remove_service("own"),
        catalogue.change_endpoint("face", lambda found: replace(found, url="https://evil.example.org")),
        catalogue.remove_endpoint("face"),
        catalogue.change_region("SITE", lambda found: found),
        catalogue.remove_region("SITE"),
    ):
        with pytest.raises(Forbidden, match="the site itself"):
            await refused


async def test_another_process_sees_a_change_within_seconds(
    database: Database, catalogue: Catalogue, clock: Clock
) -> None:
    other = Catalogue(database, clock)
    assert await addresses(other) == {}
    await nova(catalogue)
    assert await addresses(other) == {}
    clock.now += timedelta(seconds=5)
    assert "compute" in await addresses(other)


async def test_a_service_takes_its_endpoints_with_it(catalogue: Catalogue) -> None:
    service, endpoint = await nova(catalogue)
    await catalogue.remove_service(service.id)
    with pytest.raises(NotFound):
        await catalogue.endpoint(endpoint.id)


async def test_the_old_word_for_a_region_makes_it_and_the_new_one_does_not(catalogue: Catalogue) -> None:
    service, endpoint = await nova(catalogue)
    assert (await catalogue.region("RegionOne")).id == "RegionOne"
    with pytest.raises(BadRequest, match="no such region"):
        await catalogue.add_endpoint(Endpoint("", service.id, Interface.ADMIN, NOVA, "RegionTwo"))
    with pytest.raises(BadRequest, match="no such service"):
        await catalogue.add_endpoint(Endpoint("", "nothing", Interface.ADMIN, NOVA))
    assert [each.id for each in await catalogue.endpoints(service=service.id)] == [endpoint.id]


async def test_a_region_with_endpoints_stays_and_one_without_takes_those_below(catalogue: Catalogue) -> None:
    await catalogue.add_region(Region("Europe"))
    await catalogue.add_region(Region("Spain", parent="Europe"))
    service = await catalogue.add_service(Service("", "image"))
    endpoint = await catalogue.add_endpoint(Endpoint("", service.id, Interface.PUBLIC, "http://glance:9292", "Spain"))
    with pytest.raises(Forbidden, match="endpoints in that region"):
        await catalogue.remove_region("Europe")
    await catalogue.remove_endpoint(endpoint.id)
    await catalogue.remove_region("Europe")
    assert [each.id for each in await catalogue.regions()] == ["SITE"]


async def test_regions_have_one_name_and_no_circles(catalogue: Catalogue) -> None:
    await catalogue.add_region(Region("Europe"))
    await catalogue.add_region(Region("Spain", parent="Europe"))
    with pytest.raises(Conflict):
        await catalogue.add_region(Region("Europe"))
    with pytest.raises(NotFound, match="Atlantis"):
        await catalogue.add_region(Region("City", parent="Atlantis"))
    with pytest.raises(BadRequest, match="in itself"):
        await catalogue.change_region("Europe", lambda found: replace(found, parent="Spain"))
    assert [each.id for each in await catalogue.regions("Europe")] == ["Spain"]


async def test_a_project_can_be_confined_to_endpoints_and_still_sees_the_site(catalogue: Catalogue) -> None:
    _, endpoint = await nova(catalogue)
    glance = await catalogue.add_service(Service("", "image"))
    await catalogue.add_endpoint(Endpoint("", glance.id, Interface.PUBLIC, "http://glance:9292"))
    await catalogue.confine("p1", endpoint=endpoint.id)
    await catalogue.confine("p1", endpoint=endpoint.id)
    assert (await addresses(catalogue)).keys() == {"identity", "compute"}
    assert (await addresses(catalogue, "p2")).keys() == {"identity", "compute", "image"}
    assert await catalogue.projects_of(endpoint=endpoint.id) == ["p1"]
    await catalogue.unconfine("p1", endpoint=endpoint.id)
    assert await catalogue.confined("p1") is None
    with pytest.raises(NotFound):
        await catalogue.unconfine("p1", endpoint=endpoint.id)


async def test_a_group_holds_the_endpoints_that_have_all_its_values(catalogue: Catalogue) -> None:
    service, endpoint = await nova(catalogue)
    await catalogue.add_endpoint(Endpoint("", service.id, Interface.ADMIN, NOVA))
    filters = {"service_id": service.id, "interface": "public"}
    group = await catalogue.add_group(EndpointGroup("", "public nova", filters=filters))
    await catalogue.confine("p1", group=group.id)
    assert [each.id for each in await catalogue.confined("p1") or []] == [endpoint.id]
    assert await catalogue.confined_by("p1") == ([], [group])
    await catalogue.remove_group(group.id)
    assert await catalogue.confined("p1") is None


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://controller:9292", True),
        ("http://controller:8774/v2/%(tenant_id)s", True),
        ("http://controller:8774/v2/$(project_id)s/$(user_id)s", True),
        ("http://controller/100%%", True),
        ("http://controller/%(admin_token)s", False),
        ("http://controller/%(tenant_id)", False),
        ("http://controller/$(tenant_id)", False),
        ("http://controller/50%", False),
        ("http://controller/%s", False),
        ("http://con troller/", False),
        ("controller", False),
        ("http://" + "a" * 219, False),
    ],
)
def test_an_endpoints_address_is_a_url_with_known_placeholders(url: str, good: bool) -> None:
    assert is_url(url) == good


@given(st.text(alphabet="ab%$()s_/", max_size=40))
def test_what_is_taken_can_be_filled_in(tail: str) -> None:
    url = f"http://{tail}"
    if is_url(url):
        assert filled_in(url, "u", "p") is not None


def test_a_filled_in_value_is_not_filled_in_again() -> None:
    assert filled_in("http://a/%(user_id)s", "$(project_id)s", "p") == "http://a/$(project_id)s"
