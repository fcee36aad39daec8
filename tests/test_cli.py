"""The commands: configuration in and out, workers that nobody serves, replay over real HTTP."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from caesar_web import cli, core
from caesar_web import config_readers as readers
from caesar_web.config import DEMO_QUEUES, Config
from caesar_web.store.configuration import Revision, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification, RejectedEvent
from tests.conftest import plain_config
from tests.factories import LIONS, make_event, make_workflow
from tests.pages import in_thread, settings_of
from tests.standin.server import StandinServer

Run = Callable[..., Result]


@pytest.fixture
def config(new_database: Callable[[str], str], tmp_path: Path, standin: StandinServer) -> Config:
    url = new_database("sqlite")
    return plain_config(database_url=url, home=tmp_path / "home", panoptes_url=standin.url)


@pytest.fixture
def run(config: Config, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `caesar` with arguments, in this process; over the application of the test."""
    monkeypatch.setattr(core, "create_core", lambda *_, **__: app)

    def run(*arguments: str, **over: str) -> Result:
        environment: Mapping[str, str | None] = {**settings_of(config), **over}
        result = CliRunner().invoke(cli.caesar, arguments, env=environment)
        db.session.remove()
        return result

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], str]:
    """Writes a file; gives its name."""

    def write(content: Any) -> str:
        file = tmp_path / "file.json"
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        file.write_bytes(text)
        return str(file)

    return write


@pytest.fixture
def known(app: Flask) -> Iterator[None]:
    with db.session.begin():
        make_workflow(db.session())
    db.session.remove()
    yield
    db.session.remove()


