"""Making, reading, changing and removing machines over OCCI."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.occi import (
    COMPUTE,
    OS_TPL,
    RESOURCE_TPL,
    ROOT,
    SETTINGS,
    Client,
    Clock,
    face,
    line,
    memory_cloud,
)

from hansa.cloud.drivers.memory import Delays, MemoryCloud
from hansa.cloud.model import Caller, CloudInfo, ProjectId, ServerAction, ServerSpec

INFRA = "http://schemas.ogf.org/occi/infrastructure"
CONTEXT = line("http://schemas.openstack.org/compute/instance#user_data", "mixin")
KEY = line("http://schemas.openstack.org/instance/credentials#public_key", "mixin")
CONTEXT_12 = line(f"{INFRA}/compute#user_data", "mixin")
SCRIPT = base64.b64encode(b"#!/bin/sh\necho hello\n").decode()
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0x6Xj3xT1bqkKzH4kqz1s1c1n1c1n1c1n1c1n1c1n1 me@home"
MEDIUM_TPL = "http://schemas.openstack.org/template/resource#m1-medium"


class SpecKeeper(MemoryCloud):
    """Remembers what it was asked for."""

    async def create_server(self, caller: Caller, spec: ServerSpec):  # type: ignore[no-untyped-def]
        self.spec = spec
        return await super().create_server(caller, spec)


async def test_a_machine_is_made_from_its_templates(occi: Client) -> None:
    body = "\n".join(
        [
            line(COMPUTE, "kind"),
            line(OS_TPL, "mixin"),
            line(RESOURCE_TPL, "mixin"),
            'X-OCCI-Attribute: occi.core.id="2f6d1f5e-0000-4000-8000-000000000000"',
            'X-OCCI-Attribute: occi.core.title="My VM"',
            'X-OCCI-Attribute: occi.compute.hostname="My VM"',
        ]
    )
    made = await occi("POST", "/compute/", body, content_type="text/plain,text/occi", accept="text/plain,text/occi")
    assert made.status == 201
    location = made.header("location")
    assert location is not None
    assert location.startswith(f"{ROOT}/compute/")
    assert "2f6d1f5e" not in location
    assert made.text == f"X-OCCI-Location: {location}"
    shown = (await occi("GET", location)).lines
    assert shown[:3] == [line(COMPUTE, "kind"), line(OS_TPL, "mixin"), line(RESOURCE_TPL, "mixin")]
    ident = location.rpartition("/")[2]
    assert {
        f'X-OCCI-Attribute: occi.core.id="{ident}"',
        'X-OCCI-Attribute: occi.core.title="My VM"',
        "X-OCCI-Attribute: occi.compute.cores=1",
        "X-OCCI-Attribute: occi.compute.memory=2.0",
        'X-OCCI-Attribute: occi.compute.architecture="x64"',
        'X-OCCI-Attribute: occi.compute.hostname="my-vm"',
        'X-OCCI-Attribute: occi.compute.state="active"',
        f'Link: </compute/{ident}?action=stop>; rel="{INFRA}/compute/action#stop"',
    } <= set(shown)
    assert not any("action=start" in entry for entry in shown)
    (network,) = [entry for entry in shown if entry.startswith("Link: </network/public>")]
    assert f'category="{INFRA}#networkinterface {INFRA}/networkinterface#ipnetworkinterface"' in network


async def test_the_same_in_headers_and_in_json(occi: Client) -> None:
    headers = [("category", f'compute;scheme="{INFRA}#";class="kind"'), ("x-occi-attribute", 'occi.core.title="a, b"')]
    made = await occi("POST", "/compute/", headers=headers, content_type="text/occi", accept="text/occi")
    assert (made.status, made.body) == (201, b"OK")
    assert made.header("x-occi-location") == made.header("location")
    shown = await occi("GET", made.header("location") or "", accept="text/occi")
    assert 'occi.core.title="a, b"' in (shown.header("x-occi-attribute") or "")

    document = json.dumps({"kind": COMPUTE, "title": "j", "mixins": [OS_TPL], "attributes": {"occi.compute.cores": 2}})
    made = await occi(
        "POST", "/compute/", document, content_type="application/occi+json", accept="application/occi+json"
    )
    assert made.status == 201
    entity = json.loads(made.body)
    assert (entity["kind"], entity["title"], entity["attributes"]["occi.compute.cores"]) == (COMPUTE, "j", 2)
    assert entity["links"][0]["target"] == {"location": "/network/public", "kind": f"{INFRA}#network"}


async def test_without_templates_the_smallest_that_fits_is_taken(occi: Client) -> None:
    path = await occi.machine("X-OCCI-Attribute: occi.compute.memory=3.6", "X-OCCI-Attribute: occi.compute.cores=2")
    assert "X-OCCI-Attribute: occi.compute.memory=3.6" in (await occi("GET", path)).lines
    refused = await occi("POST", "/compute/", line(COMPUTE, "kind") + "\nX-OCCI-Attribute: occi.compute.cores=64")
    assert (refused.status, refused.header("x-hansa-code")) == (400, "bad_request")


async def test_the_resource_template_overrides_sizes_the_client_sends(occi: Client) -> None:
    path = await occi.machine(line(RESOURCE_TPL, "mixin"), "X-OCCI-Attribute: occi.compute.cores=7")
    assert "X-OCCI-Attribute: occi.compute.cores=1" in (await occi("GET", path)).lines


async def test_the_same_key_makes_one_machine(occi: Client) -> None:
    key = [("idempotency-key", "once")]
    one = await occi("POST", "/compute/", line(COMPUTE, "kind"), headers=key)
    two = await occi("POST", "/compute/", line(COMPUTE, "kind"), headers=key)
    assert one.header("location") == two.header("location")


class TestContext:
    @pytest.fixture
    def cloud(self, clock: Clock) -> SpecKeeper:
        plain = memory_cloud(clock)
        keeper = SpecKeeper(clock=clock)
        keeper.__dict__.update(plain.__dict__)
        return keeper

    @pytest.mark.parametrize(
        ("mixin", "attribute"),
        [(CONTEXT, "org.openstack.compute.user_data"), (CONTEXT_12, "occi.compute.userdata")],
    )
    async def test_user_data_reaches_the_cloud_decoded(
        self, occi: Client, cloud: SpecKeeper, mixin: str, attribute: str
    ) -> None:
        await occi.machine(mixin, f'X-OCCI-Attribute: {attribute}="{SCRIPT}"')
        assert cloud.spec.user_data == b"#!/bin/sh\necho hello\n"

    async def test_a_key_reaches_the_cloud(self, occi: Client, cloud: SpecKeeper) -> None:
        await occi.machine(KEY, f'X-OCCI-Attribute: org.openstack.credentials.publickey.data="{ED25519}"')
        assert cloud.spec.ssh_keys == (ED25519,)

    async def test_both_families_that_agree_are_one(self, occi: Client, cloud: SpecKeeper) -> None:
        await occi.machine(
            CONTEXT,
            CONTEXT_12,
            f'X-OCCI-Attribute: occi.compute.userdata="{SCRIPT}"',
            f'X-OCCI-Attribute: org.openstack.compute.user_data="{SCRIPT}"',
        )
        assert cloud.spec.user_data

    @pytest.mark.parametrize(
        ("lines", "status"),
        [
            ([CONTEXT, 'X-OCCI-Attribute: org.openstack.compute.user_data="#!/bin/sh"'], 400),
            ([CONTEXT, 'X-OCCI-Attribute: org.openstack.compute.user_data="IyEvYmlu!"'], 400),
            ([CONTEXT, f'X-OCCI-Attribute: org.openstack.compute.user_data="{"QUFB" * 6000}"'], 413),
            ([KEY, 'X-OCCI-Attribute: org.openstack.credentials.publickey.data="not a key"'], 400),
            ([f'X-OCCI-Attribute: org.openstack.compute.user_data="{SCRIPT}"'], 400),
            (
                [
                    CONTEXT,
                    CONTEXT_12,
                    f'X-OCCI-Attribute: occi.compute.userdata="{SCRIPT}"',
                    'X-OCCI-Attribute: org.openstack.compute.user_data="QUFB"',
                ],
                409,
            ),
        ],
    )
    async def test_bad_context_is_refused_and_nothing_is_made(
        self, occi: Client, cloud: SpecKeeper, lines: list[str], status: int
    ) -> None:
        refused = await occi("POST", "/compute/", "\n".join([line(COMPUTE, "kind"), *lines]))
        assert refused.status == status, refused.text
        assert not hasattr(cloud, "spec")


@pytest.mark.parametrize(
    ("lines", "status", "says"),
    [
        (["Category: x"], 400, "line 2"),
        ([line(f"{INFRA}#network", "kind")], 400, "exactly one kind"),
        ([line("http://example.org/none#such", "mixin")], 400, "no mixin http://example.org/none#such"),
        ([line(f"{INFRA}/network#ipnetwork", "mixin")], 403, "does not apply"),
        ([line(RESOURCE_TPL, "mixin"), line(MEDIUM_TPL, "mixin")], 409, "one resource_tpl"),
        (["X-OCCI-Attribute: occi.compute.colour=1"], 400, "occi.compute.colour"),
        (['X-OCCI-Attribute: occi.compute.state="active"'], 403, "occi.compute.state"),
        (['X-OCCI-Attribute: occi.compute.cores="many"'], 400, "occi.compute.cores"),
        (['Link: </network/none>; rel="x#y"'], 404, "none"),
        (['Link: <http://elsewhere.org/network/public>; rel="x#y"'], 400, "not an address of this site"),
        (['Link: </image/1>; rel="x#y"'], 400, "cannot have a link"),
        (["Link: </network/public>; x.y=1"], 400, "x.y"),
        (['Link: </network/public>; occi.networkinterface.mac="02:00:00:00:00:01"'], 400, "given by the network"),
        (['Link: </network/public>; occi.networkinterface.state="active"'], 403, "occi.networkinterface.state"),
        ([f'Link: </network/public>; category="{INFRA}#networkinterface http://a#b"'], 400, "no mixin http://a#b"),
        (['X-OCCI-Attribute: occi.core.title=" "'], 400, "name is empty"),
    ],
)
async def test_a_wrong_request_is_refused_with_its_reason(
    occi: Client, lines: list[str], status: int, says: str
) -> None:
    refused = await occi("POST", "/compute/", "\n".join([line(COMPUTE, "kind"), *lines]))
    assert refused.status == status
    assert says in refused.text
    assert "\n" not in refused.text
    assert (await occi("GET", "/compute/")).text == ""


async def test_another_kind_does_not_belong_into_a_collection(occi: Client) -> None:
    refused = await occi("POST", "/compute/", line(f"{INFRA}#network", "kind"))
    assert refused.status == 400


async def test_a_quota_is_named(clock: Clock, tmp_path: Path) -> None:
    async with face(memory_cloud(clock, quota={"servers": 1}), tmp_path, clock) as occi:
        await occi.machine()
        refused = await occi("POST", "/compute/", line(COMPUTE, "kind"))
    assert (refused.status, refused.header("x-hansa-code")) == (403, "quota_exceeded")


class TestActions:
    async def act(self, occi: Client, path: str, term: str, *lines: str, media: str = "text/plain") -> int:
        body = "\n".join([line(f"{INFRA}/compute/action#{term}", "action"), *lines])
        reply = await occi("POST", f"{path}?action={term}", body, content_type=media)
        assert reply.status != 200 or reply.text == "OK"
        return reply.status

    async def test_a_life(self, occi: Client) -> None:
        path = await occi.machine()
        assert await self.act(occi, path, "stop", 'X-OCCI-Attribute: method="graceful"') == 200
        assert await occi.state(path) == "inactive"
        assert await self.act(occi, path, "start") == 200
        assert await occi.state(path) == "active"
        assert await self.act(occi, path, "suspend") == 200
        assert await occi.state(path) == "suspended"
        assert await self.act(occi, path, "start") == 200
        assert await self.act(occi, path, "restart", 'X-OCCI-Attribute: method="cold"') == 200
        assert await occi.state(path) == "active"
        assert (await occi("DELETE", path)).status == 200
        assert (await occi("GET", path)).status == 404

    async def test_what_the_state_does_not_allow_is_a_conflict(self, occi: Client) -> None:
        path = await occi.machine()
        assert await self.act(occi, path, "start") == 409
        await self.act(occi, path, "stop")
        assert await self.act(occi, path, "suspend") == 409

    @pytest.mark.parametrize(
        ("query", "type_id", "more"),
        [
            ("start", f"{INFRA}/compute/action#stop", ""),
            ("up", f"{INFRA}/network/action#up", ""),
            ("stop", "http://example.org/action#stop", ""),
            ("stop", f"{INFRA}/compute/action#stop", 'X-OCCI-Attribute: method="softly"'),
            ("stop", f"{INFRA}/compute/action#stop", 'X-OCCI-Attribute: colour="red"'),
        ],
    )
    async def test_a_wrong_invocation_is_refused(self, occi: Client, query: str, type_id: str, more: str) -> None:
        path = await occi.machine()
        refused = await occi("POST", f"{path}?action={query}", f"{line(type_id, 'action')}\n{more}")
        assert refused.status == 400, refused.text
        assert await occi.state(path) == "active"

    async def test_saving_gives_the_new_template(self, occi: Client) -> None:
        path = await occi.machine()
        body = line(f"{INFRA}/compute/action#save", "action") + '\nX-OCCI-Attribute: name="mine"'
        saved = await occi("POST", f"{path}?action=save", body)
        assert saved.status == 200
        assert 'title="Image: mine"' in saved.text
        term = saved.text.removeprefix("Category: ").partition(";")[0]
        await occi.machine(line(f"http://schemas.openstack.org/template/os#{term}", "mixin"))

    async def test_a_busy_machine_is_waited_for(self, clock: Clock, tmp_path: Path) -> None:
        patient = SETTINGS.model_copy(update={"patience_seconds": 5})
        cloud = memory_cloud(clock, delays=Delays(boot=timedelta(microseconds=8)))
        async with face(cloud, tmp_path, clock, patient) as occi:
            path = await occi.machine()
            assert await self.act(occi, path, "stop") == 200

    async def test_a_start_during_boot_is_no_conflict(self, clock: Clock, tmp_path: Path) -> None:
        patient = SETTINGS.model_copy(update={"patience_seconds": 5})
        async with face(
            memory_cloud(clock, delays=Delays(boot=timedelta(seconds=9))), tmp_path, clock, patient
        ) as occi:
            path = await occi.machine()
            assert await occi.state(path) == "inactive"
            started = asyncio.create_task(self.act(occi, path, "start"))
            await asyncio.sleep(0.05)
            clock.pass_(seconds=10)
            assert await started == 200
            assert await occi.state(path) == "active"

    async def test_hibernation_is_a_method_of_suspension(self, occi: Client, cloud: MemoryCloud) -> None:
        path = await occi.machine()
        assert await self.act(occi, path, "suspend", 'X-OCCI-Attribute: method="hibernate"') == 200
        shown = (await occi("GET", path)).lines
        assert 'X-OCCI-Attribute: org.openstack.compute.state="suspended"' in shown

    async def test_where_a_gentle_way_is_missing_the_other_is_taken_unless_it_was_named(
        self, clock: Clock, tmp_path: Path
    ) -> None:
        class Rough(MemoryCloud):
            async def info(self) -> CloudInfo:
                return replace(await super().info(), actions=frozenset({ServerAction.POWEROFF, ServerAction.START}))

        cloud = Rough(clock=clock)
        cloud.__dict__.update(memory_cloud(clock).__dict__)
        async with face(cloud, tmp_path, clock) as occi:
            path = await occi.machine()
            assert "compute/action#suspend" not in (await occi("GET", "/-/")).text
            assert await self.act(occi, path, "suspend") == 400
            assert await self.act(occi, path, "stop", 'X-OCCI-Attribute: method="graceful"') == 501
            assert await self.act(occi, path, "stop") == 200
            assert await occi.state(path) == "inactive"

    async def test_a_busy_machine_offers_no_actions(self, clock: Clock, tmp_path: Path) -> None:
        async with face(memory_cloud(clock, delays=Delays(boot=timedelta(hours=1))), tmp_path, clock) as occi:
            path = await occi.machine()
            shown = (await occi("GET", path)).text
            assert "?action=" not in shown
            assert 'occi.compute.state.message="spawning"' in shown
            assert await self.act(occi, path, "stop") == 409

    async def test_an_action_on_a_collection_reaches_all_or_none(self, occi: Client) -> None:
        one, two = await occi.machine(), await occi.machine()
        assert await self.act(occi, two, "stop") == 200
        assert await self.act(occi, "/compute/", "suspend") == 409
        assert await occi.state(one) == "active"
        assert await self.act(occi, "/compute/", "start") == 200
        assert await occi.state(two) == "active"


class TestUpdates:
    async def test_what_was_read_can_be_put_back_with_a_new_title(self, occi: Client) -> None:
        path = await occi.machine('X-OCCI-Attribute: occi.core.title="old"', 'X-OCCI-Attribute: occi.core.summary="s"')
        whole = (await occi("GET", path)).text.replace('title="old"', 'title="new"')
        put = await occi("PUT", path, whole, content_type="text/plain")
        assert put.status == 200, put.text
        assert 'X-OCCI-Attribute: occi.core.title="new"' in put.lines
        assert 'X-OCCI-Attribute: occi.core.summary="s"' in put.lines

    async def test_a_full_update_makes_no_links_and_keeps_those_there_are(self, occi: Client) -> None:
        path = await occi.machine()
        new_link = f'Link: </network/public>; rel="{INFRA}#network"; category="{INFRA}#networkinterface"'
        volume = await storage(occi)
        wrong = f'Link: <{volume}>; rel="{INFRA}#storage"; category="{INFRA}#storagelink"'
        assert (await occi("PUT", path, f"{line(COMPUTE, 'kind')}\n{new_link}")).status == 200
        assert (await occi("PUT", path, f"{line(COMPUTE, 'kind')}\n{wrong}")).status == 400
        assert (await occi("GET", path)).text.count("Link: </network/") == 1

    async def test_a_full_update_needs_the_kind_and_cannot_change_it(self, occi: Client) -> None:
        path = await occi.machine()
        assert (await occi("PUT", path, 'X-OCCI-Attribute: occi.core.title="x"')).status == 400
        assert (await occi("PUT", path, line(f"{INFRA}#network", "kind"))).status == 400

    async def test_a_partial_update_changes_what_it_names(self, occi: Client) -> None:
        path = await occi.machine('X-OCCI-Attribute: occi.core.title="t"')
        done = await occi("POST", path, 'X-OCCI-Attribute: occi.compute.hostname="foo"')
        assert done.status == 200
        assert {
            'X-OCCI-Attribute: occi.compute.hostname="foo"',
            'X-OCCI-Attribute: occi.core.title="t"',
        } <= set(done.lines)

    async def test_another_resource_template_resizes(self, occi: Client) -> None:
        path = await occi.machine(line(RESOURCE_TPL, "mixin"))
        done = await occi("POST", path, line(MEDIUM_TPL, "mixin"))
        assert done.status == 200, done.text
        assert "X-OCCI-Attribute: occi.compute.cores=2" in (await occi("GET", path)).lines

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ("X-OCCI-Attribute: occi.compute.cores=2", 400),
            ('X-OCCI-Attribute: occi.compute.state="inactive"', 403),
            (line("http://schemas.openstack.org/template/os#11111111-aaaa-4bbb-8ccc-000000000002", "mixin"), 501),
            (f'{CONTEXT}\nX-OCCI-Attribute: org.openstack.compute.user_data="{SCRIPT}"', 403),
            ('X-OCCI-Attribute: x.y="z"', 400),
            (line("http://example.org/none#such", "mixin"), 400),
            ('Link: </network/none>; rel="x#y"', 404),
        ],
    )
    async def test_what_cannot_change_is_refused_and_nothing_changes(
        self, occi: Client, change: str, status: int
    ) -> None:
        path = await occi.machine('X-OCCI-Attribute: occi.core.title="t"')
        before = (await occi("GET", path)).text
        refused = await occi("POST", path, f'{change}\nX-OCCI-Attribute: occi.core.title="other"')
        assert refused.status == status, refused.text
        assert (await occi("GET", path)).text == before

    async def test_saying_what_is_so_already_is_no_change(self, occi: Client) -> None:
        path = await occi.machine()
        same = 'X-OCCI-Attribute: occi.compute.state="active"\nX-OCCI-Attribute: occi.compute.cores=1'
        assert (await occi("POST", path, same)).status == 200

    async def test_a_link_can_be_added(self, occi: Client) -> None:
        path, volume = await occi.machine(), await storage(occi)
        link = f'Link: <{ROOT}{volume}>; rel="{INFRA}#storage"; category="{INFRA}#storagelink"'
        assert (await occi("POST", path, link)).status == 200
        assert f"Link: <{volume}>" in (await occi("GET", path)).text

    async def test_nothing_is_made_at_a_path_of_the_clients_choice(self, occi: Client) -> None:
        assert (await occi("PUT", "/123", line(COMPUTE, "kind"))).status == 400


async def test_forwarded_ports_are_shown(occi: Client, cloud: MemoryCloud) -> None:
    """How users reach a machine whose address is the host's."""
    path = await occi.machine()
    (server,) = cloud._servers[ProjectId("alice")].values()
    card = replace(server.interfaces[0], forwards={80: 40080, 22: 40022})
    cloud._servers[server.project][server.id] = replace(server, interfaces=(card,))
    (shown,) = [entry for entry in (await occi("GET", path)).lines if "/network/public" in entry]
    assert "http://schemas.hansa.org/occi/infrastructure/networkinterface#forwarding" in shown
    assert 'org.hansa.networkinterface.forwards="22:40022 80:40080"' in shown


