"""Benchmarks: each module `bench_*` measures one thing in `run() -> list[Result]`. Run them with `python -m benchmarks`."""
