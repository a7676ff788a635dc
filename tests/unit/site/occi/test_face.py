"""What every request is told: renderings, versions, credentials, errors; the query interface."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.occi import (
    COMPUTE,
    IMAGE,
    OS_TPL,
    ROOT,
    SETTINGS,
    Client,
    Clock,
    by_name,
    face,
    line,
    memory_cloud,
    site_database,
)

from hansa.cloud.drivers.memory import MemoryCloud
from hansa.cloud.model import Caller, CloudInfo, Flavor, FlavorId, Image, Server
from hansa.cloud.port import Cloud
from hansa.site.occi import http
from hansa.standards.occi import json as occi_json
from hansa.standards.occi import text_occi, text_plain

INFRA = "http://schemas.ogf.org/occi/infrastructure"
JSON = "application/occi+json"


class Plain(Cloud):
    """A cloud with no ability beside the port itself, over another."""

    def __init__(self, inner: MemoryCloud) -> None:
        self.inner = inner

    async def info(self) -> CloudInfo:
        return await self.inner.info()

    async def flavors(self, caller):  # type: ignore[no-untyped-def]
        return await self.inner.flavors(caller)

    async def images(self, caller: Caller) -> list[Image]:
        return list(await self.inner.images(caller))

    async def networks(self, caller):  # type: ignore[no-untyped-def]
        return await self.inner.networks(caller)

    async def servers(self, caller, query=None):  # type: ignore[no-untyped-def]
        return await self.inner.servers(caller)

    async def server(self, caller: Caller, server) -> Server:  # type: ignore[no-untyped-def]
        return await self.inner.server(caller, server)

    async def create_server(self, caller, spec):  # type: ignore[no-untyped-def]
        return await self.inner.create_server(caller, spec)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/plain,text/occi", "text/plain"),
        ("text/occi", "text/occi"),
        ("text/occi+plain", "text/plain"),
        ("text/plain;q=0.5, application/occi+json", JSON),
        ("text/plain; charset=utf-8", "text/plain"),
        ("text/html, application/json;q=0.9", JSON),
        ("text/uri-list", "text/uri-list"),
    ],
)
async def test_the_answer_is_in_the_rendering_asked_for(occi: Client, accept: str, media_type: str) -> None:
    reply = await occi("GET", "/compute/", accept=accept)
    assert (reply.status, reply.header("content-type")) == (200, media_type)
    assert "OCCI/1.1 OCCI/1.2" in (reply.header("server") or "")
    assert "application/occi+json" in (reply.header("accept") or "")


async def test_a_rendering_nobody_speaks_is_refused(occi: Client) -> None:
    assert (await occi("GET", "/compute/", accept="text/html")).status == 406
    assert (await occi("GET", "/compute/", accept="text/plain;q=0")).status == 406
    refused = await occi("POST", "/compute/", "<compute/>", content_type="application/xml")
    assert (refused.status, refused.header("x-hansa-code")) == (406, "not_acceptable")


async def test_a_uri_list_is_for_listings(occi: Client) -> None:
    path = await occi.machine()
    assert (await occi("GET", path, accept="text/uri-list")).status == 400
    assert (await occi("GET", "/-/", accept="text/uri-list")).status == 400
    assert (await occi("GET", "/compute/", accept="text/uri-list")).text == ROOT + path


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        ("rOCCI-core/4.3.6 rOCCI-api/4.3.14 OCCI/1.1 ruby-x86_64-linux-gnu/3.1.2p20", 200),
        ("x OCCI/1.2", 200),
        ("x OCCI/1.3", 501),
        ("x OCCI/1.10", 501),
        ("x OCCI/2.0", 501),
        ("Foo/9.9 bar", 200),
    ],
)
async def test_later_versions_are_not_promised(occi: Client, agent: str, status: int) -> None:
    assert (await occi("GET", "/-/", headers=[("user-agent", agent)])).status == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_without_credential_the_keystone_is_named(
    clock: Clock, cloud: MemoryCloud, tmp_path: Path, method: str
) -> None:
    settings = SETTINGS.model_copy(update={"keystone_url": "https://keystone.test:5000"})
    async with site_database(tmp_path) as database:
        app = http.app(cloud, by_name, settings, database, challenges=('Basic realm="x"',))
        reply = await Client(app, user=None)(method, "/-/")
        assert (reply.status, reply.header("www-authenticate")) == (401, "Keystone uri='https://keystone.test:5000'")
        assert "OCCI/1.1" in (reply.header("server") or "")
        other = http.app(cloud, by_name, SETTINGS, database, challenges=('Basic realm="x"',))
        assert (await Client(other, user=None)(method, "/-/")).header("www-authenticate") == 'Basic realm="x"'


async def test_head_has_the_headers_of_get_and_no_body(occi: Client) -> None:
    head, get = await occi("HEAD", "/-/"), await occi("GET", "/-/")
    assert head.headers == get.headers
    assert (head.body, get.header("content-length")) == (b"", str(len(get.body)))


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("PUT", "/-/", "DELETE, POST"),
        ("PUT", "/compute/", "DELETE, GET, POST"),
        ("PATCH", "/compute/x", "DELETE, GET, POST, PUT"),
        ("DELETE", "/", "GET, POST"),
        ("GET", "/compute/x?action=stop", "POST"),
    ],
)
async def test_methods_without_meaning_are_refused(occi: Client, method: str, target: str, allow: str) -> None:
    reply = await occi(method, target)
    assert (reply.status, reply.header("allow")) == (405, allow)


@pytest.mark.parametrize("path", ["/none", "/none/", "/compute/none", "/compute/a/b", "/network/none", "/storage/none"])
async def test_what_is_not_there_is_not_found(occi: Client, path: str) -> None:
    reply = await occi("GET", path)
    assert reply.status == 404
    assert reply.text.startswith("not_found: ")


async def test_an_error_comes_in_the_rendering_asked_for(occi: Client) -> None:
    text = await occi("GET", "/compute/none", accept="text/occi")
    assert text.header("content-type") == "text/occi"
    body = json.loads((await occi("GET", "/compute/none", accept=JSON)).body)
    assert body["error"]["code"] == "not_found"
    broken = await occi("POST", "/compute/", '{"kind":\n}', content_type=JSON, accept=JSON)
    assert broken.status == 400
    error = json.loads(broken.body)["error"]
    assert (error["code"], error["reason"], error["line"]) == ("occi_content", "occi.json.syntax", 2)


async def test_a_body_beyond_the_bound_is_refused(clock: Clock, cloud: MemoryCloud, tmp_path: Path) -> None:
    async with face(cloud, tmp_path, clock, SETTINGS.model_copy(update={"body_bytes": 5000})) as occi:
        assert (await occi("POST", "/compute/", "x" * 5001)).status == 413


async def test_what_does_not_fit_into_headers_is_not_cut(clock: Clock, cloud: MemoryCloud, tmp_path: Path) -> None:
    async with face(cloud, tmp_path, clock, SETTINGS.model_copy(update={"header_bytes": 1024})) as occi:
        reply = await occi("GET", "/-/", accept="text/occi")
    assert reply.status == 406
    assert "ask for text/plain" in reply.text


async def test_an_accident_inside_is_told_without_its_inside(clock: Clock, tmp_path: Path) -> None:
    class Broken(MemoryCloud):
        async def servers(self, caller, query=None):  # type: ignore[no-untyped-def]
            raise RuntimeError("password=hunter2")

    async with face(Broken(clock=clock), tmp_path, clock) as occi:
        reply = await occi("GET", "/compute/")
    assert reply.status == 500
    assert "hunter2" not in reply.text
    assert "OCCI/1.1" in (reply.header("server") or "")


async def test_the_model_says_the_same_in_every_rendering_and_place(occi: Client) -> None:
    plain = text_plain.parse((await occi("GET", "/-/")).body).categories
    headers = text_occi.parse((await occi("GET", "/-/", accept="text/occi")).headers).categories
    document = occi_json.parse((await occi("GET", "/-/", accept=JSON)).body).categories
    assert plain == headers
    assert [c.id for c in plain] == [c.id for c in document]
    assert (await occi("GET", "/.well-known/org/ogf/occi/-/")).body == (await occi("GET", "/-/")).body
    core = "http://schemas.ogf.org/occi/core#"
    assert [c.id for c in plain[:3]] == [core + "entity", core + "resource", core + "link"]
    assert OS_TPL in {c.id for c in plain}


async def test_no_title_breaks_a_client(occi: Client) -> None:
    """pOCCI and rOCCI split at `;` and `,` whatever the quotes say."""
    for entry in (await occi("GET", "/-/")).lines:
        inner = entry.partition('title="')[2].partition('"')[0]
        assert not set(inner) & set(';,"\\')
        assert entry.count("; ") == entry.count(";")
        assert not entry.endswith(";")


async def test_a_filter_names_what_is_wanted(occi: Client) -> None:
    headers = [("category", f'compute; scheme="{INFRA}#", os_tpl; scheme="{INFRA}#"; class="mixin"')]
    found = (await occi("GET", "/-/", headers=headers)).lines
    assert [entry.partition(";")[0] for entry in found] == ["Category: compute", "Category: os_tpl"]
    found = (await occi("GET", f"/-/?category={INFRA}%23compute")).lines
    assert len(found) == 1
    assert (await occi("GET", "/-/?category=http://a%23b")).text == ""


async def test_the_model_has_a_tag_and_is_not_sent_twice(occi: Client) -> None:
    first = await occi("GET", "/-/")
    tag = first.header("etag")
    assert tag is not None
    again = await occi("GET", "/-/", headers=[("if-none-match", tag)])
    assert (again.status, again.body) == (304, b"")
    other = await occi("GET", "/-/", accept=JSON, headers=[("if-none-match", tag)])
    assert other.status == 200


async def test_a_new_image_is_a_new_model_when_the_old_one_is_stale(
    occi: Client, cloud: MemoryCloud, clock: Clock
) -> None:
    before = await occi("GET", "/-/")
    await cloud.remove_image(IMAGE.id)
    assert (await occi("GET", "/-/")).header("etag") == before.header("etag")
    clock.pass_(seconds=6)
    after = await occi("GET", "/-/")
    assert after.header("etag") != before.header("etag")
    assert IMAGE.id not in after.text


@pytest.mark.parametrize(("count", "claim"), [(2, ""), (3, " OCCI-CRTP/1.1"), (6, " OCCI-CRTP-EP/1.1")])
async def test_template_profiles_are_claimed_where_flavors_bear_them_out(
    clock: Clock, tmp_path: Path, count: int, claim: str
) -> None:
    sizes = [(1, 1, 10), (2, 2, 20), (4, 4, 40), (1, 4, 10), (2, 8, 20), (4, 16, 40)][:count]
    flavors = [Flavor(FlavorId(f"f{n}"), f"f{n}", c, m * 1024, d) for n, (c, m, d) in enumerate(sizes)]
    async with face(MemoryCloud(clock=clock, flavors=flavors, images=[IMAGE]), tmp_path, clock) as occi:
        reply = await occi("GET", "/-/")
        small = await occi.machine(
            line("http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small", "mixin")
        )
        shown = await occi("GET", small)
    assert (reply.header("server") or "").partition("OCCI/1.2")[2] == claim
    assert reply.text.count("/compute/template/1.1#") == count
    assert "X-OCCI-Attribute: occi.compute.memory=1.0" in shown.lines


async def test_only_rocci_4_is_told_what_is_related(occi: Client) -> None:
    agent = [("user-agent", "rOCCI-core/4.3.6 rOCCI-api/4.3.14 OCCI/1.1")]
    assert b'"related"' in (await occi("GET", "/-/", accept=JSON, headers=agent)).body
    assert b'"related"' not in (await occi("GET", "/-/", accept=JSON)).body


async def test_what_the_cloud_cannot_do_is_not_in_the_model(clock: Clock, tmp_path: Path) -> None:
    async with face(Plain(memory_cloud(clock)), tmp_path, clock) as occi:
        model = (await occi("GET", "/-/")).text
        path = await occi.machine()
        shown = (await occi("GET", path)).text
        link = f'{line(f"{INFRA}#networkinterface", "kind")}\nX-OCCI-Attribute: occi.core.source="{path}"'
        more = await occi("POST", "/networkinterface/", f'{link}, occi.core.target="/network/public"')
        assert (await occi("GET", "/storage/")).status == 404
    assert "Category: storage" not in model
    assert "compute/action#save" not in model
    assert "network/action#up" not in model
    assert "action=save" not in shown
    assert more.status == 501


async def test_every_line_a_machine_shows_is_parsed_by_our_own_reader(occi: Client) -> None:
    path = await occi.machine('X-OCCI-Attribute: occi.core.title="a \\"b\\", c; d"')
    message = text_plain.parse((await occi("GET", path)).body)
    assert message.attributes["occi.core.title"] == 'a "b", c; d'
    assert message.categories[0].id == COMPUTE


async def test_metrics_go_by_what_a_path_names_and_never_by_the_path(occi: Client) -> None:
    seen: list[object] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        await occi.app(scope, receive, send)
        seen.append(scope["hansa.route"])

    client = Client(noting)
    path = await client.machine()
    for target in ("/-/", "/compute/", path, "/no/such/thing"):
        await client("GET", target)
    await Client(noting, user=None)("GET", path)
    assert seen[1:] == [
        "occi: the query interface",
        "occi: a kind's collection",
        "occi: an entity",
        "occi: an entity",
        "occi",
    ]
