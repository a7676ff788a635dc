"""The classic lines with a real machine: made by `occi`, entered by plain `ssh`, as FedCloud's users were taught."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.desk import Desk, desk
from tests.support.embedded import end_all, needs_qemu, settings
from tests.support.guest import guest_image

pytestmark = [
    pytest.mark.qemu,
    needs_qemu,
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]
LOGIN = """cat > tmpfedcloud.login << EOF
#cloud-config
users:
  - name: cloudadm
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock-passwd: true
    ssh-import-id: cloudadm
    ssh-authorized-keys:
      - `cat tmpfedcloud.pub`
EOF
"""


@pytest.fixture
async def user(tmp_path: Path) -> AsyncIterator[Desk]:
    state = tmp_path / "machines"
    embedded = settings(state).model_dump(mode="json")
    image = {"id": "tiny", "name": "Tiny guest", "source": guest_image()}
    try:
        async with desk(tmp_path, cloud={"driver": "embedded", "embedded": embedded}, images=[image]) as here:
            yield here
    finally:
        await end_all(state)


async def test_a_machine_made_by_occi_is_entered_by_ssh(user: Desk) -> None:
    endpoint = f"{user.sites[0].url}/"
    sign_on = f"--auth x509 --user-cred {user.proxy} --voms"
    await user.run("voms-proxy-init -voms fedcloud.egi.eu --rfc -dont-verify-ac")
    await user.run(f"ssh-keygen -q -t rsa -b 2048 -f tmpfedcloud -N '' && {LOGIN}")
    made = await user.run(
        f'occi --endpoint {endpoint} --action create --resource compute --attribute occi.core.title="MyFirstVM" '
        f'--mixin os_tpl#tiny --mixin resource_tpl#small --context user_data="file://$PWD/tmpfedcloud.login" '
        f"--wait-for-active 120 {sign_on}"
    )
    machine = made.strip()
    shown = await user.run(f"occi --endpoint {endpoint} --action describe --resource {machine} {sign_on}")
    attributes = dict(line.strip().split(" = ", 1) for line in shown.splitlines() if " = " in line)
    assert attributes["occi.compute.state"] == "active"
    address = attributes["occi.networkinterface.address"]
    port = dict(pair.split(":") for pair in attributes["org.hansa.networkinterface.forwards"].split())["22"]
    options = "-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=known -o ConnectTimeout=5 -o BatchMode=yes"
    ssh = f"ssh -i tmpfedcloud -l cloudadm -p {port} {options} {address}"
    told = await user.run(
        f"for n in $(seq 60); do {ssh} 'hostname; sudo id -un' 2>/dev/null && exit; sleep 1; done; exit 1"
    )
    assert told == "MyFirstVM\nroot\n"
    await user.run(f"occi --endpoint {endpoint} --action trigger --trigger-action stop --resource {machine} {sign_on}")
    await user.run(f"occi --endpoint {endpoint} --action delete --resource {machine} {sign_on}")
    assert await user.run(f"occi --endpoint {endpoint} --action list --resource compute {sign_on}") == ""


async def test_a_login_and_a_script_of_ones_own_through_hansa(user: Desk) -> None:
    await user.run("hansa proxy init")
    (user.home / "hello.sh").write_text("#!/bin/sh\necho hello > /etc/hello\n")
    await user.run("hansa vm create web --image tiny --flavor small --login ada --user-data @hello.sh --wait")
    waiting = "'until [ -e /etc/hello ]; do sleep 1; done'"  # scripts run when SSH is already up
    told = await user.run(f"hansa vm ssh web --login ada -- {waiting} '&&' cat /etc/hello '&&' sudo id -un")
    assert told == "hello\nroot\n"
    assert "login:" in await user.run("hansa vm log web")
    known_hosts = user.home / ".local/state/hansa/known_hosts"
    assert len(list(known_hosts.iterdir())) == 1
    await user.run("hansa vm delete web --yes --wait")
    assert list(known_hosts.iterdir()) == []
    assert await user.run("hansa vm list -o name") == ""
