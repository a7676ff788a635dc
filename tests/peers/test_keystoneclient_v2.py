"""The `keystone` commands of the guide of 2014, line by line, by the library that was under that command."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.keystone import password_v3, running_keystone
from tests.support.openstack import openstack
from tests.support.pki import Grid

pytestmark = pytest.mark.peer
SCRIPT = Path(__file__).parents[1] / "support" / "keystone_v2_seed.py"


async def test_the_commands_of_the_guide_work(tmp_path: Path) -> None:
    originals = openstack()
    async with running_keystone(tmp_path, Grid(now=datetime.now(UTC)), region="RegionOne") as keystone:
        admin = await keystone.request("POST", "/v3/auth/tokens", password_v3(user="root"))
        said = await originals.run(
            "python",
            str(SCRIPT),
            f"{keystone.url}/v2.0",
            str(keystone.anchors()),
            environment={"OS_SERVICE_TOKEN": admin.token or ""},
        )
    told = json.loads(said)
    assert {"admin", "service", "fedcloud"} <= set(told["tenants"])
    assert told["roles"] == {"admin in admin": ["admin"], "sangwan in fedcloud": ["_member_"]}
    assert told["services"] == ["glance image", "keystone identity", "nova occi", "occi occi"]
    assert (told["unscoped"], told["scoped"]) == (False, "fedcloud")
    assert told["addresses"] == ["http://fccont.example.org:9292"]
    assert told["own tenants"] == ["fedcloud"]
    assert told["wrong password"] == 401
    assert told["enabled"] is False
    assert told["after"] == ["keystone identity", "occi occi"]
