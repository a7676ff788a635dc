"""A program that kills itself at every line of a workflow in turn, starts again, and prints what became of it.

    python -m tests.support.crashing DATABASE_URL DIRECTORY ok|fail|cancel|always|once

For kill points 0, 1, 2 ... until a run survives: a child process runs workflow `w<point>` and dies by SIGKILL at that point;
a second child, standing for the restarted server, opens the engine and waits for the outcome. Things that steps make are files.
One JSON line for each point: status, the files that are left, and the journal of what ran in which life.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from hansa.base.database import Database
from hansa.base.errors import QuotaExceeded
from hansa.base.migrations import upgrade
from hansa.base.workflows import State, Step, Workflow
from hansa.base.workflows.engine import DurableEngine

STEPS = ("reserve", "disk", "network", "boot")


class World:
    """Files made by steps, and the point where this life ends."""

    def __init__(self, directory: Path, kill_at: int | str | None, life: str) -> None:
        self.directory = directory
        self.journal = directory / "journal"
        self.kill_at = kill_at
        self.life = life
        self.points = count()

    def point(self, what: str) -> None:
        with self.journal.open("a") as journal:
            journal.write(f"{self.life} {what}\n")
        if self.kill_at in (next(self.points), what):
            os.kill(os.getpid(), signal.SIGKILL)

    def do(self, name: str, *, fails: bool) -> Callable[[State], Awaitable[State]]:
        async def run(state: State) -> State:
            assert all(earlier in state for earlier in STEPS[: STEPS.index(name)])
            self.point(f"{name} begins")
            (self.directory / name).touch()
            self.point(f"{name} ends")
            if fails:
                raise QuotaExceeded("There is no room.")
            return {name: True}

        return run

    def undo(self, name: str) -> Callable[[State], Awaitable[None]]:
        async def run(state: State) -> None:
            self.point(f"undo {name} begins")
            (self.directory / name).unlink(missing_ok=True)
            self.point(f"undo {name} ends")

        return run

    def workflow(self, *, fails: bool = False) -> Workflow:
        steps = (Step(name, self.do(name, fails=fails and name == "boot"), self.undo(name)) for name in STEPS)
        return Workflow("crashing", tuple(steps), self.failed)

    async def failed(self, state: State) -> None:
        self.point(f"failed {state['error']['code']}")


async def live(url: str, directory: Path, mode: str, kill_at: int | str | None, life: str) -> None:
    world = World(directory, kill_at, life)
    db = Database(url)
    engine = DurableEngine(db)
    engine.register(world.workflow(fails=mode == "fail"))
    await engine.open()
    await engine.start("crashing", directory.name, {})
    if mode == "cancel":
        await engine.cancel(directory.name)
    outcome = await engine.wait(directory.name, timeout=20)
    await engine.close()
    db.close()
    (directory / "outcome").write_text(f"{outcome.status} {outcome.error_code}")


def in_child(url: str, directory: Path, mode: str, kill_at: int | str | None, life: str) -> int:
    child = os.fork()
    if child == 0:
        asyncio.run(live(url, directory, mode, kill_at, life))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def prepare(url: str) -> None:
    db = Database(url)
    await upgrade(db, "site")
    db.close()


def dies_always(url: str, parent: Path) -> None:
    """Every life dies over the second step, until the engine holds it guilty."""
    directory = parent / "w0"
    directory.mkdir()
    lives = 0
    while in_child(url, directory, "ok", "disk ends", "first") and lives < 20:
        lives += 1
    files = sorted(name for name in STEPS if (directory / name).exists())
    print(json.dumps({"outcome": (directory / "outcome").read_text(), "files": files, "lives": lives}), flush=True)


def main(url: str, parent: Path, mode: str) -> None:
    for point in range(40):
        directory = parent / f"w{point}"
        directory.mkdir()
        first = in_child(url, directory, mode, point, "first")
        second = in_child(url, directory, mode, None, "second") if first == -signal.SIGKILL else 0
        files = sorted(name for name in STEPS if (directory / name).exists())
        journal = (directory / "journal").read_text().splitlines()
        outcome = (directory / "outcome").read_text() if second == 0 else f"exit {second}"
        print(json.dumps({"outcome": outcome, "files": files, "journal": journal, "died": first != 0}), flush=True)
        if first == 0:
            return


if __name__ == "__main__":
    url, parent, mode = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    asyncio.run(prepare(url))
    if mode == "always":
        dies_always(url, parent)
    elif mode == "once":
        (parent / "w0").mkdir()
        in_child(url, parent / "w0", "ok", "disk ends", "first")
    else:
        main(url, parent, mode)
