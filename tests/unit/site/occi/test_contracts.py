"""What clients that no registry offers read literally: rOCCI-cli 4, the Infrastructure Manager, the SAM probe, the OCCI
working group's tester. Requests are written as they write them, answers are taken apart as they take them apart.
"""

import re
from pathlib import Path

import pytest
from tests.support.occi import COMPUTE, FLAVORS, IMAGE, ROOT, Client, Clock, face, line, memory_cloud

from hansa.cloud.drivers.memory import MemoryCloud

INFRA = "http://schemas.ogf.org/occi/infrastructure"
ROCCI = [
    ("accept", "text/plain,text/occi"),
    ("user-agent", "rOCCI-core/4.3.6 rOCCI-api/4.3.14 OCCI/1.1 ruby-x86_64-linux-gnu/3.1.2p20"),
    ("accept-encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
    ("connection", "close"),
]
ROCCI_SENDS = [*ROCCI, ("content-type", "text/plain,text/occi")]


class TestRocci:
    """Ruby client of the federation's users."""

    MODEL_LINE = re.compile(
        r"Category: [a-z0-9][a-z0-9_-]*; scheme=\"[^\"]+#\"; class=\"(kind|mixin|action)\"(; title=\"[^\";,]*\")?"
        r"(; rel=\"[^\" ]+\")?(; location=\"/[^\" ]*/\")?(; attributes=\"[^\"]+\")?(; actions=\"[^\"]+\")?"
    )

    async def test_every_line_of_the_model_parses_or_the_whole_model_is_lost(self, occi: Client) -> None:
        for entry in (await occi("GET", "/-/", headers=ROCCI)).lines:
            assert self.MODEL_LINE.fullmatch(entry), entry

    async def test_create_list_describe_link_act_delete(self, occi: Client) -> None:
        network = await self.create(
            occi,
            "/network/",
            f'Category: network;scheme="{INFRA}#";class="kind"',
            'X-OCCI-Attribute: occi.core.id="da7f9a49-c09e-4c3b-b966-31b5f01ecfdb"',
            'X-OCCI-Attribute: occi.core.title="net"',
        )
        machine = await self.create(
            occi,
            "/compute/",
            f'Category: compute;scheme="{INFRA}#";class="kind"',
            f'Category: {IMAGE.id};scheme="http://schemas.openstack.org/template/os#";class="mixin"',
            'Category: m1-small;scheme="http://schemas.openstack.org/template/resource#";class="mixin"',
            'X-OCCI-Attribute: occi.core.id="a6db7064-543f-4eb3-9804-294fde5a2539"',
            'X-OCCI-Attribute: occi.core.title="My VM"',
            'X-OCCI-Attribute: occi.compute.hostname="My VM"',
        )
        uris = await occi("GET", "/compute/", headers=[("accept", "text/uri-list"), *ROCCI[1:]])
        assert uris.body == machine.encode()
        link = await self.create(
            occi,
            "/networkinterface/",
            f'Category: networkinterface;scheme="{INFRA}#";class="kind"',
            'X-OCCI-Attribute: occi.core.id="f1fd96c0-f476-4c14-ab06-0460c47525ea"',
            f'X-OCCI-Attribute: occi.core.target="{network.removeprefix(ROOT)}"',
            f'X-OCCI-Attribute: occi.core.source="{machine.removeprefix(ROOT)}"',
        )
        shown = (await occi("GET", machine, headers=ROCCI)).text
        assert f'self="{link.removeprefix(ROOT)}"' in shown
        stop = f'Category: stop;scheme="{INFRA}/compute/action#";class="action"'
        acted = await occi("POST", f"{machine}?action=stop", stop, headers=ROCCI_SENDS)
        assert (acted.status, acted.text) == (200, "OK"), "an entity here would be shown as new templates"
        assert (await occi("DELETE", link, headers=ROCCI)).status == 200
        assert (await occi("DELETE", "/compute/", headers=ROCCI)).status == 200
        assert (await occi("GET", "/compute/", headers=ROCCI)).text == ""

    async def create(self, occi: Client, path: str, *lines: str) -> str:
        made = await occi("POST", path, "\n".join(lines), headers=ROCCI_SENDS)
        assert made.status == 201, made.text
        return made.header("location") or ""

    async def test_a_machine_with_an_inline_link_in_headers(self, occi: Client) -> None:
        ident = "d7f15cce-9cba-4ae8-aa0c-b1f6a20818fc"
        link = (
            f'</network/public>;rel="{INFRA}#network";self="/network/interface/c5e7945e-d740-4893-b387-c9182516b9b2";'
            f'category="{INFRA}#networkinterface";occi.core.id="c5e7945e-d740-4893-b387-c9182516b9b2";'
            f'occi.core.target="/network/public";occi.core.source="/compute/{ident}"'
        )
        headers = [
            ("accept", "text/occi"),
            ("category", f'compute;scheme="{INFRA}#";class="kind"'),
            ("x-occi-attribute", f'occi.core.id="{ident}",occi.core.title="v2",occi.compute.hostname="v2"'),
            ("link", link),
            ("content-type", "text/occi"),
        ]
        made = await occi("POST", "/compute/", headers=headers)
        assert (made.status, made.header("content-type"), made.text) == (201, "text/occi", "OK")
        shown = (await occi("GET", made.header("location") or "")).text
        assert ident not in shown
        assert "c5e7945e" not in shown
        assert shown.count("Link: </network/public>") == 1

    async def test_a_new_size_is_a_mixin_alone(self, occi: Client) -> None:
        machine = await occi.machine(line("http://schemas.openstack.org/template/resource#m1-small", "mixin"))
        size = 'Category: m1-medium;scheme="http://schemas.openstack.org/template/resource#";class="mixin"'
        assert (await occi("POST", machine, size, headers=ROCCI_SENDS)).status == 200
        assert "X-OCCI-Attribute: occi.compute.cores=2" in (await occi("GET", machine)).lines


class TestInfrastructureManager:
    """Python client that finds its way by line prefixes and splits at `=` and `;`."""

    def attribute(self, text: str, name: str) -> str:
        (found,) = [entry for entry in text.split("\n") if entry.startswith(f"X-OCCI-Attribute: {name}=")]
        return found.split("=")[1].strip('"')

    async def test_a_machine_with_a_disk(self, occi: Client) -> None:
        size = f'Category: storage; scheme="{INFRA}#"; class="kind"\nX-OCCI-Attribute: occi.storage.size=1\n'
        volume = (await occi("POST", "/storage/", size)).text
        assert volume.startswith(f"X-OCCI-Location: {ROOT}/storage/")
        ident = volume.rpartition("/")[2]
        storage = await occi("GET", f"/storage/{ident}")
        assert self.attribute(storage.text, "occi.storage.state") == "online"
        machine = await occi.machine(
            f'Link: </storage/{ident}>; rel="{INFRA}#storage"; self="/storagelink/im-1"; category="{INFRA}#storagelink"; '
            f'occi.core.target="/storage/{ident}"; occi.core.source="/compute/im-2"; occi.core.id="im-1";'
            'occi.storagelink.deviceid="/dev/vdb"\n'
        )
        shown = (await occi("GET", machine)).text
        assert self.attribute(shown, "occi.compute.state") == "active"
        assert float(self.attribute(shown, "occi.compute.memory")) < 128, "it takes larger ones for MB"
        (disk,) = [entry for entry in shown.split("\n") if "Link:" in entry and "/storage/" in entry]
        parts = dict(part.strip().split("=", 1) for part in disk.split(";")[1:])
        assert parts["occi.core.target"] == f'"/storage/{ident}"'
        assert parts["occi.storagelink.deviceid"] == '"/dev/vdb"'
        link = parts["self"].strip('"')
        assert (await occi("DELETE", f"/{link}")).status == 200, "it puts a slash before the path"
        (card,) = [entry for entry in shown.split("\n") if "Link:" in entry and "/network/public" in entry]
        assert 'occi.networkinterface.address="10.0.0.' in card
        assert 'occi.networkinterface.interface="eth0"' in card

    async def test_the_model_is_searched_by_term(self, occi: Client) -> None:
        model = (await occi("GET", "/-/")).lines
        for term, location in (("networkinterface", "/networkinterface/"), ("storagelink", "/storagelink/")):
            (found,) = [entry for entry in model if entry.startswith(f"Category: {term};")]
            assert f'location="{location}"' in found
        (template,) = [entry for entry in model if entry.startswith(f"Category: {IMAGE.id};")]
        assert "os_tpl" in template
        assert 'scheme="http://schemas.openstack.org/template/os#"' in template


class TestSamProbe:
    """The availability probe of the federation: nothing runs at a site where it fails."""

    @pytest.mark.parametrize(
        "type_id",
        [
            COMPUTE,
            f"{INFRA}#network",
            f"{INFRA}#storage",
            f"{INFRA}#os_tpl",
            f"{INFRA}#resource_tpl",
            "http://schemas.openstack.org/compute/instance#user_data",
            "http://schemas.openstack.org/instance/credentials#public_key",
        ],
    )
    async def test_what_must_be_in_the_model(self, occi: Client, type_id: str) -> None:
        scheme, _, term = type_id.partition("#")
        assert f'Category: {term}; scheme="{scheme}#"' in (await occi("GET", "/-/")).text


class TestWorkingGroup:
    """The tester of the OCCI working group: no classes, hostnames with blanks, everything in headers."""

    HEADS = (("content-type", "text/occi"), ("accept", "text/occi"))

    async def test_a_filter_of_the_model_gives_that_category_alone(self, occi: Client) -> None:
        headers = [("category", f'compute; scheme="{INFRA}#"'), *self.HEADS]
        found = await occi("GET", "/.well-known/org/ogf/occi/-/", headers=headers)
        assert len((found.header("category") or "").split(",")) == 1

    async def test_lines_begin_simply(self, occi: Client) -> None:
        simple = re.compile(r'\w+; \bscheme=[a-z:./#"]*; \bclass="(?:action|kind|mixin)"')
        assert simple.match((await occi("GET", "/-/")).lines[1].removeprefix("Category: "))
        assert simple.match((await occi("GET", "/-/", accept="text/occi")).header("category") or "")

    async def test_quotes_survive_and_a_memory_it_asked_for_is_what_it_gets(self, clock: Clock, tmp_path: Path) -> None:
        assert any(flavor.ram_mib == 3686 for flavor in FLAVORS)
        title = 'occi.core.title="How\'s your quotes escaping? \\", occi.compute.memory=1.0"'
        headers = [
            ("category", f'compute;scheme="{INFRA}#"'),
            ("x-occi-attribute", f"occi.compute.memory=3.6, {title}"),
            ("content-type", "text/occi"),
        ]
        async with face(memory_cloud(clock), tmp_path, clock) as occi:
            made = await occi("POST", "/", headers=headers)
            assert made.status == 201, made.text
            shown = await occi("GET", made.header("location") or "")
        assert "X-OCCI-Attribute: occi.compute.memory=3.6" in shown.lines
        assert f"X-OCCI-Attribute: {title}" in shown.lines

    async def test_starting_all_that_run_is_no_error(self, occi: Client, cloud: MemoryCloud) -> None:
        await occi.machine()
        headers = [("category", f'start; scheme="{INFRA}/compute/action#"'), *self.HEADS]
        assert (await occi("POST", "/compute/?action=start", headers=headers)).status == 200

    async def test_the_whole_model_of_both_versions_is_there(self, occi: Client) -> None:
        model = (await occi("GET", "/-/")).text
        for name in ("occi.compute.speed", "occi.compute.share", "occi.network.label", "occi.storagelink.mountpoint"):
            assert name in model
        for term in (
            "start",
            "stop",
            "restart",
            "suspend",
            "up",
            "down",
            "online",
            "offline",
            "resize",
            "backup",
            "snapshot",
        ):
            assert f"Category: {term};" in model
