"""Whatever is sent to the identity API, it is answered, and never with an error of the server."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.keystone_api import Client, keystone_api

TEXT = st.text(st.characters(codec="utf-8"), max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    [
        "name",
        "domain_id",
        "parent_id",
        "enabled",
        "tags",
        "options",
        "description",
        "password",
        "id",
        "links",
        "is_domain",
    ]
)
BODIES = st.dictionaries(MEMBERS, JSON, max_size=5) | st.fixed_dictionaries({"name": TEXT}, optional={"colour": JSON})
KINDS = st.sampled_from(["domain", "project", "user", "group", "role"])
QUERIES = st.lists(
    st.sampled_from(
        [
            "name__icontains=a",
            "limit=1",
            "limit=x",
            "sort_key=name:desc",
            "enabled=0",
            "marker=%20",
            "a=%ff",
            "domain_id=",
        ]
    ),
    max_size=3,
)


@pytest.mark.parametrize("seed", range(3))
async def test_noise_is_answered(database_url: str, seed: int) -> None:
    async with keystone_api(database_url) as api:
        admin = await api.admin()
        cases: list[tuple[str, dict[str, Any], list[str]]] = []

        @settings(max_examples=25, database=None, derandomize=False, suppress_health_check=list(HealthCheck))
        @given(KINDS, BODIES, QUERIES)
        def collect(kind: str, body: dict[str, Any], query: list[str]) -> None:
            cases.append((kind, body, query))

        collect()
        for kind, body, query in cases:
            await try_everything(admin, kind, body, "&".join(query))


async def try_everything(admin: Client, kind: str, body: dict[str, Any], query: str) -> None:
    body.pop("password", None)  # each costs a tenth of a second
    made = await admin("POST", f"/{kind}s", {kind: body})
    assert made.status in (201, 400, 404, 409), (made.status, kind, body)
    listed = await admin("GET", f"/{kind}s?{query}")
    assert listed.status in (200, 400)
    if made.status == 201:
        one = f"/{kind}s/{made.body[kind]['id']}"
        changed = await admin("PATCH", one, {kind: body})
        assert changed.status in (200, 400, 403, 409), (changed.status, kind, body)
        assert await admin.status("GET", one) == 200


@pytest.mark.parametrize(
    "target", ["/users/%00", "/users/\0", "/projects?name=%00", "/users/\udcff", "/roles/" + "x" * 5000]
)
async def test_addresses_that_no_database_understands(database_url: str, target: str) -> None:
    async with keystone_api(database_url) as api:
        assert await (await api.admin()).status("GET", target) in (400, 404)


async def test_a_name_with_a_nul_is_nobodys(database_url: str) -> None:
    async with keystone_api(database_url) as api:
        admin = await api.admin()
        assert await admin.status("POST", "/users", {"user": {"name": "a\0b"}}) == 400
        user = {"name": "a\0b", "domain": {"id": "default"}, "password": "x"}
        wish = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        assert await api.client().status("POST", "/auth/tokens", wish) == 400
