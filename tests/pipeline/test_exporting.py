"""Exports: what is in their files, on both databases, and how they survive what goes wrong."""

import csv
import io
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.jobs import running, tasks
from caesar_web.pipeline import exporting, runs
from caesar_web.pipeline.exporting import TooMany
from caesar_web.storage import writing
from caesar_web.store import run_statements as statements
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible
from tests.factories import START, make_workflow
from tests.pipeline.exports import WORKFLOW, ask, content, export, fill_extracts, request, write
from tests.pipeline.running import failures, make_due, state, take_steps

GOLDEN = Path(__file__).parent.parent / "golden" / "exports"
NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, UTC)
EXTRACTS: list[dict[str, Any]] = [
    {"classification_id": 11, "user_id": 5, "subject_id": 7, "data": {"LION": 1}},
    {
        "subject_id": 7,
        "machine_data": True,
        "extractor_key": "=machine",
        "workflow_version": None,
        "data": {
            "a.b": "x, y\r=z",
            'a "quote"': "two\nlines",
            "ключ": "ценность 🦁",
            "": "unnamed",
        },
    },
    {"classification_id": 12, "subject_id": 8, "data": None},
    {"classification_id": 13, "subject_id": 8, "data": 5},
    {
        "classification_id": 14,
        "user_id": 6,
        "subject_id": 9,
        "data": {
            "LION": -5,
            "text": "-5",
            "formula": "=1+1",
            "list": [1, {"b": 2, "a": None}],
            "flag": True,
            "half": 0.5,
            "nothing": None,
            "empty": "",
            "two\nlines": "\ttab",
            "large": 12345678901234567890123,
        },
    },
]
REDUCTION: dict[str, Any] = {"reducible_type": "Workflow", "reducible_id": 100}
OF_PROJECT: dict[str, Any] = {"reducible_type": "Project", "reducible_id": 10}


@pytest.fixture
def filled(app: Flask) -> Flask:
    """Rows of workflow 100 of project 10, and others' between them."""
    extract = {"extractor_key": "survey", "workflow_version": "1.1", "classification_at": NOON}
    ours = {**extract, "workflow_id": 100, "project_id": 10}
    others = [
        {"classification_id": 90, "subject_id": 1, "workflow_id": 200, "project_id": 10},
        {"classification_id": 91, "subject_id": 1, "workflow_id": 300, "project_id": 30},
    ]
    with db.session.begin():
        for id, project_id in ((100, 10), (200, 10), (300, 30)):
            make_workflow(db.session(), id, project_id=project_id)
    write(Extract, [others[0] | {"data": {"other": 1}}], **extract)
    write(Extract, EXTRACTS, **ours)
    write(Extract, [others[1] | {"data": {"theirs": 1}}], **extract)
    _reductions()
    _actions()
    return app


def _reductions() -> None:
    rows = [
        {"data": {"LION": 2, "@handle": "+1 (2)"}, "store": {"seen": [1]}, "lock_version": 3},
        {"data": {"LION": 1}, "subgroup": "-night", "updated_at": NOON},
        {"data": 3, "reducer_key": "unique"},
    ]
    write(SubjectReduction, rows, reducer_key="counts", subject_id=7, **REDUCTION)
    write(SubjectReduction, [{"data": {"all": 9}}], reducer_key="sum", subject_id=7, **OF_PROJECT)
    write(
        UserReduction,
        [{"data": {"n": 1}, "user_id": id} for id in (5, 6)],
        reducer_key="seen",
        **REDUCTION,
    )


def _actions() -> None:
    common = {"workflow_id": 100, "rule_id": 1, "effect_id": 2, "effect_revision": 1}
    when = {"not_before": START, "completed_at": NOON, "attempted_at": NOON}
    effect = {"effect_type": "retire_subject", "config": {"reason": "other"}}
    over = {"status": "completed", "occurrence": 0, "attempts": 1, "secrets": "sealed"}
    write(SubjectAction, [{"subject_id": 7}], **common, **when, **effect, **over)
    write(UserAction, [{"user_id": 5}], **common, **when, **effect, **over)


