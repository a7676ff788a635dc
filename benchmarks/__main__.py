"""Run every benchmark, or those whose names are given: `python -m benchmarks [NAME ...]`."""

import importlib
import json
import pkgutil
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import benchmarks
from benchmarks.result import Result

OUTPUT = Path("var/bench.json")
_PREFIX = "bench_"


def main(names: list[str]) -> None:
    found = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name.startswith(_PREFIX)]
    wanted = [name for name in found if not names or name.removeprefix(_PREFIX) in names]
    results: dict[str, list[Result]] = {}
    for name in wanted:
        results[name] = importlib.import_module(f"benchmarks.{name}").run()
        show(name, results[name])
    save(results)


def show(name: str, results: list[Result]) -> None:
    print(f"\n{name.removeprefix(_PREFIX)}")
    width = max((len(result.name) for result in results), default=0)
    for result in results:
        target = "" if result.target is None else f"(aim: {result.target:g})"
        print(f"  {result.name:<{width}}  {result.value:>10.3f} {result.unit:<6} {target:<14} {result.note}".rstrip())


def save(results: dict[str, list[Result]]) -> None:
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "results": {name: [asdict(result) for result in found] for name, found in results.items()},
    }
    OUTPUT.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


main(sys.argv[1:])
