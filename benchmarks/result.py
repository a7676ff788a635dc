"""What a benchmark hands back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number; `target` is what the project aims at, None where there is no aim."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""