@pytest.mark.parametrize(
    "kind", ["extracts", "subject_reductions", "user_reductions", "subject_actions", "user_actions"]
)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_in_the_file(filled: Flask, kind: str, form: str) -> None:
    wanted = (GOLDEN / f"{kind}.{form}").read_bytes().decode()
    assert export(kind, format=form) == wanted
    assert export(kind, format=form, is_gzip=True) == wanted


def table(**wanted: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export(**wanted), newline="")))


def ids(**wanted: Any) -> list[str]:
    return [row["id"] for row in table(**wanted)]


def test_filters(filled: Flask) -> None:
    assert ids(user_id=5) == ["2"]
    assert ids(key="=machine") == ["3"]
    assert ids(since=NOON + timedelta(seconds=1)) == []
    assert ids(since=NOON) == ["2", "3", "4", "5", "6"]
    assert ids(until=NOON) == []
    assert ids(kind="subject_reductions", subgroup="-night") == ["2"]
    assert ids(kind="subject_reductions", key="unique") == ["3"]
    assert ids(kind="subject_reductions", since=NOON) == ["2"]
    assert ids(kind="user_reductions", user_id=6) == ["2"]
    assert ids(kind="user_actions", user_id=5) == ["1"]
    assert ids(kind="user_actions", user_id=6) == []


def test_columns_are_of_what_the_filters_leave(filled: Flask) -> None:
    (row,) = table(user_id=5)
    assert [name for name in row if name.startswith("data")] == ["data.LION"]


