"""Importing predictions: extracts of machines, which count like those of volunteers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from caesar_web.config import Config
from caesar_web.jobs import running
from caesar_web.jobs.tasks import panoptes
from caesar_web.pipeline import importing
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.store.runs import Withheld
from tests.conftest import plain_config
from tests.factories import make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.running import begin, carry_out, failures, make_due, state, take_steps
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(
        database_url=config.database_url, panoptes_url=standin.url, http_to_loopback=True
    )


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    yield app
    panoptes().close()


@pytest.fixture
def workflow(app: Flask) -> None:
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"survey": {"type": "survey"}},
            reducers_config={
                "votes": {"type": "consensus"},
                "machine": {"type": "first_extract", "filters": {"extractor_keys": ["machine"]}},
            },
            rules_config=[
                {
                    "if": ["gte", ["lookup", "machine.empty", 0], ["const", 0.9]],
                    "then": [{"action": "retire_subject", "reason": "nothing_here"}],
                }
            ],
        )
    db.session.remove()


def csv_of(*lines: tuple[Any, Any, Any], names: str = "extractor_key,subject_id,data") -> bytes:
    quoted = (
        ",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells) for cells in lines
    )
    return ("\n".join([names, *quoted]) + "\n").encode()


def prediction(subject: int, **data: Any) -> tuple[str, int, str]:
    return ("machine", subject, json.dumps(data))


def carry_in(body: bytes, **order: Any) -> Any:
    return carry_out("import", file=("predictions.csv", body), **order)


def test_predictions_become_extracts_that_rules_see(workflow: None) -> None:
    body = csv_of(prediction(1001, empty=0.95), prediction(1002, empty=0.2))
    run = carry_in(body, acts=True)
    assert (run.status, run.done, run.total, run.failed) == ("finished", 2, 2, 0)
    columns = (
        Extract.subject_id,
        Extract.data,
        Extract.classification_id,
        Extract.machine_data,
        Extract.project_id,
    )
    assert rows(*columns) == [
        (1001, {"empty": 0.95}, None, True, 10),
        (1002, {"empty": 0.2}, None, True, 10),
    ]
    reduced = rows(
        SubjectReduction.subject_id,
        SubjectReduction.data,
        where=SubjectReduction.reducer_key == "machine",
    )
    assert reduced == [(1001, {"empty": 0.95}), (1002, {"empty": 0.2})]
    assert values(SubjectAction.subject_id) == [1001]
    assert values(Workflow.extracts_count) == [2]


@pytest.mark.parametrize("mode", ["default_reduction", "running_reduction"])
def test_swap_begins_with_what_a_machine_says(app: Flask, mode: str) -> None:
    swap = {
        "type": "swap",
        "positive": ["0"],
        "prior_from": "probability",
        "initial_positive": 0.9,
        "initial_negative": 0.8,
        "reduction_mode": mode,
        "user_reducer_keys": ["skill"],
    }
    answers = {"answers": {"type": "question"}}
    with db.session.begin():
        make_workflow(db.session(), extractors_config=answers, reducers_config={"swap": swap})
    db.session.remove()
    likelihoods = [_likelihood_after(1)]
    carry_in(csv_of(prediction(1, probability=0.2)))
    likelihoods += [_likelihood(), _likelihood_after(2)]
    # Odds of 1 and of 1 to 4, which each answer makes 0.9 / 0.2 times as large.
    assert likelihoods == pytest.approx([4.5 / 5.5, 1.125 / 2.125, 5.0625 / 6.0625])


def _likelihood_after(answer: int) -> float:
    receive([make_event(answer, annotations=[{"task": "T0", "value": 0}])])
    process()
    return _likelihood()


def _likelihood() -> float:
    (data,) = values(SubjectReduction.data)
    likelihood: float = data["likelihood"]
    return likelihood


def test_once_more_replaces_what_was_there(workflow: None) -> None:
    carry_in(csv_of(prediction(1001, empty=0.1)), acts=True)
    carry_in(csv_of(prediction(1001, empty=0.2), prediction(1001, empty=0.95)), acts=True)
    assert values(Extract.data) == [{"empty": 0.95}]
    assert values(SubjectReduction.data, SubjectReduction.reducer_key == "machine") == [
        {"empty": 0.95}
    ]
    assert values(SubjectAction.subject_id) == [1001]
    assert values(Workflow.extracts_count) == [1]


def test_beside_what_volunteers_say(workflow: None) -> None:
    receive([make_event(id, subject=1001, choice="lion") for id in (1, 2)])
    process()
    carry_in(csv_of(prediction(1001, lion=1)))
    receive([make_event(3, subject=1001, choice="lion")])
    process()
    (votes,) = values(SubjectReduction.data, SubjectReduction.reducer_key == "votes")
    assert votes == {"most_likely": "lion", "num_votes": 4, "agreement": 1.0}


def test_unless_it_acts_what_rules_decide_is_withheld(workflow: None) -> None:
    carry_in(csv_of(prediction(1001, empty=0.95)))
    assert values(SubjectAction.id) == []
    assert rows(Withheld.target_id, Withheld.effect_type) == [(1001, "retire_subject")]


def test_each_row_stands_alone(workflow: None) -> None:
    body = csv_of(
        prediction(1001, empty=0.1),
        ("machine", "", '{"a": 1}'),
        ("machine", "1e3", '{"a": 1}'),
        ("", 1001, '{"a": 1}'),
        ("a b", 1001, '{"a": 1}'),
        ("machine", 1002, "{"),
        ("machine", 1002, ""),
        ("machine", 1002, "null"),
        ("machine", 1002, "[1]"),
        ("machine", 1002, '{"a": NaN}'),
        ("machine", 1002, r'{"a": "\ud800"}'),
        ("machine", 2001, '{"a": 1}'),
        ("machine", 999_999, '{"a": 1}'),
        prediction(1003, empty=0.3),
    )
    run = carry_in(body)
    assert (run.status, run.done, run.failed) == ("finished", 14, 12)
    assert values(Extract.subject_id) == [1001, 1003]
    told = dict(failures(run.id))
    assert [place for place in told if place.startswith("row")] == [
        f"row {number}" for number in range(3, 13)
    ]
    assert told["row 3"] == "subject_id must be an id, not ''"
    assert told["row 7"] == "data is not JSON"
    assert told["row 9"] == "data must be a JSON object"
    assert told["subject 2001"] == "it belongs to another project"
    assert told["subject 999999"] == "Panoptes has no such subject"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "the file has no column extractor_key and no column subject_id and no column data"),
        (b"subject_id,data\n1,2\n", "the file has no column extractor_key"),
        (b'{"not": "csv"}', "the file has no column extractor_key and no column subject_id"),
    ],
)
def test_a_file_that_is_none(workflow: None, body: bytes, error: str) -> None:
    run_id = begin("import", file=("a.csv", body)).run_id
    running.carry_on(run_id)
    assert state(run_id).status == "failed"
    assert (state(run_id).last_error or "").startswith(error)


def test_as_spreadsheets_write_it(workflow: None) -> None:
    """A mark of the byte order, other ends of lines, other columns, and lines within cells."""
    body = (
        b"\xef\xbb\xbfNotes,Data,Subject_ID,extractor_key,workflow_version\r\n"
        b'"two\r\nlines","{""a"":\r\n 1}",1001,machine,12.3\r\n'
        b"\r\n"
        b'bad \xff text,"{""a"": 2}",1002,machine\r\n'
    )
    run = carry_in(body)
    assert (run.failed, run.done) == (0, 2)
    assert rows(Extract.subject_id, Extract.data, Extract.workflow_version) == [
        (1001, {"a": 1}, "12.3"),
        (1002, {"a": 2}, None),
    ]


def test_bytes_that_are_no_text_are_of_their_row(workflow: None) -> None:
    body = csv_of(prediction(1001, a=1)) + b'machine,1002,"{""a"": ""\xff""}"\n'
    run = carry_in(body)
    assert [place for place, _ in failures(run.id)] == ["row 3"]
    assert values(Extract.subject_id) == [1001]


def test_a_few_rows_at_a_time_and_on_from_there(
    workflow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(importing, "SLICE_BYTES", 400)
    body = csv_of(*(prediction(1001 + id, text=f'"{id}"\n, more') for id in range(40)))
    run_id = begin("import", file=("a.csv", body)).run_id
    take_steps(run_id, most=3)
    make_due(run_id)  # the worker was killed
    assert take_steps(run_id) == "finished"
    found = rows(Extract.subject_id, Extract.data)
    assert found == [(1001 + id, {"text": f'"{id}"\n, more'}) for id in range(40)]
    assert state(run_id).done == 40


def test_from_an_address(workflow: None, standin: StandinServer) -> None:
    run = carry_out("import", options={"url": f"{standin.url}/files/extracts.csv"})
    assert run.status == "finished"
    assert run.done == run.total
    assert values(Extract.machine_data)
    assert all(values(Extract.machine_data))


def test_from_an_address_that_is_away(workflow: None, standin: StandinServer) -> None:
    run_id = begin("import", options={"url": f"{standin.url}/nothing.csv"}).run_id
    running.carry_on(run_id)
    run = state(run_id)
    assert (run.status, run.attempts) == ("running", 1)
    assert "404" in (run.last_error or "")


def test_a_workflow_that_is_gone(workflow: None) -> None:
    run_id = begin("import", file=("a.csv", csv_of(prediction(1001, a=1)))).run_id
    take_steps(run_id, most=1)
    with db.session.begin():
        db.session.delete(db.session.get_one(Workflow, 100))
    make_due(run_id)
    running.carry_on(run_id)
    assert state(run_id).last_error == "the workflow is not here any more"