def test_a_configuration_is_applied_and_shown(
    run: Run, known: None, written: Callable[[Any], str]
) -> None:
    first = run("config", "apply", "100", written(LIONS))
    assert (first.exit_code, first.output) == (0, "Workflow 100 is configured.\n")
    second = run("config", "apply", "100", written(LIONS))
    assert (second.exit_code, second.output) == (0, "Workflow 100 was so already.\n")
    shown = run("config", "show", "100")
    assert shown.exit_code == 0
    document = json.loads(shown.output)
    assert document["rules_config"] == LIONS["rules_config"]
    third = run("config", "apply", "100", written(shown.output.encode()))
    assert third.output == "Workflow 100 was so already.\n"
    (revision,) = db.session.scalars(select(Revision)).all()
    assert revision.author


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "the document must be an object"),
        ({"extractor_config": {}}, "at extractor_config: no such member"),
        (
            {"rules_config": [{"if": ["not", ["lookup", "a"]]}]},
            "at rules_config[0].if[1]: lookup needs a key and a fallback",
        ),
        ({"extractors_config": {"a": {"type": "b"}}}, "at extractors_config.a.type: unknown type"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(
    run: Run, known: None, written: Callable[[Any], str], content: Any, says: str
) -> None:
    before = run("config", "show", "100").output
    file = written(content)
    result = run("config", "apply", "100", file)
    assert result.exit_code == 1
    assert f"{file}: " in result.stderr
    assert says in result.stderr
    assert result.stdout == ""
    assert run("config", "show", "100").output == before


def test_every_problem_has_a_line(run: Run, known: None, written: Callable[[Any], str]) -> None:
    document = {"status": "on", "extractors_config": {"a": {}}, "rules_config": [{}]}
    result = run("config", "apply", "100", written(document))
    assert len(result.stderr.splitlines()) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "apply", "100", "/nowhere/file.json"),
        ("config", "apply", "0", "/dev/null"),
        ("config", "apply", "one", "/dev/null"),
        ("config", "apply", str(2**63), "/dev/null"),
        ("config", "show", "one"),
        ("config", "show", str(2**63)),
        ("config", "show", "0"),
        ("replay", "/nowhere/file.json"),
        ("unheard-of",),
    ],
)
def test_what_makes_no_sense_shows_the_usage(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_a_workflow_that_is_not_here_cannot_be_shown(run: Run) -> None:
    result = run("config", "show", "101")
    assert (result.exit_code, result.stderr) == (1, "There is no workflow 101 here.\n")


def test_an_unknown_workflow_is_added_as_panoptes_describes_it(
    run: Run, written: Callable[[Any], str]
) -> None:
    result = run("config", "apply", "200", written(LIONS))
    assert (result.exit_code, result.output) == (0, "Workflow 200 is configured.\n")
    workflow = db.session.get_one(Workflow, 200)
    assert (workflow.project_id, workflow.status) == (20, "active")
    assert workflow.name
    assert workflow.project_name
    assert len(workflow.subject_rules) == 1


def test_a_workflow_that_panoptes_does_not_know_is_not_added(
    run: Run, written: Callable[[Any], str]
) -> None:
    result = run("config", "apply", "999999", written(LIONS))
    assert result.exit_code == 1
    assert result.stderr.startswith("Workflow 999999 cannot be added: ")
    assert "Traceback" not in result.stderr
    assert db.session.get(Workflow, 999999) is None


def test_targets_that_do_not_exist_are_told_with_their_place(
    run: Run, known: None, written: Callable[[Any], str]
) -> None:
    effects = [{"action": "add_subject_to_set", "subject_set_id": id} for id in (8, 999, 998)]
    document = {"rules_config": [{"if": ["const", True], "then": effects}]}
    result = run("config", "apply", "100", written(document))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [  # an operator may use the set of another project
        "at rules_config[0].then[1].subject_set_id: there is no subject set 999",
        "at rules_config[0].then[2].subject_set_id: there is no subject set 998",
    ]


def test_passwords_are_shown_as_masks_which_keep_them_b6(
    run: Run, known: None, written: Callable[[Any], str]
) -> None:
    effect = {
        "action": "external_with_basic_auth",
        "url": "https://eve:pa55word@example.org/hook",
        "reducer_key": "counts",
        "username": "bob",
        "password": "s3cret",
    }
    document = {"rules_config": [{"if": ["const", True], "then": [effect]}]}
    assert run("config", "apply", "100", written(document)).exit_code == 0
    shown = run("config", "show", "100").stdout
    assert "https://********@example.org/hook" in shown
    assert "s3cret" not in shown
    assert "pa55word" not in shown
    again = run("config", "apply", "100", written(shown.encode()))
    assert again.output == "Workflow 100 was so already.\n"
    moved = shown.replace("example.org", "example.com")
    refused = run("config", "apply", "100", written(moved.encode()))
    assert refused.exit_code == 1
    assert "at rules_config[0].then[0].password: must be given again" in refused.stderr


def test_a_panoptes_that_is_down_is_told(
    run: Run, written: Callable[[Any], str], config: Config, app: Flask
) -> None:
    app.extensions["caesar_config"] = plain_config(
        database_url=config.database_url, home=config.home
    )
    result = run("config", "apply", "200", written(LIONS))
    assert result.exit_code == 1
    assert result.stderr.startswith("Workflow 200 cannot be added: ")
    assert db.session.get(Workflow, 200) is None


def test_the_samples_are_added_once(run: Run) -> None:
    first = run("seed")
    assert first.exit_code == 0, first.output
    added = [line.split()[-1] for line in first.output.splitlines()]
    assert added == ["100", "102", "103", "200", "201", "300", "301"]
    assert run("seed").output == ""


def test_a_worker_of_a_queue_that_is_not_served_is_refused(run: Run) -> None:
    result = run("worker", "none")
    assert result.exit_code == 1
    served = ", ".join(name for name, _ in readers.queues(DEMO_QUEUES))
    assert result.stderr == f"CAESAR_QUEUES does not name the queue 'none'; it serves: {served}\n"


def test_a_bad_setting_ends_every_command_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAESAR_UNHEARD_OF", "1")
    monkeypatch.setattr("sys.argv", ["caesar", "scheduler"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("CAESAR_UNHEARD_OF: no such setting.")


@pytest.fixture
def replay(run: Run, app: Flask, known: None) -> Iterator[Run]:
    """Runs `caesar replay` against the application over real HTTP."""
    with in_thread(app) as url:

        def replay(*arguments: str) -> Result:
            return run("replay", "--url", url, *arguments)

        yield replay


def kept() -> list[Classification]:
    found = list(db.session.scalars(select(Classification).order_by(Classification.id)))
    db.session.expunge_all()
    db.session.remove()
    return found


def test_json_lines_are_replayed(replay: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    payload = {"payload": [make_event(2), make_event(3, project=77)]}
    file.write_text("\n".join(json.dumps(line) for line in (make_event(1), payload)))
    result = replay(str(file), "--batch", "2")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("3 events in ")
    assert [one.id for one in kept()] == [1, 2]
    (rejected,) = db.session.scalars(select(RejectedEvent)).all()
    assert "belongs to project 10" in rejected.reason


def test_a_line_that_cannot_be_read_ends_it_or_is_skipped(replay: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join([json.dumps(make_event(1)), "no JSON", json.dumps(make_event(2))]))
    result = replay(str(file))
    assert result.exit_code == 1
    assert f"{file}, line 2: " in result.stderr
    assert [one.id for one in kept()] == [1]
    result = replay(str(file), "--skip-bad")
    assert result.exit_code == 0
    assert "1 lines could not be read" in result.stderr
    assert [one.id for one in kept()] == [1, 2]


def test_an_export_is_replayed(replay: Run, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    row = {
        "classification_id": "11",
        "user_name": "ann",
        "user_id": "1234",
        "user_ip": "5f2a9d",
        "workflow_id": "100",
        "workflow_name": "Galaxies",
        "workflow_version": "12.1",
        "created_at": "2026-01-02 03:04:05 UTC",
        "gold_standard": "",
        "expert": "",
        "metadata": json.dumps({"source": "api"}),
        "annotations": json.dumps([{"task": "T1", "value": "some text"}]),
        "subject_data": json.dumps({"802881": {"retired": None, "camera": "D73"}}),
        "subject_ids": "802881",
    }
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, row.keys())
        writer.writeheader()
        writer.writerow(row)
    without = replay(str(file))
    assert without.exit_code == 1
    assert "give project_id" in without.stderr
    result = replay(str(file), "--project-id", "10")
    assert result.exit_code == 0, result.stderr
    (classification,) = kept()
    assert (classification.id, classification.subject_id) == (11, 802881)
    assert (classification.user_id, classification.workflow_version) == (1234, "12.1")


def test_wrong_credentials_are_told(run: Run, app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(make_event(1)))
    with in_thread(app) as url:
        result = run("replay", str(file), "--url", url, KINESIS_STREAM_PASSWORD="wrong")
    assert result.exit_code == 1
    assert "/kinesis answered 401" in result.stderr
    gone = run("replay", str(file), "--url", url)
    assert gone.exit_code == 1
    assert "Traceback" not in gone.stderr
