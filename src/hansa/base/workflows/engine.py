"""The engine: drives workflows step by step and writes each step down in the database before the next.

Several engines may share a database, in one process or on several nodes (PostgreSQL): a workflow is driven by the one
that holds its lease, and when that one dies another takes it up. An engine that stalls longer than its lease may find
its workflow taken; it notices at the next write at the latest and lets go, so a step can then overlap with its repetition.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BackendDown, CapacityExceeded, HansaError
from hansa.base.telemetry import metrics
from hansa.base.workflows import Outcome, State, Status, Step, Workflow, owner, store
from hansa.base.workflows.store import Lease, Record

LEASE_SECONDS = 20.0
POLL_SECONDS = 0.2  # how often `wait` looks at a workflow that another node drives
SWEEP_SECONDS = 3600.0
KEPT = timedelta(days=30)  # how long the outcome of an ended workflow is remembered
INTERNAL = "Something went wrong inside; the operator finds the cause in the log."
CANCELLED = "It was cancelled."
CRASHES = 5  # after so many deaths over one step the step is held guilty, or no start would ever succeed
CRASHED = "The server has died repeatedly while working on this; the operator finds the cause in the log."

log = structlog.stdlib.get_logger(__name__)


class LeaseLost(Exception):
    """Another engine drives this workflow now."""


class DurableEngine:
    """`hansa.base.workflows.Engine` on a migrated database. `start` may come before `open` and during `close`: such
    workflows are recorded and run by the next engine that opens.

    A step that raises something else than HansaError fails the workflow with the code `internal`. Undos and
    `finally_failed` are repeated until they succeed.
    """

    def __init__(self, db: Database, *, lease: float = LEASE_SECONDS) -> None:
        self._db = db
        self._lease = Lease(owner.name(), lease)
        self._workflows: dict[str, Workflow] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._open = False

    def register(self, workflow: Workflow) -> None:
        names = [step.name for step in workflow.steps]
        if workflow.name in self._workflows or len(set(names)) < len(names):
            raise ValueError(f"workflow {workflow.name} or one of its steps has a name twice")
        self._workflows[workflow.name] = workflow

    async def open(self) -> None:
        self._open = True
        await self._sweep()
        await self._take_up()
        self._keeper = asyncio.create_task(self._keep())

    async def start(self, workflow: str, workflow_id: str, state: State) -> None:
        record = self._new(workflow, workflow_id, state)
        lease = self._lease if self._open else None
        mine = await self._db.write(lambda connection: store.add(connection, record, lease))
        if mine and self._open:
            self._spawn(mine)
        elif mine:  # closed meanwhile: the next engine need not wait for our lease
            await self._db.write(lambda connection: store.release(connection, self._lease))

    def record(self, connection: Connection, workflow: str, workflow_id: str, state: State) -> None:
        """Make starting part of the caller's own transaction. `await start(...)` with the same id afterwards runs it
        at once; if the process dies in between, it runs at the next `open`."""
        store.add(connection, self._new(workflow, workflow_id, state), None)

    async def wait(self, workflow_id: str, timeout: float | None = None) -> Outcome:
        async with asyncio.timeout(timeout):
            while True:
                record = await self._db.read(lambda connection: store.load(connection, workflow_id))
                if record is None:
                    raise KeyError(workflow_id)
                if not record.unfinished:
                    return Outcome(record.status, record.state, record.error_code, record.error_message)
                task = self._tasks.get(workflow_id)
                if task:
                    await asyncio.wait([task])
                else:
                    await asyncio.sleep(POLL_SECONDS)

    async def cancel(self, workflow_id: str) -> None:
        await self._db.write(lambda connection: store.cancel(connection, workflow_id))

    async def close(self, grace: float = 10.0) -> None:
        self._open = False
        if self._keeper:
            await _stop(self._keeper)
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            await _stop(task)
        await self._db.write(lambda connection: store.release(connection, self._lease))

    def _new(self, workflow: str, workflow_id: str, state: State) -> Record:
        return Record(workflow_id, self._workflows[workflow].name, _json(state))

    def _spawn(self, record: Record) -> None:
        task = asyncio.create_task(self._drive(record), name=f"workflow {record.id}")
        self._tasks[record.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(record.id, None))

    async def _keep(self) -> None:
        """Renew our leases, take up what dead engines left, forget what ended long ago."""
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while True:
            await asyncio.sleep(self._lease.seconds / 4)
            try:
                await self._renew()
                await self._take_up()
                if loop.time() - swept > SWEEP_SECONDS:
                    swept = loop.time()
                    await self._sweep()
            except (BackendDown, CapacityExceeded) as error:
                log.warning("workflow.database_away", error=error.message)
            except Exception:
                log.exception("workflow.keeper_failed")

    async def _sweep(self) -> None:
        await self._db.write(partial(store.forget, seconds=KEPT.total_seconds()))

    async def _renew(self) -> None:
        ids = list(self._tasks)
        if not ids:
            return
        kept = await self._db.write(lambda connection: store.renew(connection, ids, self._lease))
        for workflow_id in self._tasks.keys() & set(ids) - kept:
            log.warning("workflow.lease_lost", workflow_id=workflow_id)
            self._tasks[workflow_id].cancel()

    async def _take_up(self) -> None:
        names = list(self._workflows)
        is_dead = partial(owner.is_dead, one_host=self._db.is_sqlite)
        busy = list(self._tasks)
        for record in await self._db.write(
            lambda connection: store.claim(connection, names, busy, self._lease, is_dead)
        ):
            log.info("workflow.resumed", workflow=record.name, workflow_id=record.id, done=record.done)
            self._spawn(record)

    async def _drive(self, record: Record) -> None:
        """Until it has ended, or the engine closes: then after the step at hand."""
        workflow = self._workflows[record.name]
        try:
            while self._open and record.unfinished:
                await (self._forward if record.status is Status.RUNNING else self._backward)(workflow, record)
                await self._save(record)
            if not record.unfinished:
                metrics.workflows.labels(record.name, record.status.value).inc()
        except LeaseLost:
            log.warning("workflow.lease_lost", workflow=record.name, workflow_id=record.id)
        except Exception:  # ours to mend, not the step's: it is taken up again when its lease has run out
            log.exception("workflow.engine_failed", workflow=record.name, workflow_id=record.id)

    async def _forward(self, workflow: Workflow, record: Record) -> None:
        step = next((step for step in workflow.steps if step.name not in record.done), None)
        if record.cancelled:
            # The next step may have begun before a crash: its undo runs too, and copes if it had not.
            _fail(record, step, "cancelled", CANCELLED)
            return
        if step is None:
            record.status = Status.DONE
            return
        if record.crashes >= CRASHES:
            log.error("workflow.poisonous", workflow=record.name, workflow_id=record.id, step=step.name)
            _fail(record, step, "internal", CRASHED)
            return
        try:
            with metrics.workflow_step_seconds.labels(workflow.name, step.name).time():
                record.state.update(_json(await step.do(dict(record.state)) or {}))
        except HansaError as error:
            log.info(
                "workflow.step_failed", workflow=record.name, workflow_id=record.id, step=step.name, error=error.message
            )
            _fail(record, step, error.code, error.message)
        except Exception:
            log.exception("workflow.step_failed", workflow=record.name, workflow_id=record.id, step=step.name)
            _fail(record, step, "internal", INTERNAL)
        else:
            record.done.append(step.name)
            if len(record.done) >= len(workflow.steps) and workflow.steps[-1] is step:
                record.status = Status.DONE

    async def _backward(self, workflow: Workflow, record: Record) -> None:
        undos = {step.name: step.undo for step in workflow.steps}
        while record.done and not undos.get(record.done[-1]):
            record.done.pop()
        undo = undos.get(record.done[-1]) if record.done else workflow.finally_failed
        if undo:
            await self._insist(undo, record)
        if record.done:
            record.done.pop()
        else:
            record.status = Status.CANCELLED if record.error_code == "cancelled" else Status.FAILED

    async def _insist(self, undo: Callable[[State], Awaitable[None]], record: Record) -> None:
        """Repeat an undo until it succeeds: giving up would leave an orphan that nobody sees."""
        pause = 0.1
        while True:
            try:
                return await undo(dict(record.state))
            except Exception:  # whatever is wrong now may be mended by then
                metrics.workflow_undo_failures.labels(record.name).inc()
                log.exception("workflow.undo_failed", workflow=record.name, workflow_id=record.id, done=record.done)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 60.0)

    async def _save(self, record: Record) -> None:
        """Write progress down, for as long as the database is away."""
        pause = 0.1
        while True:
            try:
                saved = await self._db.write(lambda connection: store.save(connection, record, self._lease))
            except (BackendDown, CapacityExceeded) as error:
                log.warning("workflow.database_away", workflow_id=record.id, error=error.message)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 10.0)
                continue
            if saved is None:
                raise LeaseLost
            record.status, record.cancelled = saved
            record.crashes = 0
            return


def _fail(record: Record, step: Step | None, code: str, message: str) -> None:
    record.status = Status.UNDOING
    record.error_code, record.error_message = code, message
    record.state["error"] = {"code": code, "message": message}
    if step:
        record.done.append(step.name)


def _json(state: State) -> dict[str, object]:
    """As it would be read back after a crash, so that no step sees more than a repeated one. TypeError if it is not JSON."""
    read_back: dict[str, object] = json.loads(json.dumps(dict(state), allow_nan=False))
    return read_back


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