async def test_a_deletion_is_waited_for(clock: Clock, tmp_path: Path) -> None:
    """A client that reads 200 expects 404 from then on."""
    patient = SETTINGS.model_copy(update={"patience_seconds": 5})
    cloud = memory_cloud(clock, delays=Delays(delete=timedelta(microseconds=4)))
    async with face(cloud, tmp_path, clock, patient) as occi:
        path = await occi.machine()
        assert (await occi("DELETE", path)).status == 200
        assert (await occi("GET", path)).status == 404


async def storage(occi: Client) -> str:
    body = f"{line(f'{INFRA}#storage', 'kind')}\nX-OCCI-Attribute: occi.storage.size=0.1"
    made = await occi("POST", "/storage/", body)
    assert made.status == 201, made.text
    return (made.header("location") or "").removeprefix(ROOT)


async def test_each_project_sees_its_own(cloud: MemoryCloud, occi: Client, clock: Clock) -> None:
    path = await occi.machine()
    bob = Client(occi.app, "bob")
    assert (await bob("GET", path)).status == 404
    assert (await bob("DELETE", path)).status == 404
    assert (await bob("GET", "/compute/")).text == ""
    assert (await bob("DELETE", "/compute/")).status == 200
    assert (await occi("GET", path)).status == 200
    assert (await occi("DELETE", "/compute/")).status == 200
    assert (await occi("GET", path)).status == 404


async def test_a_failed_machine_says_why(clock: Clock, tmp_path: Path) -> None:
    cloud = MemoryCloud(clock=clock, boot_fault=lambda spec: "No bootable disk, sorry.")
    plain = memory_cloud(clock).__dict__
    cloud.__dict__.update({name: plain[name] for name in ("_flavors", "_images", "_networks")})
    async with face(cloud, tmp_path, clock) as occi:
        path = await occi.machine()
        shown = (await occi("GET", path)).lines
    assert 'X-OCCI-Attribute: occi.compute.state="error"' in shown
    assert 'X-OCCI-Attribute: occi.compute.state.message="No bootable disk, sorry."' in shown
