"""The command lines that FedCloud's users were taught (KISTI, 2014) work as written, names and addresses aside."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.desk import Desk, desk

DN = "/DC=org/DC=example/O=people/CN=Alice Example"


@pytest.fixture
async def user(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as here:
        yield here


async def with_proxy(user: Desk) -> str:
    """The proxy as taught; gives the endpoint as the lines have it."""
    await user.run("voms-proxy-init -voms fedcloud.egi.eu --rfc -dont-verify-ac")
    return f"{user.sites[0].url}/"


async def test_voms_proxy_init_and_info(user: Desk) -> None:
    said = await user.run("voms-proxy-init -voms fedcloud.egi.eu --rfc -dont-verify-ac")
    assert re.fullmatch(
        rf"Your identity: {DN}\n"
        r"Creating temporary proxy \.+ Done\n"
        rf"Contacting localhost:{user.voms.port} \[/DC=org/DC=example/O=hosts/CN=localhost\] \"fedcloud.egi.eu\" Done\n"
        r"Creating proxy \.+ Done\n\n"
        r"Your proxy is valid until \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n",
        said,
    )
    shown = await user.run(f"voms-proxy-info -file {user.proxy} -all")
    assert [line.partition(":")[0].strip() for line in shown.splitlines()] == [
        "subject", "issuer", "identity", "type", "strength", "path", "timeleft", "key usage",
        "=== VO fedcloud.egi.eu extension information ===",
        "VO", "subject", "issuer", "attribute", "timeleft", "uri",
    ]  # fmt: skip
    assert "attribute : /fedcloud.egi.eu/Role=NULL/Capability=NULL\n" in shown
    assert f"uri       : localhost:{user.voms.port}\n" in shown
    assert int(await user.run("voms-proxy-info -actimeleft")) > 43000


async def test_listing_and_describing_templates(user: Desk) -> None:
    endpoint = await with_proxy(user)
    images = await user.run(
        f"occi --endpoint {endpoint} --action list --resource os_tpl \\\n--auth x509 --user-cred {user.proxy} --voms"
    )
    image = images.splitlines()[0]
    assert image.startswith("http://schemas.openstack.org/template/os#")
    term = image.partition("#")[2]
    described = await user.run(
        f"occi --endpoint {endpoint} --action describe \\\n--auth x509 --user-cred {user.proxy} --voms \\\n"
        f"--resource os_tpl#{term}"
    )
    assert re.fullmatch(
        rf"#+\n\[\[ {re.escape(image)} \]\]\ntitle:\s+Image: .+\nterm:\s+{term}\nlocation:\s+/.*{term}/\n#+\n",
        described,
    )
    flavors = await user.run(
        f"occi --endpoint {endpoint} --action list \\\n--resource resource_tpl --auth x509 --user-cred {user.proxy} --voms"
    )
    flavor = flavors.splitlines()[0].partition("#")[2]
    described = await user.run(
        f"occi --endpoint {endpoint} --action describe \\\n--resource resource_tpl#{flavor} \\\n"
        f"--auth x509 --user-cred {user.proxy} --voms"
    )
    assert f"title:        Flavor: {flavor}\n" in described.lower().replace("flavor:", "Flavor:")


async def test_a_machine_from_birth_to_death(user: Desk) -> None:
    endpoint = await with_proxy(user)
    sign_on = f"--auth x509 --user-cred {user.proxy} --voms"
    image = (
        (await user.run(f"occi --endpoint {endpoint} --action list --resource os_tpl {sign_on}"))
        .split()[0]
        .partition("#")[2]
    )
    sizes = await user.run(f"occi --endpoint {endpoint} --action list --resource resource_tpl {sign_on}")
    flavor = sizes.split()[0].partition("#")[2]
    await user.run("ssh-keygen -q -t rsa -b 2048 -f tmpfedcloud -N ''")
    await user.run("""cat > tmpfedcloud.login << EOF
#cloud-config
users:
  - name: cloudadm
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock-passwd: true
    ssh-import-id: cloudadm
    ssh-authorized-keys:
      - `cat tmpfedcloud.pub`
