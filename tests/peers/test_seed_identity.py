"""The installation guide's walk through Keystone (`OpenStack Service Installation`), line by line, with OpenStack's own client.

Where the guide mistypes, the line stands here as it was meant: `keystone-manage bootstrap --bootstrap-password` (the guide has
`bootstrap-password`), `--os-auth-url` (the guide has `--os-auth-rul`). `keystone-manage` is `hansa site`; the address of the
guide's `controller` is that of the site.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.keystone import KeystoneSite, running_keystone
from tests.support.openstack import Client, Failed, openstack
from tests.support.pki import Grid

pytestmark = pytest.mark.peer

ADMIN_PASS, DEMO_PASS, GLANCE_PASS = "ADMIN_PASS", "DEMO_PASS", "GLANCE_PASS"
CONFIG = """
[site]
name = "TEST-SITE"
public_url = "{site}"
[[listeners]]
name = "occi"
port = 8787
tls = {{ certificate = "hostcert.pem", key = "hostkey.pem" }}
[cloud]
driver = "memory"
[database]
url = "sqlite:///{directory}/site.db"
[identity]
trust_dir = "certificates"
vomsdir = "vomsdir"
policy = "policy.json"
users = "users"
tokens.keys = "token-keys"
[keystone]
public_url = "{keystone}"
region = "RegionOne"
[[keystone.listeners]]
name = "keystone"
port = 5000
tls = {{ certificate = "hostcert.pem", key = "hostkey.pem" }}
"""


async def bootstrap(keystone: KeystoneSite, *arguments: str) -> str:
    """`hansa site bootstrap` beside the running site: what it said."""
    directory = keystone.site.directory
    config = CONFIG.format(site=keystone.site.url, directory=directory, keystone=keystone.url)
    (directory / "site.toml").write_text(config)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hansa.cli.main", "site", "bootstrap", "--config", str(directory / "site.toml")),
        *arguments,
        env={**os.environ, "PYTHONPATH": "src"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return said.decode()


async def test_the_guide_line_by_line(tmp_path: Path) -> None:
    originals = openstack()
    async with running_keystone(tmp_path, Grid(now=datetime.now(UTC)), region="RegionOne") as keystone:
        url = f"{keystone.url}/v3/"
        urls = [f"--bootstrap-{interface}-url={url}" for interface in ("admin", "internal", "public")]
        wrong = await bootstrap(
            keystone, "--bootstrap-password", ADMIN_PASS, "--bootstrap-public-url=http://controller:5000/v3/"
        )
        assert "keystone.public_url" in wrong
        said = await bootstrap(
            keystone, "--bootstrap-password", ADMIN_PASS, *urls, "--bootstrap-region-id", "RegionOne"
        )
        assert "admin" in said

        environment = {  # admin-openrc
            "USERNAME": "admin",
            "PASSWORD": ADMIN_PASS,
            "PROJECT_NAME": "admin",
            "USER_DOMAIN_NAME": "Default",
            "PROJECT_DOMAIN_NAME": "Default",
            "AUTH_URL": f"{keystone.url}/v3",
            "IDENTITY_API_VERSION": "3",
            "CACERT": str(keystone.anchors()),
        }
        admin = Client(originals, environment)
        issued = await admin.json("token", "issue")
        assert {"expires", "id", "project_id", "user_id"} <= issued.keys()

        example = await admin.json("domain", "create", "--description", "An Example Domain", "example")
        assert (example["name"], example["description"], example["enabled"]) == ("example", "An Example Domain", True)
        service = await admin.json(
            "project", "create", "--domain", "default", "--description", "Service Project", "service"
        )
        assert (service["domain_id"], service["parent_id"], service["is_domain"]) == ("default", "default", False)
        demo = await admin.json(
            "project", "create", "--domain", "default", "--description", "Demo Project", "myproject"
        )
        twice = f"{DEMO_PASS}\n{DEMO_PASS}\n"
        user = await admin.json(
            "user", "create", "--domain", "default", "--password-prompt", "myuser", given=twice, typed=True
        )
        assert (user["name"], user["password_expires_at"]) == ("myuser", None)
        assert (await admin.json("role", "create", "myrole"))["name"] == "myrole"
        assert await admin("role", "add", "--project", "myproject", "--user", "myuser", "myrole") == ""

        unset = admin.but(
            AUTH_URL=None, PASSWORD=None, USERNAME=None, PROJECT_NAME=None
        )  # unset OS_AUTH_URL OS_PASSWORD
        for name, project, password in (("admin", "admin", ADMIN_PASS), ("myuser", "myproject", DEMO_PASS)):
            issued = await unset.json(
                *("--os-auth-url", f"{keystone.url}/v3", "--os-project-domain-name", "Default"),
                *("--os-user-domain-name", "Default", "--os-project-name", project, "--os-username", name),
                *("token", "issue"),
                given=f"{password}\n",
                typed=True,
            )
            assert await keystone.occi(issued["id"]) == 200
        assert issued["project_id"] == demo["id"]
        member = admin.but(USERNAME="myuser", PASSWORD=DEMO_PASS, PROJECT_NAME="myproject")  # demo-openrc
        assert (await member.json("token", "issue"))["user_id"] == user["id"]
        with pytest.raises(Failed, match="identity:list_users"):
            await member("user", "list")

        twice = f"{GLANCE_PASS}\n{GLANCE_PASS}\n"
        glance = await admin.json(
            "user", "create", "--domain", "default", "--password-prompt", "glance", given=twice, typed=True
        )
        assert await admin("role", "add", "--project", "service", "--user", "glance", "admin") == ""
        held = await admin.json("role", "assignment", "list", "--user", "glance", "--names")
        assert [(each["Role"], each["User"], each["Project"]) for each in held] == [
            ("admin", "glance@Default", "service@Default")
        ]
        image = await admin.json("service", "create", "--name", "glance", "--description", "OpenStack Image", "image")
        for interface in ("public", "internal", "admin"):
            made = await admin.json(
                "endpoint", "create", "--region", "RegionOne", "image", interface, "http://controller:9292"
            )
            assert (made["service_id"], made["url"]) == (image["id"], "http://controller:9292")
        assert {each["ID"] for each in await admin.json("user", "list", "--project", "service")} == {glance["id"]}
        for room, name in (("user", "myuser"), ("project", "myproject"), ("role", "myrole"), ("domain", "example")):
            if room == "domain":
                await admin("domain", "set", "--disable", name)
            await admin(room, "delete", name)
        with pytest.raises(Failed, match="401"):
            await member("token", "issue")
