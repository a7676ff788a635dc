"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, for now or in part."""
    PROBLEM = "problem"
    """Nobody, or somebody wrong, gets in."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` names what was looked at; `next` is what to do, empty where nothing is."""

    state: State
    check: str
    detail: str
    next: str = ""


def ok(check: str, detail: str) -> Finding:
    return Finding(State.OK, check, detail)


def warning(check: str, detail: str, then: str) -> Finding:
    return Finding(State.WARNING, check, detail, then)


def problem(check: str, detail: str, then: str) -> Finding:
    return Finding(State.PROBLEM, check, detail, then)


def skipped(check: str, why: str, then: str = "") -> Finding:
    return Finding(State.SKIPPED, check, why, then)
