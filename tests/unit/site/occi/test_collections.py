"""Collections: listing, filters, pages; user mixins and their sets; networks, storage and links."""

import json
from pathlib import Path

import pytest
from tests.support.occi import COMPUTE, OS_TPL, RESOURCE_TPL, ROOT, SETTINGS, Client, Clock, by_name, line
from tests.support.schema import differences

from hansa.base.database import Database
from hansa.base.migrations import upgrade
from hansa.cloud.drivers.memory import MemoryCloud
from hansa.site.occi import http, store

INFRA = "http://schemas.ogf.org/occi/infrastructure"
JSON = "application/occi+json"
STUFF = (
    'Category: my_stuff; scheme="http://example.org/mine#"; class="mixin"; rel="http://a.b/c#d"; location="/my_stuff/"'
)


async def make(occi: Client, kind: str, *lines: str) -> str:
    reply = await occi("POST", f"/{kind}/", "\n".join([line(f"{INFRA}#{kind}", "kind"), *lines]))
    assert reply.status == 201, reply.text
    return (reply.header("location") or "").removeprefix(ROOT)


async def listed(occi: Client, target: str, **headers: str) -> list[str]:
    reply = await occi("GET", target, accept="text/uri-list", headers=list(headers.items()))
    assert reply.status == 200, reply.text
    return [url.removeprefix(ROOT) for url in reply.lines if url]


class TestListings:
    async def test_an_empty_collection_is_no_error(self, occi: Client) -> None:
        assert (await occi("GET", "/compute/")).text == ""
        assert (await occi("GET", "/compute/", accept=JSON)).body == b'{"resources":[]}'
        assert (await occi("GET", "/storagelink/", accept=JSON)).body == b'{"links":[]}'

    async def test_every_rendering_lists_the_same(self, occi: Client) -> None:
        paths = [await occi.machine(), await occi.machine()]
        urls = [ROOT + path for path in paths]
        assert (await occi("GET", "/compute/")).lines == [f"X-OCCI-Location: {url}" for url in urls]
        reply = await occi("GET", "/compute/", accept="text/occi")
        assert (reply.header("x-occi-location"), reply.text) == (", ".join(urls), "OK")
        assert await listed(occi, "/compute/") == paths
        entities = json.loads((await occi("GET", "/compute/", accept=JSON)).body)["resources"]
        assert [f"/compute/{entity['id']}" for entity in entities] == paths

    async def test_above_the_collections_everything_is_listed(self, occi: Client) -> None:
        path = await occi.machine()
        found = await listed(occi, "/")
        assert path in found
        assert "/network/public" in found
        assert any(entry.startswith("/networkinterface/") for entry in found)

    async def test_above_some_collections_only_those_are_listed(self, occi: Client) -> None:
        path = await occi.machine()
        await occi("POST", "/-/", 'Category: x; scheme="http://a#"; class="mixin"; location="/my/x/"')
        assert await listed(occi, "/my/") == []
        await occi("POST", "/my/x/", f"X-OCCI-Location: {path}")
        assert await listed(occi, "/my/") == [path]
        assert (await occi("GET", "/other/")).status == 404

    async def test_a_template_lists_its_machines(self, occi: Client) -> None:
        one = await occi.machine(line(OS_TPL, "mixin"), line(RESOURCE_TPL, "mixin"))
        await occi.machine(
            line("http://schemas.openstack.org/template/os#11111111-aaaa-4bbb-8ccc-000000000002", "mixin"),
            line("http://schemas.openstack.org/template/resource#m1-medium", "mixin"),
        )
        assert await listed(occi, f"/os_tpl/{OS_TPL.partition('#')[2]}/") == [one]
        assert await listed(occi, "/resource_tpl/m1-small/") == [one]
        assert len(await listed(occi, "/os_tpl/")) == 2

    async def test_filters_by_category_and_attribute(self, occi: Client) -> None:
        one = await occi.machine('X-OCCI-Attribute: occi.compute.hostname="foo bar"')
        two = await occi.machine(line("http://schemas.openstack.org/template/resource#m1-medium", "mixin"))
        assert await listed(occi, "/compute/", Category=f'compute; scheme="{INFRA}#"; class="kind"') == [one, two]
        medium = 'm1-medium; scheme="http://schemas.openstack.org/template/resource#"'
        assert await listed(occi, "/compute/", Category=medium) == [two]
        attribute = 'occi.compute.hostname="foo bar"'
        assert await listed(occi, "/compute/", **{"X-OCCI-Attribute": attribute}) == [one]
        assert await listed(occi, "/compute/?attr.occi.compute.cores=2") == [two]
        assert await listed(occi, f"/?category={INFRA}%23compute&attr.occi.compute.cores=1") == [one]
        assert (await occi("GET", "/compute/?category=http://a%23b")).status == 400

    async def test_pages(self, occi: Client) -> None:
        paths = [await occi.machine() for _ in range(5)]
        assert await listed(occi, "/compute/?page=1&number=2") == paths[:2]
        assert await listed(occi, "/compute/?page=3&number=2") == paths[4:]
        assert await listed(occi, "/compute/?page=4&number=2") == []
        assert await listed(occi, "/compute/?page=2&number=2&attr.occi.compute.cores=1") == paths[2:4]
        assert (
            await listed(occi, "/networkinterface/?page=1&number=3") == (await listed(occi, "/networkinterface/"))[:3]
        )

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("page=0&number=2", 400),
            ("page=x", 400),
            ("number=1001", 413),
            ("page=1&page=2", 400),
            ("&" * 100 + "a=1", 400),
        ],
    )
    async def test_wrong_pages_are_refused(self, occi: Client, query: str, status: int) -> None:
        assert (await occi("GET", f"/compute/?{query}")).status == status


