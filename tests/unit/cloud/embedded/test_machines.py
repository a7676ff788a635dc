"""A real machine, from the wish to the shell in it, and away again."""

from pathlib import Path

import pytest
from tests.support.embedded import ALICE, GUEST, embedded, gone, idle, make_key, needs_qemu, running, ssh
from tests.support.guest import guest_image

from hansa.cloud.model import FlavorId, Image, ServerSpec, ServerState

pytestmark = [pytest.mark.qemu, needs_qemu]


async def test_a_machine_is_reached_by_ssh_with_what_user_data_left(tmp_path: Path) -> None:
    image = guest_image()
    key, public = make_key(tmp_path)
    async with embedded(tmp_path / "state") as cloud:
        await cloud.add_image(Image(GUEST, "guest", 0), image)
        spec = ServerSpec(
            "first",
            GUEST,
            FlavorId("small"),
            hostname="first.example",
            user_data=b"#!/bin/sh\necho left by user data > /root/note\n",
            ssh_keys=(public,),
        )
        made = await idle(cloud, (await cloud.create_server(ALICE, spec)).id)
        assert made.state is ServerState.ACTIVE, made.fault
        assert made.interfaces[0].forwards.keys() == {22}
        told = await ssh(
            made, key, "for i in 1 2 3 4 5 6 7 8 9 10; do [ -f note ] && break; sleep 1; done; hostname; cat note"
        )
        assert told.split("\n")[:2] == ["first", "left by user data"]
        assert b"first" in await cloud.console_log(ALICE, made.id)
        await cloud.delete_server(ALICE, made.id)
        await gone(cloud, made.id)
        assert running(tmp_path / "state") == []
        assert list((tmp_path / "state" / "servers").iterdir()) == []
