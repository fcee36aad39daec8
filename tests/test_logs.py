"""Logs: a line for each entry whatever is in it, ids of what it is about, and nobody's answers."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from caesar_web import logs
from tests.conftest import plain_config

FORGED = (
    'one\n2026-01-01 ERROR root: forged\r\x1b[2Jtwo\u2028three\x85four\x00", "level": "CRITICAL'
)
ANSWER = "a volunteer's answer"
DEVELOPMENT, PRODUCTION = "development", "production"


def entry(message: str, *arguments: object, problem: BaseException | None = None) -> Any:
    """What a logger makes of an error."""
    about = None if problem is None else (type(problem), problem, problem.__traceback__)
    return logging.getLogger("caesar_web.of_tests").makeRecord(
        "caesar_web.of_tests", logging.ERROR, "file", 1, message, arguments, about
    )


def written(log_format: str, made: Any, environment: str = PRODUCTION) -> str:
    config = plain_config(log_format=log_format, environment=environment)
    return logs.formatter(config).format(made)


def as_json(made: Any, environment: str = PRODUCTION) -> dict[str, Any]:
    line = written("json", made, environment)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    found: dict[str, Any] = json.loads(line)
    return found


def raised(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except Exception as problem:
        return problem
    raise AssertionError("nothing was raised")


def fail(problem: Exception, cause: Exception | None = None) -> BaseException:
    """The exception with a traceback."""

    def act() -> None:
        if cause is None:
            raise problem
        try:
            raise cause
        except Exception as first:
            raise problem from first

    return raised(act)


def test_an_entry_as_json() -> None:
    with logs.bound(workflow=12, run=3, job="abc", subject=None):
        found = as_json(entry("a turn of workflow %s failed", 12))
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "ERROR",
        "logger": "caesar_web.of_tests",
        "message": "a turn of workflow 12 failed",
        "workflow": 12,
        "run": 3,
        "job": "abc",
    }


def test_an_entry_as_text() -> None:
    with logs.bound(workflow=12, request="abcdefgh"):
        line = written("text", entry("it failed"))
    _, _, rest = line.partition(" ")
    assert rest == "ERROR caesar_web.of_tests: workflow=12 request=abcdefgh it failed"


@pytest.mark.parametrize("environment", [DEVELOPMENT, PRODUCTION])
def test_no_text_begins_a_line_of_its_own(environment: str) -> None:
    found = as_json(entry("%s", FORGED), environment)
    assert (found["message"], found["level"]) == (FORGED, "ERROR")
    assert len(written("text", entry("%s", FORGED), environment).splitlines()) == 1
    made = entry("it failed", problem=fail(OSError(FORGED)))
    assert as_json(made, environment)["exception"]
    first, *rest = written("text", made, environment).splitlines()
    assert first.endswith("ERROR caesar_web.of_tests: it failed")
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_what_is_no_text_is_written_too() -> None:
    assert as_json(entry("%s", "\ud800"))["message"] == "\ud800"


def test_blocks_name_ids_and_end() -> None:
    with logs.bound(job="abc"):
        with logs.bound(workflow=1):
            logs.bind(subject=5)
            assert logs.ids() == {"job": "abc", "workflow": 1, "subject": 5}
        assert logs.ids() == {"job": "abc"}
    with pytest.raises(LookupError), logs.bound(job="abc"):
        raise LookupError
    assert logs.ids() == {}


def test_threads_have_ids_of_their_own() -> None:
    found: list[dict[str, Any]] = []
    with logs.bound(job="abc"):
        thread = threading.Thread(target=lambda: found.append(logs.ids()))
        thread.start()
        thread.join()
    assert found == [{}]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_in_production_exceptions_do_not_quote_answers(log_format: str) -> None:
    problem = fail(KeyError(ANSWER), ValueError(ANSWER))
    line = written(log_format, entry("it failed", problem=problem))
    assert ANSWER not in line
    for told in ("KeyError", "ValueError", "test_logs.py", "raise problem from first"):
        assert told in line
    assert line.index("ValueError") < line.index("KeyError")
    assert ANSWER in written(log_format, entry("it failed", problem=problem), DEVELOPMENT)


def test_exceptions_that_never_quote_answers_are_told() -> None:
    away = OperationalError("SELECT 1", {}, Exception("the server closed the connection"))
    assert "the server closed the connection" in as_json(entry("", problem=away))["exception"]
    assert "[Errno 2]" in as_json(entry("", problem=FileNotFoundError(2, "no file")))["exception"]


def test_the_rows_in_details_of_postgresql_are_left_out() -> None:
    detail = f"null value in a column\nDETAIL:  Failing row contains (1, {ANSWER})."
    told = as_json(entry("", problem=IntegrityError("INSERT", {}, Exception(detail))))["exception"]
    assert "null value in a column" in told
    assert ANSWER not in told


def test_an_exception_in_a_circle_is_told_once() -> None:
    problem = fail(KeyError())
    problem.__cause__ = other = ValueError()
    other.__cause__ = problem
    assert as_json(entry("", problem=problem))["exception"].count("KeyError") == 1


WRITES = """
import logging, os
from caesar_web import logs
from caesar_web.config import load
logs.set_up(load(os.environ))
logs.set_up(load(os.environ))
logging.getLogger("rq.worker").warning("one\\ntwo")
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_process_writes_each_entry_once(log_format: str, tmp_path: Any) -> None:
    environ = {"CAESAR_HOME": str(tmp_path), "CAESAR_LOG_FORMAT": log_format}
    run = subprocess.run(
        [sys.executable, "-c", WRITES], env=environ, capture_output=True, text=True, check=True
    )
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    if log_format == "json":
        assert json.loads(line)["message"] == "one\ntwo"
    else:
        assert line.endswith("WARNING rq.worker: one\\ntwo")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_command_that_breaks_says_so_in_the_log(log_format: str, tmp_path: Any) -> None:
    environ = {
        "CAESAR_HOME": str(tmp_path),
        "CAESAR_LOG_FORMAT": log_format,
        "DATABASE_URL": "sqlite:////nowhere/caesar.db",
    }
    command = [sys.executable, "-m", "caesar_web", "config", "show", "1"]
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "unable to open database file" in run.stderr
    last = run.stderr.splitlines()[-1]
    if log_format == "json":
        assert json.loads(last)["level"] == "CRITICAL"
    assert "CRITICAL caesar_web.cli: this process ends" in run.stderr or log_format == "json"
