"""The commands of runs: what they start, how they follow it, and what they end with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from caesar_web import cli, core
from caesar_web.config import Config
from caesar_web.jobs import running, tasks
from caesar_web.pipeline import run_kinds, run_orders
from caesar_web.pipeline.run_orders import Scope
from caesar_web.pipeline.runs import Kind, Means, RunFailed, Work, Write
from caesar_web.store.activity import AuditEntry, SubjectAction
from caesar_web.store.db import db
from caesar_web.store.runs import Run, RunTarget
from tests.conftest import plain_config
from tests.factories import LIONS, START, make_event, make_workflow
from tests.pages import settings_of
from tests.pipeline.reading import rows, values
from tests.pipeline.running import make_due, take_steps
from tests.standin.server import StandinServer
from tests.web.running import OF_WORKFLOW, add_run, add_withheld

Invoke = Callable[..., Result]
BACKFILL = run_orders.order("backfill", OF_WORKFLOW, Scope())


@pytest.fixture
def config(new_database: Callable[[str], str], tmp_path: Path, standin: StandinServer) -> Config:
    url = new_database("sqlite")
    return plain_config(database_url=url, home=tmp_path / "home", panoptes_url=standin.url)


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    with db.session.begin():
        make_workflow(db.session(), **LIONS)
    db.session.remove()
    yield app
    db.session.remove()
    tasks.panoptes().close()


@pytest.fixture
def caesar(config: Config, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs `caesar` with arguments, in this process; over the application of the test."""
    monkeypatch.setattr(core, "create_core", lambda *_, **__: app)

    def run(*arguments: str, **more: Any) -> Result:
        result = CliRunner().invoke(cli.caesar, arguments, env=settings_of(config), **more)
        db.session.remove()
        return result

    return run


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the command waits, somebody carries the newest run on, a step each time."""

    def work(seconds: float) -> None:
        run_id = values(Run.id)[-1]
        make_due(run_id)
        take_steps(run_id, most=1)

    monkeypatch.setattr("caesar_web.commands.runs.time.sleep", work)


def newest() -> Any:
    found = db.session.scalars(select(Run).order_by(Run.id.desc())).first()
    db.session.expunge_all()
    db.session.remove()
    return found


def test_a_backfill_is_started_and_followed(
    caesar: Invoke, worker: None, standin: StandinServer
) -> None:
    given = [make_event(id, subject=1001, user=id, choice="lion") for id in range(1, 8)]
    standin.add_classifications([event["data"] for event in given])
    result = caesar("backfill", "100", "--rate", "60000")
    assert result.exit_code == 0, result.output
    assert "Run 1 is started." in result.stdout
    assert "finished: 200 of 200 subjects" in result.stdout
    assert "withheld: retire_subject for 1 subject" in result.stdout
    assert "subjects" in result.stderr  # the bar
    run = newest()
    assert (run.kind, run.acts, run.rate) == ("backfill", False, 60000)
    assert (run.started_by or "").endswith("(command line)")
    assert rows(AuditEntry.action, AuditEntry.workflow_id) == [("started a run", 100)]


@pytest.mark.parametrize(
    ("arguments", "kind", "options", "acts"),
    [
        (["backfill", "100", "--act"], "backfill", {}, True),
        (["backfill", "100", "--never"], "backfill", {"subjects": "never"}, False),
        (["backfill", "100", "--user", "5"], "backfill_user", {"user_id": 5}, False),
        (
            ["backfill", "100", "--since", "2026-01-31"],
            "backfill",
            {"since": "2026-01-31T00:00:00+00:00"},
            False,
        ),
        (["rerun", "extractors", "100"], "reextract", {}, False),
        (
            ["rerun", "reducers", "100", "--reducer", "counts", "--check", "none"],
            "rereduce",
            {"reducer_key": "counts", "check": "none"},
            False,
        ),
    ],
)
def test_what_is_asked_for(
    caesar: Invoke, arguments: list[str], kind: str, options: dict[str, Any], acts: bool
) -> None:
    result = caesar(*arguments, "--no-wait")
    assert (result.exit_code, result.output) == (0, "Run 1 is started.\n")
    run = newest()
    assert (run.kind, run.options, run.acts, run.status) == (kind, options, acts, "waiting")
    assert caesar(*arguments, "--no-wait").output == "Run 1 does this already.\n"


def test_subjects_of_a_file(caesar: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "ids.csv"
    file.write_bytes(b"\xef\xbb\xbfsubject_id\r\n7\r\n5\r\n")
    assert caesar("backfill", "100", "--subjects", str(file), "--no-wait").exit_code == 0
    assert values(RunTarget.target_id, by=RunTarget.position) == [5, 7]
    file.write_text("7\nlion")
    wrong = caesar("backfill", "100", "--subjects", str(file))
    assert (wrong.exit_code, wrong.stderr) == (1, f"{file}: Line 2: lion is not an id.\n")
    file.write_text("")
    assert caesar("backfill", "100", "--subjects", str(file)).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["backfill", "999"], 1, "There is no workflow 999 here."),
        (["backfill", "0"], 2, "Usage:"),
        (["backfill", "100", "--never", "--user", "5"], 2, "do not go together"),
        (["backfill", "100", "--since", "soon"], 2, "Usage:"),
        (["backfill", "100", "--rate", "0"], 2, "Usage:"),
        (["rerun", "reducers", "100", "--check", "twice"], 2, "Usage:"),
        (["run", "show", "9"], 1, "There is no run 9."),
        (["run", "stop", "9"], 1, "There is no run 9."),
        (["run", "apply", "9"], 1, "There is no run 9."),
        (["run", "show", str(2**63)], 2, "Usage:"),
    ],
)
def test_what_makes_no_sense(caesar: Invoke, arguments: list[str], status: int, says: str) -> None:
    result = caesar(*arguments)
    assert result.exit_code == status
    assert says in result.stderr
    assert newest() is None


def test_a_run_that_fails_fails_the_command(
    caesar: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(means: Means, work: Work) -> Write:
        raise RunFailed("there is nothing")

    monkeypatch.setitem(run_kinds.KINDS, "backfill", Kind("subjects", prepare))
    monkeypatch.setattr("caesar_web.commands.runs.time.sleep", lambda _: running.carry_on(1))
    result = caesar("backfill", "100")
    assert result.exit_code == 1
    assert "failed: 0 subjects" in result.stdout
    assert "There is nothing." in result.stdout


def test_ctrl_c_leaves_the_run_going(caesar: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("caesar_web.commands.runs.time.sleep", interrupt)
    result = caesar("backfill", "100")
    assert result.exit_code == 130
    assert "Run 1 goes on. `caesar run show 1` says how far it is." in result.stdout
    assert newest().finished_at is None


def test_a_run_that_nobody_carries_on(caesar: Invoke) -> None:
    run_id = add_run(BACKFILL)
    make_due(run_id)
    result = caesar("backfill", "100")
    assert result.exit_code == 1
    assert "No worker carries it on" in result.stderr
    assert "lost: 0 subjects" in caesar("run", "show", "1").stdout


def test_shown_and_stopped(caesar: Invoke) -> None:
    add_run(BACKFILL, status="running", done=7, total=40, is_estimate=True, failed=2)
    shown = caesar("run", "show", "1")
    assert shown.stdout.splitlines() == [
        "Run 1: Backfill of workflow 100",
        "  all subjects of the workflow",
        "  running: 7 of about 40 subjects",
        "  could not be done: 2",
    ]
    assert caesar("run", "stop", "1").output == "It is stopped.\n"
    again = caesar("run", "stop", "1")
    assert (again.exit_code, again.stderr) == (1, "Run 1 is over.\n")
    assert values(AuditEntry.action) == ["stopped a run"]


def test_what_was_withheld_is_done_when_agreed(caesar: Invoke) -> None:
    run_id = add_run(BACKFILL)
    add_withheld(run_id, subjects=3)
    assert "is not over" in caesar("run", "apply", "1").stderr
    caesar("run", "stop", "1")
    refused = caesar("run", "apply", "1", input="n\n")
    assert (refused.exit_code, values(SubjectAction.id)) == (1, [])
    assert "withheld: retire_subject for 3 subjects" in refused.stdout
    done = caesar("run", "apply", "1", input="y\n")
    assert done.exit_code == 0
    assert "Actions that are decided now: 3" in done.stdout
    assert values(SubjectAction.subject_id) == [1, 2, 3]
    assert values(Run.applied_at)[0] > START
    assert caesar("run", "apply", "1", "--yes").stdout.endswith("now: 0\n")
