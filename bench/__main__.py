"""`make bench`: measures the scenarios and the pages, prints tables, keeps the numbers as JSON."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from bench import exports, pages, running
from bench.throughput import GOALS, Measured, machine, measure

RESULTS = Path(__file__).parent / "results"
COLUMNS = {
    "scenario": "scenario",
    "taken_in_per_second": "taken in/s",
    "to_last_action_per_second": "to last action/s",
    "goal_per_second": "goal/s",
    "actions": "actions",
    "statements_at_10": "statements, 10",
    "statements_at_500": "statements, 500",
    "worker_megabytes": "worker MB",
    "web_megabytes": "web MB",
}
PAGES, EXPORTS, RUNNING = "pages", "exports", "running"
PAGE_COLUMNS = {
    "page": "page",
    "median": "median ms",
    "worst": "worst ms",
    "goal": "goal ms",
    "statements": "statements",
    "kilobytes": "kB",
}
KNOWN = [*GOALS, PAGES, EXPORTS, RUNNING]
EXPORT_COLUMNS = {
    "database": "database",
    "export": "export",
    "rows": "rows",
    "rows_per_second": "rows/s",
    "megabytes": "MB",
    "worker_megabytes": "worker MB",
    "longest_step": "longest step s",
}
RUNNING_COLUMNS = {
    "reducers": "reducers",
    "extracts": "extracts",
    "median": "median ms",
    "worst": "worst ms",
    "rows": "rows",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the throughput, the pages and exports.")
    parser.add_argument("scenarios", nargs="*", default=KNOWN, metavar="scenario")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    for scenario in chosen.scenarios:
        if scenario not in KNOWN:
            parser.error(f"unknown scenario {scenario}; known: {', '.join(KNOWN)}")
    if scenarios := [one for one in chosen.scenarios if one in GOALS]:
        _measure_throughput(scenarios, chosen.seed)
    if PAGES in chosen.scenarios:
        _measure_pages()
    if EXPORTS in chosen.scenarios:
        _measure_exports()
    if RUNNING in chosen.scenarios:
        print("Measuring running mode ...", flush=True)
        _tell(RUNNING, running.measure(), RUNNING_COLUMNS)


def _measure_throughput(scenarios: Sequence[str], seed: int) -> None:
    results: list[Measured] = []
    for scenario in scenarios:
        print(f"Measuring {scenario} ...", flush=True)
        with tempfile.TemporaryDirectory(prefix="caesar-bench-") as folder:
            results.append(measure(scenario, seed, Path(folder)))
    _tell("throughput", results, COLUMNS)
    for result in results:
        if result.to_last_action_per_second < result.goal_per_second:
            print(f"{result.scenario} misses its goal of {result.goal_per_second}/s here.")


def _measure_pages() -> None:
    print("Measuring pages ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="caesar-bench-") as folder:
        results = pages.measure(Path(folder))
    _tell(PAGES, results, PAGE_COLUMNS)
    for result in results:
        if result.median > result.goal:
            print(f"The page {result.page} misses its goal of {result.goal} ms here.")


def _measure_exports() -> None:
    print("Measuring exports ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="caesar-bench-") as folder:
        results = exports.measure(Path(folder))
    _tell(EXPORTS, results, EXPORT_COLUMNS)
    for result in results:
        if result.worker_megabytes > exports.MOST_MEGABYTES:
            print(f"{result.export} takes more than {exports.MOST_MEGABYTES} MB here.")


def _tell(name: str, results: Sequence[Any], columns: Mapping[str, str]) -> None:
    """Prints the results, and keeps them."""
    print(f"\n{machine()}\n\n{table(results, columns)}")
    RESULTS.mkdir(exist_ok=True)
    numbers = {"machine": machine(), "results": [asdict(result) for result in results]}
    (RESULTS / f"{name}.json").write_bytes(orjson.dumps(numbers, option=orjson.OPT_INDENT_2))


def table(results: Sequence[Any], columns: Mapping[str, str]) -> str:
    """The numbers side by side, one result a row."""
    rows = [list(columns.values())]
    rows += [[str(getattr(result, name)) for name in columns] for result in results]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


if __name__ == "__main__":
    main()
