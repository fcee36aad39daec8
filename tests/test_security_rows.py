"""The security faults of the system before this one: each has a test that is named after it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = {
    "b1": "the stream took events from anybody",
    "b2": "changing an effect asked for what it was, not for what it would be",
    "b3": "effects of user rules were found without their workflow",
    "b4": "promotions and addresses could point anywhere",
    "b5": "of a collection only the first project counted",
    "b6": "passwords of effects were shown and kept in clear",
    "b7": "names that clients give became classes",
    "b7a": "garbage for a token asked Panoptes, and tokens were kept and logged in clear",
    "b7b": "a token that Panoptes no longer knows had every public project",
    "b7c": "the page to return to stayed, and other sites could begin a sign-in",
}
CALLS_OUT = {
    "requests",
    "requests_hardened",
    "urllib3",
    "http",
    "httpx",
    "aiohttp",
    "socket",
    "boto3",
}
KNOWN = {
    "caesar_web/external/": "the guarded client itself, and SQS at the environment's address",
    "caesar_web/panoptes/": "calls Panoptes alone, at the address in the settings",
    "caesar_web/storage/": "the bucket that the settings name",
    "caesar_web/standin/": "plays Panoptes, on this machine",
    "caesar_web/processes.py": "asks the demo's own processes whether they run",
    "caesar_web/supervisor.py": "looks for a free port on this machine",
}


@pytest.fixture(scope="module")
def names() -> list[str]:
    """The names of all tests."""
    return [
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_test(row: str, names: list[str]) -> None:
    assert [name for name in names if name.startswith(f"test_{row}_")], ROWS[row]


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{each.name}" for each in node.names)


def calls_out(path: Path) -> set[str]:
    names = set(imported(ast.parse(path.read_text("utf-8"))))
    return {
        name
        for name in names
        if name.partition(".")[0] in CALLS_OUT or name.startswith("urllib.request")
    }


def test_b4_addresses_that_people_give_are_only_called_by_the_guarded_client() -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for path in (ROOT / "caesar_web").rglob("*.py")
        if (names := calls_out(path))
    }
    assert any(name.startswith("caesar_web/external/") for name in found)
    unknown = {name: names for name, names in found.items() if not name.startswith(tuple(KNOWN))}
    assert unknown == {}
    unused = [known for known in KNOWN if not any(name.startswith(known) for name in found)]
    assert unused == []


def test_what_calls_out_is_found(tmp_path: Path) -> None:
    module = tmp_path / "sly.py"
    module.write_text("def sly():\n    from urllib.request import urlopen\n    import requests\n")
    assert calls_out(module) == {"urllib.request", "urllib.request.urlopen", "requests"}
    module.write_text("from urllib import request\nfrom urllib.parse import urlsplit\n")
    assert calls_out(module) == {"urllib.request"}