class TestUserMixins:
    async def test_a_life(self, occi: Client) -> None:
        one, two = await occi.machine(), await occi.machine()
        assert (await occi("POST", "/-/", STUFF)).status == 200
        assert (
            'my_stuff; scheme="http://example.org/mine#"; class="mixin"; rel="http://a.b/c#d"'
            in (await occi("GET", "/-/")).text
        )
        assert (await occi("POST", "/my_stuff/", f"X-OCCI-Location: {ROOT}{one}")).status == 200
        assert "my_stuff" in (await occi("GET", one)).text
        assert await listed(occi, "/my_stuff/") == [one]
        assert (await occi("PUT", "/my_stuff/", f"X-OCCI-Location: {two}")).status == 200
        assert await listed(occi, "/my_stuff/") == [two]
        assert await listed(occi, "/compute/", Category='my_stuff; scheme="http://example.org/mine#"') == [two]
        assert (await occi("DELETE", "/my_stuff/", f"X-OCCI-Location: {two}")).status == 200
        assert await listed(occi, "/my_stuff/") == []
        assert (await occi("GET", two)).status == 200
        removal = [("category", 'my_stuff; scheme="http://example.org/mine#"; class="mixin";')]
        assert (await occi("DELETE", "/-/", headers=removal)).status == 200
        assert (await occi("GET", "/my_stuff/")).status == 404
        assert (await occi("DELETE", "/-/", headers=removal)).status == 404

    async def test_they_are_put_on_and_off_with_the_entity(self, occi: Client) -> None:
        await occi("POST", "/-/", STUFF)
        tag = 'Category: my_stuff; scheme="http://example.org/mine#"; class="mixin"'
        path = await occi.machine(tag)
        assert await listed(occi, "/my_stuff/") == [path]
        volume = await make(occi, "storage", "X-OCCI-Attribute: occi.storage.size=1")
        assert (await occi("POST", volume, tag)).status == 200
        assert await listed(occi, "/my_stuff/") == [path, volume]
        assert (await occi("PUT", path, line(COMPUTE, "kind"))).status == 200
        assert await listed(occi, "/my_stuff/") == [volume]
        assert (await occi("DELETE", volume)).status == 200
        assert await listed(occi, "/my_stuff/") == []

    async def test_an_action_on_their_set(self, occi: Client) -> None:
        await occi("POST", "/-/", STUFF)
        one, two = await occi.machine(), await occi.machine()
        await occi("POST", "/my_stuff/", f"X-OCCI-Location: {one}")
        stop = line(f"{INFRA}/compute/action#stop", "action")
        assert (await occi("POST", "/my_stuff/?action=stop", stop)).status == 200
        assert (await occi.state(one), await occi.state(two)) == ("inactive", "active")

    async def test_the_same_again_changes_nothing_and_another_is_a_conflict(self, occi: Client) -> None:
        assert (await occi("POST", "/-/", STUFF)).status == 200
        assert (await occi("POST", "/-/", STUFF)).status == 200
        assert (await occi("POST", "/-/", STUFF.replace("c#d", "c#e"))).status == 409

    async def test_several_are_added_together_or_not_at_all(self, occi: Client) -> None:
        assert (await occi("POST", "/-/", f"{STUFF}\n{STUFF}")).status == 200
        one = 'Category: one; scheme="http://a#"; class="mixin"; location="/shared/"'
        before = (await occi("GET", "/-/")).body
        assert (await occi("POST", "/-/", f"{one}\n{one.replace('one', 'two')}")).status == 409
        assert (await occi("GET", "/-/")).body == before

    @pytest.mark.parametrize(
        ("definition", "status"),
        [
            ("", 400),
            ('Category: x; scheme="http://a#"; class="kind"; location="/x/"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/x"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"; location="http://b/x/"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/a\\"b/"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/a b/"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/../"', 400),
            ('Category: x.y; scheme="http://a#"; class="mixin"; location="/x/"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"; rel="nonsense"; location="/x/"', 400),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/compute/"', 409),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/compute/x/"', 409),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/-/"', 409),
            ('Category: x; scheme="http://a#"; class="mixin"; location="/x/"; attributes="a.b"', 400),
            ('Category: x; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="mixin"; location="/x/"', 403),
            ('Category: x; scheme="no id"; class="mixin"; location="/x/"', 400),
        ],
    )
    async def test_what_cannot_be_a_users_mixin(self, occi: Client, definition: str, status: int) -> None:
        before = (await occi("GET", "/-/")).body
        assert (await occi("POST", "/-/", definition)).status == status
        assert (await occi("GET", "/-/")).body == before

    async def test_the_sites_own_are_not_the_users(self, occi: Client) -> None:
        path = await occi.machine()
        headers = [("category", f'os_tpl; scheme="{INFRA}#"; class="mixin"')]
        assert (await occi("DELETE", "/-/", headers=headers)).status == 403
        assert (await occi("POST", "/resource_tpl/m1-medium/", f"X-OCCI-Location: {path}")).status == 403
        assert (await occi("DELETE", "/resource_tpl/m1-small/")).status == 403

    @pytest.mark.parametrize("body", ["", "X-OCCI-Location: /compute/none", "X-OCCI-Location: /what"])
    async def test_a_set_holds_only_what_is_there(self, occi: Client, body: str) -> None:
        await occi("POST", "/-/", STUFF)
        assert (await occi("POST", "/my_stuff/", body)).status in (400, 404)

    async def test_they_are_the_projects_own_and_outlive_the_process(
        self, occi: Client, cloud: MemoryCloud, clock: Clock, tmp_path: Path
    ) -> None:
        path = await occi.machine('X-OCCI-Attribute: occi.core.summary="remember"')
        await occi("POST", "/-/", STUFF)
        await occi("POST", "/my_stuff/", f"X-OCCI-Location: {path}")
        assert (await Client(occi.app, "bob")("GET", "/my_stuff/")).status == 404
        database = Database(f"sqlite:///{tmp_path / 'site.db'}")
        try:
            again = Client(http.app(cloud, by_name, SETTINGS, database))
            assert await listed(again, "/my_stuff/") == [path]
            assert 'occi.core.summary="remember"' in (await again("GET", path)).text
        finally:
            database.close()


