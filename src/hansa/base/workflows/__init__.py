"""Durable workflows: a table of named steps, each with its undo beside it.

A workflow that was started survives a crash of the process at any line: after a restart it goes on with the first step
that is not recorded as done. A step may therefore run twice and must be idempotent. When a step fails for good, the
undos of that step and of all steps before it run in reverse order; a step's undo must also cope with the step never
having run.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Json = Any
State = Mapping[str, Json]
"""What a workflow knows: its input and what its steps returned, JSON values only."""


@dataclass(frozen=True, slots=True)
class Step:
    """`do` gets the state so far and returns what it adds; raising `HansaError` fails the workflow for good."""

    name: str
    do: Callable[[State], Awaitable[State | None]]
    undo: Callable[[State], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """`finally_failed` runs once after all undos, with the code and sentence of the failure in `state["error"]`."""

    name: str
    steps: tuple[Step, ...]
    finally_failed: Callable[[State], Awaitable[None]] | None = None


class Status(StrEnum):
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    state: State
    error_code: str | None = None
    error_message: str | None = None


class Engine(Protocol):
    """Runs workflows of one process. Registered workflows keep their name for ever: recovery finds them by it."""

    def register(self, workflow: Workflow) -> None: ...

    async def open(self) -> None:
        """Take up every unfinished workflow of this process's database. Call after all `register`."""

    async def start(self, workflow: str, workflow_id: str, state: State) -> None:
        """Durable once it returns. Starting the same id again is a no-op."""

    async def wait(self, workflow_id: str, timeout: float | None = None) -> Outcome:
        """The outcome; TimeoutError if it takes longer than `timeout` seconds. KeyError for an unknown id."""

    async def cancel(self, workflow_id: str) -> None:
        """Stop before the next step and undo what was done. No-op when it has ended."""

    async def close(self, grace: float = 10.0) -> None:
        """Let running steps end for up to `grace` seconds; the rest goes on at the next `open`."""
