"""Devices into and out of a running QEMU. Every function may be called again where an earlier call was cut off."""

import asyncio

from hansa.base.errors import Conflict
from hansa.cloud.drivers.embedded import commandline
from hansa.cloud.drivers.embedded.commandline import Card, Drive
from hansa.cloud.drivers.embedded.qmp import Link, QmpRefused

RELEASE_SECONDS = 60.0
ASK_AGAIN_SECONDS = 3.0
NODE_SECONDS = 10.0
POLL_SECONDS = 0.05


async def plug_drive(link: Link, drive: Drive) -> None:
    if not await _has_node(link, commandline.drive_name(drive.slot)):
        await link.execute("blockdev-add", commandline.blockdev(drive))
    device = commandline.drive_device(drive)
    if not await _has_device(link, device["id"]):
        await link.execute("device_add", device)


async def unplug_drive(link: Link, slot: int) -> None:
    """Conflict if the guest does not let go of it."""
    await _release(link, f"disk{slot}")
    await _forget_node(link, commandline.drive_name(slot))


async def grow_drive(link: Link, slot: int, size_bytes: int) -> None:
    await link.execute("block_resize", {"node-name": commandline.drive_name(slot), "size": size_bytes})


async def plug_card(link: Link, card: Card) -> None:
    device = commandline.card_device(card)
    if await _has_device(link, device["id"]):
        return
    await _forget_netdev(link, card.slot)
    await link.execute("netdev_add", commandline.netdev(card))
    await link.execute("device_add", device)


async def unplug_card(link: Link, slot: int) -> None:
    """Conflict if the guest does not let go of it."""
    await _release(link, commandline.card_name(slot))
    await _forget_netdev(link, slot)


async def switch_card(link: Link, slot: int, *, up: bool) -> None:
    """The cable in or out, as the guest sees it."""
    await link.execute("set_link", {"name": commandline.card_name(slot), "up": up})


async def _release(link: Link, device: str) -> None:
    """Ask until the guest lets go: one that is booting hears only the last time."""
    loop = asyncio.get_running_loop()
    end, asked = loop.time() + RELEASE_SECONDS, 0.0
    while await _has_device(link, device):
        if loop.time() > end:
            raise Conflict("The guest does not let go of the device; stop the machine and try again.")
        if loop.time() - asked > ASK_AGAIN_SECONDS:
            await _ask(link, device)
            asked = loop.time()
        await asyncio.sleep(POLL_SECONDS)


async def _ask(link: Link, device: str) -> None:
    try:
        await link.execute("device_del", {"id": device})
    except QmpRefused:  # it is gone by now, or QEMU is asking already
        return


async def _forget_node(link: Link, node: str) -> None:
    """A device that was just released holds its disk for another moment."""
    end = asyncio.get_running_loop().time() + NODE_SECONDS
    while await _has_node(link, node):
        try:
            await link.execute("blockdev-del", {"node-name": node})
        except QmpRefused:
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(POLL_SECONDS)


async def _forget_netdev(link: Link, slot: int) -> None:
    try:
        await link.execute("netdev_del", {"id": f"net{slot}"})
    except QmpRefused:  # there is none
        return


async def _has_device(link: Link, device: str) -> bool:
    return any(child["name"] == device for child in await link.execute("qom-list", {"path": "/machine/peripheral"}))


async def _has_node(link: Link, node: str) -> bool:
    nodes = await link.execute("query-named-block-nodes", {"flat": True})
    return any(each["node-name"] == node for each in nodes)