EOF
""")
    made = await user.run(
        f"occi --endpoint {endpoint} --action create --resource compute \\\n"
        '--attribute occi.core.title="MyFirstVM" \\\n'
        f"--mixin os_tpl#{image} \\\n--mixin resource_tpl#{flavor} \\\n"
        f'--context user_data="file://$PWD/tmpfedcloud.login" \\\n{sign_on}'
    )
    assert re.fullmatch(rf"{endpoint}compute/[0-9a-f-]{{36}}\n", made)
    machine = made.strip()
    shown = await user.run(
        f"occi --endpoint {endpoint.rstrip('/')} --action describe \\\n--resource {machine} \\\n"
        f"--voms --auth x509 --user-cred {user.proxy}"
    )
    lines = shown.splitlines()
    assert lines[0] == lines[-1] == "#" * 79
    assert lines[1] == "[[ http://schemas.ogf.org/occi/infrastructure#compute ]]"
    assert lines[2] == f">> location: /compute/{machine.rpartition('/')[2]}"
    assert lines[3] == f"occi.core.id = {machine.rpartition('/')[2]}"
    assert "occi.compute.state = active" in lines
    sections = [line for line in lines if line in {"Links:", "Mixins:", "Actions:"}]
    assert sections == ["Links:", "Mixins:", "Actions:"]
    assert f"    [[ http://schemas.openstack.org/template/os#{image} ]]" in lines
    assert "    [[ http://schemas.ogf.org/occi/infrastructure#networkinterface ]]" in lines
    for action in ("stop", "restart", "suspend"):
        assert f"    [[ http://schemas.ogf.org/occi/infrastructure/compute/action#{action} ]]" in lines
    await user.run(f"occi --endpoint {endpoint} --action delete \\\n--resource {machine} \\\n{sign_on}")
    assert await user.run(f"occi --endpoint {endpoint} --action list --resource compute {sign_on}") == ""


@pytest.mark.parametrize("action", ["list", "describe"])
async def test_the_quick_reference_guide(user: Desk, action: str) -> None:
    endpoint = await with_proxy(user)
    sign_on = f"--auth x509 --user-cred {user.proxy} --voms"
    for kind in ("compute", "network", "storage", "os_tpl", "resource_tpl"):
        await user.run(f"occi --endpoint {endpoint} --action {action} --resource {kind} {sign_on}")


async def test_networks_and_storage_are_created(user: Desk) -> None:
    endpoint = await with_proxy(user)
    sign_on = f"--auth x509 --user-cred {user.proxy} --voms"
    create = f"occi --endpoint {endpoint} --action create {sign_on} --attribute occi.core.title='mine'"
    assert "/network/" in await user.run(f"{create} --resource network")
    storage = await user.run(f"{create} --attribute occi.storage.size='num(1)' --resource storage")
    await user.run(f"occi --endpoint {endpoint} --action delete --resource {storage.strip()} {sign_on}")


async def test_a_proxy_without_a_vo_is_refused_in_one_line(user: Desk) -> None:
    await user.run("voms-proxy-init")
    done = await user.sh(
        f"occi --endpoint {user.sites[0].url}/ --action list --resource compute --auth x509 --user-cred {user.proxy} --voms"
    )
    assert done.returncode == 1
    assert re.fullmatch(r"F, \[.*\] FATAL -- : An error occurred! Message: .*\n", done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize("kind", ["text/plain,text/occi", "text/plain", "text/occi", "application/occi+json"])
async def test_every_action_in_every_rendering(user: Desk, kind: str) -> None:
    endpoint = await with_proxy(user)
    occi = f"occi --endpoint {endpoint} --auth x509 --user-cred {user.proxy} --voms --media-type {kind}"
    image = (await user.run(f"{occi} -a list -r os_tpl")).split()[0].partition("#")[2]
    sizes = [size.partition("#")[2] for size in (await user.run(f"{occi} -a list -r resource_tpl")).split()]
    machine = (
        await user.run(
            f"{occi} -a create -r compute -t occi.core.title='Über, \"x\"; y' -M os_tpl#{image} -M resource_tpl#{sizes[0]} "
            "-T public_key='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake a@b' -w 30"
        )
    ).strip()
    assert 'occi.core.title = Über, "x"; y\n' in await user.run(f"{occi} -a describe -r {machine}")
    disk = (await user.run(f"{occi} -a create -r storage -t occi.core.title=d,occi.storage.size='num(1)'")).strip()
    link = (await user.run(f"{occi} -a link -r {machine} -j {disk}")).strip()
    assert "occi.storagelink.deviceid = " in await user.run(f"{occi} -a describe -r {link}")
    shown = await user.run(f"{occi} -a describe -r {machine}")
    assert "[[ http://schemas.ogf.org/occi/infrastructure#storagelink ]]" in shown
    await user.run(f"{occi} -a unlink -r {link}")
    await user.run(f"{occi} -a update -r {machine} -M resource_tpl#{sizes[1]}")
    assert f"resource#{sizes[1]} ]]" in await user.run(f"{occi} -a describe -r {machine}")
    await user.run(f"{occi} -a trigger -r {machine} -g stop -t method=poweroff")
    assert "occi.compute.state = inactive\n" in await user.run(f"{occi} -a describe -r {machine}")
    await user.run(f"{occi} -a trigger -r {machine} -g http://schemas.ogf.org/occi/infrastructure/compute/action#start")
    assert "occi.compute.state = active\n" in await user.run(f"{occi} -a describe -r {machine}")
    await user.run(f"{occi} -a delete -r compute && {occi} -a delete -r {disk}")
    assert await user.run(f"{occi} -a list -r compute; {occi} -a list -r storage") == ""
    await user.run(f"{occi} --dump-model")