class TestNetworks:
    async def test_a_life(self, occi: Client) -> None:
        path = await make(
            occi,
            "network",
            line(f"{INFRA}/network#ipnetwork", "mixin"),
            'X-OCCI-Attribute: occi.core.title="net"',
            'X-OCCI-Attribute: occi.network.address="10.9.0.0/24"',
            'X-OCCI-Attribute: occi.network.gateway="10.9.0.1"',
            "X-OCCI-Attribute: occi.network.vlan=7",
        )
        shown = (await occi("GET", path)).lines
        assert {
            'X-OCCI-Attribute: occi.network.address="10.9.0.0/24"',
            "X-OCCI-Attribute: occi.network.vlan=7",
            'X-OCCI-Attribute: occi.network.state="active"',
            f'Link: <{path}?action=down>; rel="{INFRA}/network/action#down"',
        } <= set(shown)
        up = await occi("POST", "/network/?action=up", line(f"{INFRA}/network/action#up", "action"))
        assert up.status == 200, "it is up already, and the shared one is nobody's to change"
        down = await occi("POST", "/network/?action=down", line(f"{INFRA}/network/action#down", "action"))
        assert (down.status, down.text) == (200, "OK")
        assert 'X-OCCI-Attribute: occi.network.state="inactive"' in (await occi("GET", path)).lines
        renamed = await occi("POST", path, 'X-OCCI-Attribute: occi.core.title="other"')
        assert 'X-OCCI-Attribute: occi.core.title="other"' in renamed.lines
        put = await occi("PUT", path, renamed.text)
        assert put.status == 200, put.text
        assert (await occi("POST", path, "X-OCCI-Attribute: occi.network.vlan=8")).status == 400
        assert (await occi("DELETE", path)).status == 200
        assert (await occi("GET", path)).status == 404

    async def test_the_shared_network_has_its_well_known_name_and_is_nobodys_to_change(self, occi: Client) -> None:
        shown = await occi("GET", "/network/public")
        assert 'X-OCCI-Attribute: occi.core.id="public"' in shown.lines
        assert "?action=" not in shown.text
        assert (await occi("GET", "/network/net-default")).body == shown.body
        assert (await occi("DELETE", "/network/public")).status == 403
        assert (await occi("DELETE", "/network/")).status == 200
        assert (await occi("GET", "/network/public")).status == 200

    async def test_one_in_use_stays(self, occi: Client) -> None:
        path = await make(occi, "network")
        await occi.machine(f'Link: <{path}>; rel="{INFRA}#network"; category="{INFRA}#networkinterface";')
        assert (await occi("DELETE", path)).status == 409
        assert (await occi("DELETE", "/network/")).status == 409


