"""`make bench`: measures the scenarios, prints a table, and keeps the numbers as JSON."""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

import orjson

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


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the throughput of the engine.")
    parser.add_argument("scenarios", nargs="*", default=list(GOALS), metavar="scenario")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    results = []
    for scenario in chosen.scenarios:
        if scenario not in GOALS:
            parser.error(f"unknown scenario {scenario}; known: {', '.join(GOALS)}")
        print(f"Measuring {scenario} ...", flush=True)
        with tempfile.TemporaryDirectory(prefix="caesar-bench-") as folder:
            results.append(measure(scenario, chosen.seed, Path(folder)))
    print(f"\n{machine()}\n\n{table(results)}")
    RESULTS.mkdir(exist_ok=True)
    numbers = {"machine": machine(), "results": [asdict(result) for result in results]}
    (RESULTS / "throughput.json").write_bytes(orjson.dumps(numbers, option=orjson.OPT_INDENT_2))
    for result in results:
        if result.to_last_action_per_second < result.goal_per_second:
            print(f"{result.scenario} misses its goal of {result.goal_per_second}/s here.")


def table(results: list[Measured]) -> str:
    """The numbers side by side, one scenario a row."""
    rows = [list(COLUMNS.values())]
    rows += [[str(getattr(result, name)) for name in COLUMNS] for result in results]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


if __name__ == "__main__":
    main()