def test_of_a_project_are_the_extracts_of_all_its_workflows(filled: Flask) -> None:
    project = Reducible("Project", 10)
    assert ids(reducible=project) == ["1", "2", "3", "4", "5", "6"]
    (row,) = table(kind="subject_reductions", reducible=project)
    assert (row["data.all"], row["workflow_id"], row["reducible_id"]) == ("9", "", "10")
    assert ids(kind="subject_actions", reducible=project) == ["1"]
    assert ids(kind="subject_actions", reducible=Reducible("Project", 30)) == []
    assert ids(reducible=Reducible("Project", 30)) == ["7"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("is_gzip", [False, True])
def test_nothing_to_export(app: Flask, form: str, is_gzip: bool) -> None:
    found = export(format=form, is_gzip=is_gzip)
    assert found.count("\n") == (1 if form == "csv" else 0)


def test_what_a_finished_request_has(filled: Flask) -> None:
    before = datetime.now(UTC)
    started = ask(key="survey")
    take_steps(started.run_id, works=False)
    done, run = request(started.request_id), state(started.run_id)
    assert (done.rows, run.done, run.total, run.failed) == (4, 4, 4, 0)
    assert done.file == str(started.request_id)
    assert done.expires_at is not None
    week = timedelta(days=7)
    assert before + week <= done.expires_at <= datetime.now(UTC) + week
    path = tasks.storage().path(done.file)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [done.file]


def test_rows_that_come_meanwhile_are_not_in_it(filled: Flask) -> None:
    started = ask()
    take_steps(started.run_id, most=1, works=False)
    late = {"classification_id": 99, "subject_id": 1, "data": {"late": 1}, "workflow_id": 100}
    write(Extract, [late], extractor_key="survey", classification_at=NOON, project_id=10)
    make_due(started.run_id)
    take_steps(started.run_id, works=False)
    assert request(started.request_id).rows == len(EXTRACTS)
    assert "late" not in content(started.request_id)


def test_keys_that_come_meanwhile_are_told_of(filled: Flask) -> None:
    started = ask("user_reductions")
    take_steps(started.run_id, most=2, works=False)
    with db.session.begin():
        db.session.execute(update(UserReduction).where(UserReduction.id == 1).values(data=7))
        changed = {"n": 2, "c": 1, "b": 1}
        db.session.execute(update(UserReduction).where(UserReduction.id == 2).values(data=changed))
    make_due(started.run_id)
    assert take_steps(started.run_id, works=False) == "finished"
    assert failures(started.run_id) == [
        (
            "user reduction 1",
            "came by while the file was written, and is not in it: data that are no object",
        ),
        ("user reduction 2", "came by while the file was written, and is not in it: b, c"),
    ]
    assert content(started.request_id).splitlines()[0].endswith(",reducible_type,data.n")


def test_too_many_columns(filled: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_KEYS", 3)
    started = ask()
    running.carry_on(started.run_id)
    run = state(started.run_id)
    assert run.status == "failed"
    assert run.last_error is not None
    assert "JSON lines have no columns" in run.last_error
    assert len(export(format="jsonl").splitlines()) == len(EXTRACTS)


def test_the_same_may_be_asked_for_again_but_not_too_often(
    filled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_UNFINISHED", 2)
    first, second = ask(), ask()
    assert first.run_id != second.run_id
    with pytest.raises(TooMany, match="2 exports are under way"):
        ask()
    db.session.rollback()
    ask(reducible=Reducible("Workflow", 200))
    take_steps(first.run_id, works=False)
    ask()


# What goes wrong on the way

MANY, SOME = 50_000, 2000


@pytest.fixture
def some(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Extracts, of which a step takes a part."""
    monkeypatch.setattr(exporting, "IDS_AT_ONCE", 300)
    fill_extracts(SOME)
    return app


class Killed(BaseException):
    """As if the worker were gone at this moment."""


def die_before_the_end_of_a_step(run_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step whose file is written, and whose transaction is undone."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    held = running.claim(run_id)
    assert held is not None
    with monkeypatch.context() as patch:
        patch.setattr(statements, "record", die)
        with pytest.raises(Killed):
            running.take_step(held)
    db.session.remove()
    make_due(run_id)


def checkpoint(started: exporting.Started) -> dict[str, Any]:
    at: Any = state(started.run_id).checkpoint
    return dict(at)


def part_of(started: exporting.Started) -> Path:
    return tasks.storage().parts / str(checkpoint(started)["part"])


@pytest.mark.parametrize(("form", "is_gzip"), [("csv", True), ("jsonl", False)])
def test_killed_in_each_phase_every_row_is_there_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, form: str, is_gzip: bool
) -> None:
    monkeypatch.setattr(exporting, "IDS_AT_ONCE", 8000)
    fill_extracts(MANY)
    started = ask(format=form, is_gzip=is_gzip)
    for steps in (2, 6, 1, 2, 99):  # in the look, before the first rows, amid them, at the end
        die_before_the_end_of_a_step(started.run_id, monkeypatch)
        take_steps(started.run_id, most=steps, works=False)
        if state(started.run_id).finished_at is None:
            make_due(started.run_id)
    assert state(started.run_id).status == "finished"
    assert request(started.request_id).rows == state(started.run_id).done == MANY
    found = content(started.request_id)
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(found)))
        assert [int(row["data.n"]) for row in rows] == list(range(1, MANY + 1))
        assert [row["id"] for row in rows if row["data.b"]] == [
            str(id) for id in range(7, MANY + 1, 7)
        ]
    else:
        lines = [json.loads(line) for line in found.splitlines()]
        assert [row["data"]["n"] for row in lines] == list(range(1, MANY + 1))


def test_killed_when_the_file_was_handed_over(some: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    started = ask()
    while True:
        take_steps(started.run_id, most=1, works=False)
        make_due(started.run_id)
        if checkpoint(started)["phase"] == "finish":
            break
    die_before_the_end_of_a_step(started.run_id, monkeypatch)
    assert tasks.storage().size(str(started.request_id)) is not None
    assert request(started.request_id).file is None
    assert take_steps(started.run_id, works=False) == "finished"
    assert content(started.request_id).count("\n") == SOME + 1


def begun(some: Flask) -> exporting.Started:
    """An export some of whose rows are written, and whose worker has lost it."""
    started = ask()
    take_steps(started.run_id, most=10, works=False)
    assert 0 < state(started.run_id).done < SOME
    make_due(started.run_id)
    return started


def be_patient(started: exporting.Started) -> None:
    """As if the file had not grown for as long as it is waited for."""
    long_ago = datetime.now(UTC) - exporting.PATIENCE
    at = {**checkpoint(started), "written_at": long_ago.isoformat()}
    with db.session.begin():
        db.session.execute(update(Run).where(Run.id == started.run_id).values(checkpoint=at))
    make_due(started.run_id)


def test_on_another_machine_it_waits_and_then_begins_again(some: Flask) -> None:
    started = begun(some)
    part_of(started).unlink()
    take_steps(started.run_id, most=1, works=False)
    run = state(started.run_id)
    assert run.last_error is not None
    assert "another worker has it" in run.last_error
    assert run.done > 0
    be_patient(started)
    take_steps(started.run_id, most=1, works=False)
    assert state(started.run_id).done == 0
    make_due(started.run_id)
    assert take_steps(started.run_id, works=False) == "finished"
    assert state(started.run_id).done == SOME
    assert content(started.request_id).count("\n") == SOME + 1


def test_a_file_that_is_too_short_is_not_gone_on_with(some: Flask) -> None:
    started = begun(some)
    with part_of(started).open("r+b") as file:
        file.truncate(1000)
    be_patient(started)
    assert take_steps(started.run_id, works=False) == "finished"
    assert content(started.request_id).count("\n") == SOME + 1


def test_two_workers_never_write_one_file(some: Flask) -> None:
    """One is slow and still has the file open; the other does not touch it, and begins anew."""
    started = begun(some)
    old = part_of(started)
    with writing.locked(old, length=0, is_new=False) as slow:
        take_steps(started.run_id, most=1, works=False)
        assert "writes it at this moment" in (state(started.run_id).last_error or "")
        be_patient(started)
        take_steps(started.run_id, most=2, works=False)
        make_due(started.run_id)
        assert part_of(started) != old
        slow.write(b"nonsense")
    assert take_steps(started.run_id, works=False) == "finished"
    assert "nonsense" not in content(started.request_id)


def test_who_has_lost_the_run_leaves_the_file_alone(some: Flask) -> None:
    started = begun(some)
    late = running.claim(started.run_id)
    assert late is not None
    make_due(started.run_id)
    take_steps(started.run_id, most=1, works=False)
    length = part_of(started).stat().st_size
    with pytest.raises(running.Taken):
        running.take_step(late)
    assert part_of(started).stat().st_size == length


def test_a_full_disk_is_tried_again(some: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    started = begun(some)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "write_rows", full)
        running.carry_on(started.run_id)
    run = state(started.run_id)
    assert (run.status, run.attempts) == ("running", 1)
    assert run.last_error == "the file cannot be written: No space left on device"
    make_due(started.run_id)
    assert take_steps(started.run_id, works=False) == "finished"


def test_stopped_on_the_way(some: Flask) -> None:
    started = begun(some)
    with db.session.begin():
        statements.stop(db.session(), started.run_id, now=datetime.now(UTC))
    assert state(started.run_id).status == "cancelled"
    assert request(started.request_id).file is None


def test_workflows_that_are_gone_have_no_rows(filled: Flask) -> None:
    with db.session.begin():
        db.session.delete(db.session.get_one(Workflow, 100))
    assert len(ids()) == len(EXTRACTS)


def test_the_unit_is_rows() -> None:
    assert isinstance(exporting.EXPORT, runs.Kind)
    assert exporting.EXPORT.unit == "rows"
    assert WORKFLOW.type == "Workflow"
