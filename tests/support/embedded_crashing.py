"""A cloud that is killed at every point of what it does to a machine in turn, opened again, and looked at.

    python -m tests.support.embedded_crashing DIRECTORY create|fail|delete|suspend|start|resize|save|attach [MILLISECONDS ...]

Without times: kill points are before and after each step and each undo, and between the wish's being recorded and its
workflow's start. The first life (a child process) makes the wish and dies by SIGKILL at that point; the next point
comes, until a life survives. With times: the first life is killed from outside, so long after the wish was accepted.
The second life opens the cloud, waits until everything has come to rest, tells what it sees, deletes the machine and
tells again. One JSON line for each point.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.embedded import ALICE, BLANK, add_blank_image, end_all, gone, idle, running, settings

from hansa.base.workflows import State, Step, Workflow
from hansa.cloud.drivers.embedded import EmbeddedCloud
from hansa.cloud.model import FlavorId, Server, ServerAction, ServerQuery, ServerSpec

Wish = Callable[[EmbeddedCloud, Server], Awaitable[Any]]

BROKEN_QEMU = """#!/bin/sh
[ "$1" = --version ] && exec qemu-system-x86_64 --version
echo "cannot set up guest memory 'pc.ram': Cannot allocate memory" >&2
exit 1
"""


class MortalCloud(EmbeddedCloud):
    """Dies at kill point number `kill_at` of the workflow `victim`, counted from 0."""

    kill_at: int | None = None
    victim = ""
    journal: Path
    _points = count()

    def restart_counting(self) -> None:
        self.journal.unlink(missing_ok=True)
        self._points = count()

    def point(self, what: str) -> None:
        with self.journal.open("a") as journal:
            journal.write(what + "\n")
        if next(self._points) == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _workflows(self) -> Iterable[Workflow]:
        for workflow in super()._workflows():
            yield self._mortal(workflow) if workflow.name == self.victim else workflow

    def _mortal(self, workflow: Workflow) -> Workflow:
        steps = tuple(
            Step(
                step.name,
                self._around(step.name, step.do),
                self._around(f"undo {step.name}", step.undo) if step.undo else None,
            )
            for step in workflow.steps
        )
        failed = workflow.finally_failed
        return replace(
            workflow, steps=steps, finally_failed=self._around("failed", failed) if failed is not None else None
        )

    def _around(self, name: str, do: Callable[[State], Awaitable[Any]]) -> Callable[[State], Awaitable[Any]]:
        async def run(state: State) -> Any:
            self.point(f"{name} begins")
            added = await do(state)
            self.point(f"{name} ends")
            return added

        return run


def cloud_in(directory: Path, mode: str) -> MortalCloud:
    changes: dict[str, Any] = {}
    if mode == "fail":
        broken = directory / "qemu"
        broken.write_text(BROKEN_QEMU)
        broken.chmod(0o755)
        changes["qemu"] = str(broken)
    cloud = MortalCloud(settings(directory / "state", accelerator="tcg", stop_seconds=0.1, **changes))
    cloud.journal = directory / "journal"
    return cloud


async def _attach(cloud: EmbeddedCloud, server: Server) -> None:
    volume = await cloud.create_volume(ALICE, name="data", size_gib=0.1)
    await cloud.attach_volume(ALICE, server.id, volume.id)


def _act(action: ServerAction) -> Wish:
    return lambda cloud, server: cloud.act(ALICE, server.id, action)


VICTIMS: dict[str, tuple[str, tuple[Wish, ...], Wish | None]] = {
    "create": ("embedded.launch", (), None),
    "fail": ("embedded.launch", (), None),
    "delete": ("embedded.remove", (), lambda cloud, server: cloud.delete_server(ALICE, server.id)),
    "suspend": ("embedded.suspend", (), _act(ServerAction.SUSPEND)),
    "start": ("embedded.start", (_act(ServerAction.SUSPEND),), _act(ServerAction.START)),
    "resize": ("embedded.resize", (), lambda cloud, server: cloud.resize_server(ALICE, server.id, FlavorId("bigger"))),
    "save": ("embedded.save", (), lambda cloud, server: cloud.save_server(ALICE, server.id, "saved")),
    "attach": ("embedded.attach-volume", (), _attach),
}
"""The workflow that dies; what is done before; the wish, where it is not the creation itself."""


async def first_life(directory: Path, mode: str, kill_at: int | None, accepted: int) -> None:
    cloud = cloud_in(directory, mode)
    cloud.victim, before, wish = VICTIMS[mode]
    await cloud.open()
    await add_blank_image(cloud, directory)
    run = cloud._host.run
    wishes: list[str] = []

    async def recorded(name: str, workflow: str, **state: Any) -> None:
        wishes.append(workflow)
        if name == cloud.victim:
            cloud.point("wish recorded")
        await run(name, workflow, **state)

    cloud._host.run = recorded  # type: ignore[method-assign]  # a place to die that no step has
    cloud.kill_at = None if wish else kill_at
    made = await cloud.create_server(ALICE, ServerSpec("doomed", BLANK, FlavorId("small"), request_id="r"))
    for each in before:
        await each(cloud, await idle(cloud, made.id))
    if wish:
        made = await idle(cloud, made.id)
        cloud.kill_at = kill_at
        cloud.restart_counting()
        await wish(cloud, made)
    os.write(accepted, b"!")
    if kill_at is None:
        await asyncio.sleep(10)  # until somebody kills us
    await cloud._host.engine.wait(wishes[-1], 60)
    await cloud.close()


async def second_life(directory: Path, mode: str) -> dict[str, Any]:
    cloud = cloud_in(directory, mode)
    await cloud.open()
    try:
        found = list(await cloud.servers(ALICE))
        for each in found:
            await (gone if each.task == "deleting" else idle)(cloud, each.id)
        after = await look(cloud, directory)
        for each in await cloud.servers(ALICE):
            await cloud.delete_server(ALICE, each.id)
            await gone(cloud, each.id)
        for volume in await cloud.volumes(ALICE):
            await cloud.delete_volume(ALICE, volume.id)
        return {"after": after, "end": await look(cloud, directory)}
    finally:
        await cloud.close()
        await end_all(directory / "state")


async def look(cloud: EmbeddedCloud, directory: Path) -> dict[str, Any]:
    servers = await cloud.servers(ALICE, ServerQuery())
    state = directory / "state"
    return {
        "servers": [[each.state, each.fault] for each in servers],
        "flavors": [each.flavor.id for each in servers],
        "volumes": [each.state for each in await cloud.volumes(ALICE)],
        "images": len(list((state / "images").iterdir())),
        "saved": len(await cloud.images(ALICE)) - 1,
        "memory": len(list(state.glob("servers/*/memory"))),
        "addresses": [card.address for each in servers for card in each.interfaces],
        "events": [event.kind for event in await cloud.events()],
        "processes": len(running(state)),
        "directories": len(list((state / "servers").iterdir())),
        "parts": [path.name for path in state.rglob("*.part")],
        "used": (await cloud.quota(ALICE)).items["servers"].used,
    }


def in_child(life: Callable[[], Awaitable[Any]]) -> int:
    child = os.fork()
    if child:
        return child
    asyncio.run(life())  # type: ignore[arg-type]  # all of ours are coroutine functions
    os._exit(0)


def die_at(directory: Path, mode: str, kill_at: int | None, after_ms: int) -> int:
    """The first life's exit code; negative if it was killed."""
    reader, writer = os.pipe()
    child = in_child(lambda: first_life(directory, mode, kill_at, writer))
    os.close(writer)
    if kill_at is None:
        assert os.read(reader, 1) == b"!"
        time.sleep(after_ms / 1000)
        os.kill(child, signal.SIGKILL)
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def try_point(parent: Path, mode: str, kill_at: int | None, after_ms: int) -> bool:
    """Whether the first life was killed."""
    directory = parent / (f"point-{kill_at}" if kill_at is not None else f"after-{after_ms}")
    directory.mkdir()
    died = die_at(directory, mode, kill_at, after_ms)
    assert died in (0, -signal.SIGKILL), died
    journal = (directory / "journal").read_text().splitlines() if (directory / "journal").exists() else []
    seen = asyncio.run(second_life(directory, mode))
    point = journal[kill_at] if kill_at is not None and died else f"{after_ms} ms"
    print(json.dumps({"point": point, "died": died != 0, **seen}), flush=True)
    return died != 0


def main(parent: Path, mode: str, times: list[int]) -> None:
    for after_ms in times:
        try_point(parent, mode, None, after_ms)
    if not times:
        next(point for point in range(40) if not try_point(parent, mode, point, 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(each) for each in sys.argv[3:]])
