"""Durable workflows: what they add to the work of their steps, on SQLite in a file (docs/decisions/0002-workflows.md)."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.result import Result
from hansa.base.database import Database
from hansa.base.migrations import upgrade
from hansa.base.workflows import State, Step, Workflow
from hansa.base.workflows.engine import DurableEngine

ROUNDS = 100
AT_ONCE = 200
AIM = 15.0
"""Milliseconds of the 150 that creating a machine may cost above bare QEMU."""


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory)))


async def _measure(directory: Path) -> list[Result]:
    db = Database(f"sqlite:///{directory / 'bench.db'}")
    await upgrade(db, "site")
    engine = DurableEngine(db)
    for count in (1, 5):
        engine.register(Workflow(f"steps{count}", tuple(Step(f"step{n}", _nothing) for n in range(count))))
    await engine.open()
    one, five = await _latency(engine, "steps1"), await _latency(engine, "steps5")
    began = time.perf_counter()
    await asyncio.gather(*(_through(engine, "steps5", f"crowd-{n}") for n in range(AT_ONCE)))
    crowd = time.perf_counter() - began
    await engine.close()
    db.close()
    return [
        Result("five steps, start to outcome", five, "ms", AIM, f"median of {ROUNDS}"),
        Result("each further step", (five - one) / 4, "ms"),
        Result(f"{AT_ONCE} workflows of five steps at once", crowd, "s"),
    ]


async def _latency(engine: DurableEngine, workflow: str) -> float:
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        await _through(engine, workflow, f"{workflow}-{number}")
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


async def _through(engine: DurableEngine, workflow: str, workflow_id: str) -> None:
    await engine.start(workflow, workflow_id, {})
    await engine.wait(workflow_id)


async def _nothing(state: State) -> State:
    return {"n": len(state)}