class TestStorage:
    async def test_a_life(self, occi: Client) -> None:
        path = await make(
            occi,
            "storage",
            "X-OCCI-Attribute: occi.storage.size=0.1",
            'X-OCCI-Attribute: occi.core.title="disk"',
            'X-OCCI-Attribute: occi.core.summary="mine"',
        )
        shown = await occi("GET", path)
        assert {
            "X-OCCI-Attribute: occi.storage.size=0.1",
            'X-OCCI-Attribute: occi.core.summary="mine"',
            'X-OCCI-Attribute: occi.storage.state="online"',
        } <= set(shown.lines)
        assert (await occi("PUT", path, shown.text)).status == 200
        resize = f"{line(f'{INFRA}/storage/action#resize', 'action')}\nX-OCCI-Attribute: size=2"
        assert (await occi("POST", f"{path}?action=resize", resize)).status == 200
        larger = await occi("POST", path, "X-OCCI-Attribute: occi.storage.size=3.0")
        assert "X-OCCI-Attribute: occi.storage.size=3.0" in larger.lines
        assert (await occi("POST", path, "X-OCCI-Attribute: occi.storage.size=1")).status == 400
        offline = await occi("POST", f"{path}?action=offline", line(f"{INFRA}/storage/action#offline", "action"))
        assert offline.status == 200
        assert 'X-OCCI-Attribute: occi.storage.state="offline"' in (await occi("GET", path)).lines
        online = await occi("POST", "/storage/?action=online", line(f"{INFRA}/storage/action#online", "action"))
        assert online.status == 200
        assert 'X-OCCI-Attribute: occi.storage.state="online"' in (await occi("GET", path)).lines
        backup = await occi("POST", f"{path}?action=backup", line(f"{INFRA}/storage/action#backup", "action"))
        assert backup.status == 501
        assert (await occi("DELETE", path)).status == 200

    async def test_its_size_is_required(self, occi: Client) -> None:
        refused = await occi("POST", "/storage/", line(f"{INFRA}#storage", "kind"))
        assert refused.status == 400
        assert "occi.storage.size" in refused.text


