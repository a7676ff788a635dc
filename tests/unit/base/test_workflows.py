"""A workflow that was started ends: done, or undone, whatever happens to the process. On both engines."""

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.crashing import STEPS, World
from tests.support.schema import differences

from hansa.base.database import Database
from hansa.base.errors import CapacityExceeded
from hansa.base.migrations import upgrade
from hansa.base.workflows import Engine, Outcome, State, Status, Step, Workflow, store
from hansa.base.workflows.engine import DurableEngine


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await upgrade(database, "site")
    yield database
    database.close()


@pytest.fixture
async def engine(db: Database) -> AsyncIterator[DurableEngine]:
    durable = DurableEngine(db)
    yield durable
    await durable.close()


class Log:
    """Steps that write down what ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.begun: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def step(self, name: str, error: Exception | None = None, gate: asyncio.Event | None = None) -> Step:
        async def do(state: State) -> State:
            self.ran.append(name)
            self.begun[name].set()
            if gate:
                await gate.wait()
            if error:
                raise error
            return {name: len(state)}

        return Step(name, do, self.undo(f"undo {name}"))

    def undo(self, name: str) -> Callable[[State], Awaitable[None]]:
        async def run(state: State) -> None:
            self.ran.append(name)

        return run


async def run(engine: DurableEngine, workflow: Workflow, state: State | None = None) -> Outcome:
    engine.register(workflow)
    await engine.open()
    await engine.start(workflow.name, "1", state or {})
    return await engine.wait("1", timeout=20)


async def test_the_table_is_what_the_store_believes(db: Database) -> None:
    assert await differences(db, store.metadata) == []


async def test_steps_run_in_order_and_see_what_earlier_ones_returned(engine: DurableEngine) -> None:
    log = Log()
    outcome = await run(engine, Workflow("w", (log.step("a"), log.step("b"), log.step("c"))), {"input": "x"})
    assert log.ran == ["a", "b", "c"]
    assert outcome == Outcome(Status.DONE, {"input": "x", "a": 1, "b": 2, "c": 3})


async def test_a_refusal_undoes_that_step_and_all_before_it_in_reverse(engine: DurableEngine) -> None:
    log = Log()
    steps = (log.step("a"), log.step("b", CapacityExceeded("The disk is full.")), log.step("c"))
    outcome = await run(engine, Workflow("w", steps, log.undo("failed")))
    assert log.ran == ["a", "b", "undo b", "undo a", "failed"]
    assert (outcome.status, outcome.error_code, outcome.error_message) == (
        Status.FAILED,
        "capacity_exceeded",
        "The disk is full.",
    )
    assert outcome.state["error"] == {"code": "capacity_exceeded", "message": "The disk is full."}


@pytest.mark.parametrize("value", [object(), float("nan")])
async def test_a_bug_undoes_too_and_its_text_stays_inside(engine: DurableEngine, value: object) -> None:
    async def do(state: State) -> State:
        return {"not": value}

    outcome = await run(engine, Workflow("w", (Step("a", do),)))
    assert (outcome.status, outcome.error_code) == (Status.FAILED, "internal")
    assert "JSON" not in str(outcome.error_message)


async def test_steps_without_undo_are_skipped_on_the_way_back(engine: DurableEngine) -> None:
    log = Log()
    steps = (log.step("a"), Step("b", log.step("b").do), log.step("c", CapacityExceeded("no")))
    await run(engine, Workflow("w", steps))
    assert log.ran == ["a", "b", "c", "undo c", "undo a"]


async def test_an_undo_is_repeated_until_it_succeeds(engine: DurableEngine) -> None:
    attempts: list[int] = []

    async def undo(state: State) -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("busy")

    step = Step("a", Log().step("a", CapacityExceeded("no")).do, undo)
    outcome = await run(engine, Workflow("w", (step,)))
    assert outcome.status is Status.FAILED
    assert len(attempts) == 3


async def test_the_same_id_starts_once(engine: DurableEngine) -> None:
    log = Log()
    await run(engine, Workflow("w", (log.step("a"),)))
    await engine.start("w", "1", {"other": "input"})
    await asyncio.gather(*(engine.start("w", "2", {}) for _ in range(10)))
    assert (await engine.wait("1")).state == {"a": 0}
    await engine.wait("2")
    assert log.ran == ["a", "a"]


async def test_an_id_belongs_to_one_workflow(engine: DurableEngine) -> None:
    engine.register(Workflow("other", ()))
    await run(engine, Workflow("w", ()))
    with pytest.raises(ValueError, match="was started as w"):
        await engine.start("other", "1", {})


async def test_cancel_stops_before_the_next_step_and_undoes(engine: DurableEngine) -> None:
    log, gate = Log(), asyncio.Event()
    engine.register(Workflow("w", (log.step("a"), log.step("b", gate=gate), log.step("c")), log.undo("failed")))
    await engine.open()
    await engine.start("w", "1", {})
    await asyncio.sleep(0)
    await engine.cancel("1")
    gate.set()
    outcome = await engine.wait("1", timeout=20)
    assert (outcome.status, outcome.error_code) == (Status.CANCELLED, "cancelled")
    assert log.ran.index("undo a") > log.ran.index("a")
    assert log.ran[-1] == "failed"
    assert "c" not in log.ran


async def test_cancel_during_the_last_step_still_undoes_it(engine: DurableEngine) -> None:
    log, gate, begun = Log(), asyncio.Event(), asyncio.Event()

    async def do(state: State) -> None:
        begun.set()
        await gate.wait()

    engine.register(Workflow("w", (Step("a", do, log.undo("undo a")),)))
    await engine.open()
    await engine.start("w", "1", {})
    await begun.wait()
    await engine.cancel("1")
    gate.set()
    assert (await engine.wait("1", timeout=20)).status is Status.CANCELLED
    assert log.ran == ["undo a"]


async def test_cancel_of_what_has_ended_changes_nothing(engine: DurableEngine) -> None:
    await run(engine, Workflow("w", ()))
    await engine.cancel("1")
    await engine.cancel("unknown")
    assert (await engine.wait("1")).status is Status.DONE


async def test_waiting_has_an_end(engine: DurableEngine) -> None:
    gate = asyncio.Event()
    engine.register(Workflow("w", (Log().step("a", gate=gate),)))
    await engine.open()
    await engine.start("w", "1", {})
    with pytest.raises(TimeoutError):
        await engine.wait("1", timeout=0.05)
    with pytest.raises(KeyError):
        await engine.wait("unknown")
    gate.set()
    assert (await engine.wait("1", timeout=20)).status is Status.DONE


async def test_a_closed_engine_leaves_its_work_to_the_next(db: Database) -> None:
    first, second = Log(), Log()
    engine = DurableEngine(db)
    engine.register(Workflow("w", (first.step("a"), first.step("b", gate=asyncio.Event()), first.step("c"))))
    await engine.open()
    await engine.start("w", "1", {})
    await first.begun["b"].wait()
    await engine.close(grace=0.05)
    await engine.start("w", "2", {})

    following = DurableEngine(db)
    following.register(Workflow("w", (second.step("a"), second.step("b"), second.step("c"))))
    await following.open()
    outcomes = [await following.wait(workflow_id, timeout=20) for workflow_id in ("1", "2")]
    await following.close()
    assert [outcome.status for outcome in outcomes] == [Status.DONE, Status.DONE]
    assert sorted(second.ran) == ["a", "b", "b", "c", "c"]


async def test_what_was_recorded_in_a_transaction_starts_with_it_or_not_at_all(
    db: Database, engine: DurableEngine
) -> None:
    log = Log()
    engine.register(Workflow("w", (log.step("a"),)))
    await engine.open()

    def rolled_back(connection: Any) -> None:
        engine.record(connection, "w", "1", {})
        raise LookupError

    with pytest.raises(LookupError):
        await db.write(rolled_back)
    with pytest.raises(KeyError):
        await engine.wait("1")
    await db.write(lambda connection: engine.record(connection, "w", "2", {}))
    await engine.start("w", "2", {})
    assert (await engine.wait("2", timeout=20)).status is Status.DONE
    assert log.ran == ["a"]


async def test_a_new_release_may_add_a_step(db: Database) -> None:
    first, second = Log(), Log()
    engine = DurableEngine(db)
    engine.register(Workflow("w", (first.step("a"), first.step("b", gate=asyncio.Event()))))
    await engine.open()
    await engine.start("w", "1", {})
    await first.begun["b"].wait()
    await engine.close(grace=0)
    outcome = await run(
        newer := DurableEngine(db), Workflow("w", (second.step("a"), second.step("a2"), second.step("b")))
    )
    await newer.close()
    assert outcome.status is Status.DONE
    assert second.ran == ["a2", "b"]


async def test_a_dead_nodes_work_is_taken_up_when_its_lease_has_run_out(db: Database) -> None:
    """The other node is an engine that lost its lease without noticing: it stalls in a step."""
    stalled, log = Log(), Log()
    first, second = DurableEngine(db, lease=0.4), DurableEngine(db, lease=0.4)
    first.register(Workflow("w", (stalled.step("a", gate=asyncio.Event()),)))
    second.register(Workflow("w", (log.step("a"),)))
    await first.open()
    await first.start("w", "1", {})
    await second.open()
    await stalled.begun["a"].wait()
    assert first._keeper
    first._keeper.cancel()
    outcome = await second.wait("1", timeout=20)
    await second.close()
    await first.close(grace=0)
    assert (outcome.status, log.ran) == (Status.DONE, ["a"])


async def test_engines_on_two_nodes_do_not_both_run_a_workflow(db: Database) -> None:
    log = Log()
    engines = [DurableEngine(db, lease=30) for _ in range(2)]
    for engine in engines:
        engine.register(Workflow("w", (log.step("a"), log.step("b"))))
        await engine.open()
    ids = [str(n) for n in range(30)]
    await asyncio.gather(*(engine.start("w", workflow_id, {}) for workflow_id in ids for engine in engines))
    outcomes = await asyncio.gather(*(engines[1].wait(workflow_id, timeout=60) for workflow_id in ids))
    for engine in engines:
        await engine.close()
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    assert len(log.ran) == 60


async def crashing(url: str, directory: Path, mode: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.support.crashing", url, str(directory), mode]
    program = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await program.communicate()
    assert program.returncode == 0
    return [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]


async def test_a_step_that_kills_every_server_is_held_guilty(database_url: str, tmp_path: Path) -> None:
    (result,) = await crashing(database_url, tmp_path, "always")
    assert result == {"outcome": "failed internal", "files": [], "lives": 5}


async def test_a_neighbour_takes_over_from_a_killed_process_without_waiting_for_its_lease(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    neighbour = DurableEngine(db, lease=1.0)  # looks around four times a second; the killed one's lease is 20 s
    neighbour.register(World(tmp_path / "w0", None, "neighbour").workflow())
    await neighbour.open()
    await crashing(database_url, tmp_path, "once")
    outcome = await neighbour.wait("w0", timeout=15)
    await neighbour.close()
    assert outcome.status is Status.DONE
    journal = (tmp_path / "w0/journal").read_text().splitlines()
    assert journal[3:5] == ["first disk ends", "neighbour disk begins"]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ok", "fail", "cancel"])
async def test_killed_at_any_point_it_ends_and_leaves_nothing_half_made(
    database_url: str, tmp_path: Path, mode: str
) -> None:
    runs = await crashing(database_url, tmp_path, mode)
    assert len(runs) > (1 if mode == "cancel" else 2 * len(STEPS))
    assert not runs[-1]["died"]
    expected = {"ok": "done None", "fail": "failed quota_exceeded", "cancel": "cancelled cancelled"}[mode]
    for point, result in enumerate(runs):
        assert result["outcome"] == expected or (mode == "cancel" and result["outcome"] == "done None"), (point, result)
        assert result["files"] == ([] if "done" not in result["outcome"] else sorted(STEPS)), (point, result)
        ended = [entry.split(" ", 1)[1] for entry in result["journal"] if entry.endswith("ends")]
        repeated = len(ended) - len(set(ended))
        assert repeated <= 1, (point, result)  # only the step at which it died


def test_the_engine_is_an_engine(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'x.db'}")
    engine: Engine = DurableEngine(db)
    with pytest.raises(ValueError, match="twice"):
        engine.register(Workflow("w", (Log().step("a"), Log().step("a"))))
    db.close()


async def test_what_ended_long_ago_is_forgotten(db: Database, engine: DurableEngine) -> None:
    await run(engine, Workflow("w", ()))
    assert await db.write(lambda connection: store.forget(connection, 3600)) == 0
    assert await db.write(lambda connection: store.forget(connection, -1)) == 1
    with pytest.raises(KeyError):
        await engine.wait("1")