class TestLinks:
    async def link(self, occi: Client, kind: str, source: str, target: str, *more: str) -> str:
        ends = f'X-OCCI-Attribute: occi.core.source="{source}"\nX-OCCI-Attribute: occi.core.target="{target}"'
        return await make(occi, kind, ends, *more)

    async def test_a_disk_comes_and_goes(self, occi: Client) -> None:
        machine, volume = await occi.machine(), await make(occi, "storage", "X-OCCI-Attribute: occi.storage.size=1")
        path = await self.link(
            occi, "storagelink", ROOT + machine, volume, 'X-OCCI-Attribute: occi.storagelink.mountpoint="/data"'
        )
        shown = await occi("GET", path)
        assert {
            f'X-OCCI-Attribute: occi.core.source="{machine}"',
            f'X-OCCI-Attribute: occi.core.target="{volume}"',
            'X-OCCI-Attribute: occi.storagelink.mountpoint="/data"',
        } <= set(shown.lines)
        assert f'Link: <{volume}>; rel="{INFRA}#storage"; self="{path}"' in (await occi("GET", machine)).text
        assert (await occi("DELETE", volume)).status == 409
        assert (await occi("DELETE", "/storage/")).status == 409
        named = await occi("POST", path, 'X-OCCI-Attribute: occi.core.title="data"')
        assert 'X-OCCI-Attribute: occi.core.title="data"' in named.lines
        assert (await occi("PUT", path, named.text)).status == 200
        assert (await occi("POST", path, 'X-OCCI-Attribute: occi.storagelink.mountpoint="/x"')).status == 400
        assert (await occi("DELETE", path)).status == 200
        assert volume not in (await occi("GET", machine)).text
        assert (await occi("DELETE", volume)).status == 200

    async def test_a_card_comes_and_goes(self, occi: Client) -> None:
        machine = await occi.machine()
        path = await self.link(occi, "networkinterface", machine, "/network/public")
        assert (await occi("GET", machine)).text.count("Link: </network/public>") == 2
        assert (await occi("DELETE", path)).status == 200
        assert (await occi("GET", machine)).text.count("Link: </network/public>") == 1

    async def test_they_go_with_their_machine(self, occi: Client) -> None:
        machine = await occi.machine()
        (card,) = await listed(occi, "/networkinterface/")
        await occi("DELETE", machine)
        assert (await occi("GET", card)).status == 404

    async def test_a_link_as_json(self, occi: Client) -> None:
        machine = await occi.machine()
        document = {
            "kind": f"{INFRA}#networkinterface",
            "source": {"location": machine},
            "target": {"location": "/network/public"},
        }
        made = await occi("POST", "/networkinterface/", json.dumps(document), content_type=JSON, accept=JSON)
        assert made.status == 201, made.text
        assert json.loads(made.body)["source"] == {"location": machine, "kind": COMPUTE}

    @pytest.mark.parametrize(
        ("source", "target", "status"),
        [
            ("", "/network/public", 400),
            ("/compute/none", "/network/public", 404),
            ("{machine}", "/network/none", 404),
            ("{machine}", "http://elsewhere.org/network/public", 400),
            ("{machine}", "/storage/x", 400),
            ("/network/public", "/network/public", 400),
        ],
    )
    async def test_a_link_needs_its_ends(self, occi: Client, source: str, target: str, status: int) -> None:
        machine = await occi.machine()
        ends = f'X-OCCI-Attribute: occi.core.source="{source.format(machine=machine)}", occi.core.target="{target}"'
        refused = await occi("POST", "/networkinterface/", f"{line(f'{INFRA}#networkinterface', 'kind')}\n{ends}")
        assert refused.status == status, refused.text


async def test_entities_are_made_on_the_root_too(occi: Client) -> None:
    headers = [("category", f'network; scheme="{INFRA}#"')]
    made = await occi("POST", "/", headers=headers, content_type="text/occi")
    assert made.status == 201


async def test_the_tables_are_those_the_migrations_make(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'site.db'}")
    try:
        await upgrade(database, "site")
        assert await differences(database, store.metadata) == []
    finally:
        database.close()
