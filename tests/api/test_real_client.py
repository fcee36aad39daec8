"""The Python client that scripts use, unmodified, against a served application and the stand-in."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import panoptes_client.workflow
import pytest
from flask import Flask
from panoptes_client import Caesar, Panoptes, Workflow
from panoptes_client.panoptes import PanoptesAPIException
from sqlalchemy import select

from caesar_web.standin.sessions import PASSWORD
from caesar_web.store.configuration import (
    Extractor,
    Reducer,
    SubjectRule,
    SubjectRuleEffect,
    UserRule,
    UserRuleEffect,
)
from caesar_web.store.configuration import Workflow as Row
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.store.runs import Run
from tests.factories import JSON, make_event
from tests.pages import in_thread
from tests.people import ALICE
from tests.pipeline.steps import process, receive
from tests.served import script, three_projects
from tests.standin.server import StandinServer

CONDITION = '["gte",  ["lookup", "complete.0", 0], ["const", 3]]'
FILE = "https://example.org/predictions.csv"
MISSING = "Couldn't find Workflow with 'id'"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    """With extracts and a reduction of the subject 1001 in workflow 100."""
    with three_projects(new_database("sqlite"), standin) as app:
        alice = script(app, standin, ALICE)
        alice.post("/workflows/100/extractors", json={"type": "survey", "key": "species"})
        alice.post("/workflows/100/reducers", json={"type": "stats", "key": "counts"})
        with app.app_context():
            receive([make_event(id, subject=1001, choice="LION") for id in (1, 2)])
            process()
            db.session.remove()
        yield app


@pytest.fixture
def url(app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the application is; the client's environment says where Panoptes is."""
    for name in ("CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URL", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"PANOPTES_{name}", raising=False)
    monkeypatch.setenv("PANOPTES_ENDPOINT", standin.url)
    with in_thread(app) as url:
        # The methods of workflows say nowhere where Caesar is, and mean the one on the internet.
        monkeypatch.setattr(panoptes_client.workflow, "Caesar", partial(Caesar, endpoint=url))
        yield url


@contextmanager
def somebody(login: str | None = None, **more: Any) -> Iterator[list[str]]:
    """A client that is signed in, or is not; gives the addresses that it asks."""
    client = Panoptes(username=login, password=login and PASSWORD, **more)
    asked: list[str] = []
    client.session.hooks["response"].append(lambda answer, **_: asked.append(answer.url))
    with client.session, client:
        yield asked
    for method in (Panoptes.get, Panoptes.post, Panoptes.put, Panoptes.delete):
        method.__defaults__[0].clear()  # where it remembers for ever to ask as an administrator


@pytest.fixture
def alice(url: str) -> Iterator[Caesar]:
    with somebody("alice"):
        yield Caesar(endpoint=url)


def rows(app: Flask, table: Any, **by: Any) -> list[Any]:
    with app.app_context():
        return list(db.session.scalars(select(table).filter_by(**by).order_by(table.id)))


def row(app: Flask, table: Any, made: JSON) -> Any:
    """The row of what the client was given."""
    (found,) = rows(app, table, id=made["id"])
    return found


def test_it_signs_in_and_finds_a_workflow_at_panoptes(url: str, standin: StandinServer) -> None:
    with somebody("alice") as asked:
        assert Panoptes.client().logged_in_user_id == ALICE
        assert Workflow.find(100).display_name == "Is it a galaxy?"
    assert [*dict.fromkeys(one.removeprefix(standin.url) for one in asked)] == [
        "/oauth/token",
        "/api/workflows/100",
    ]
    with pytest.raises(PanoptesAPIException, match="Invalid email or password"):
        Panoptes(username="alice", password="wrong")


@pytest.mark.parametrize(("login", "admin"), [("alice", False), ("root", True)])
def test_what_is_read(url: str, login: str, admin: bool) -> None:
    with somebody(login, admin=admin) as asked:
        caesar, workflow = Caesar(endpoint=url), Workflow.find(100)
        assert caesar.get_workflow(100)["extractors_count"] == 1
        assert [one["key"] for one in caesar.get_workflow_extractors(100)] == ["species"]
        assert [one["key"] for one in caesar.get_workflow_reducers(100)] == ["counts"]
        extracts = caesar.get_extracts_by_workflow_and_subject(100, 1001)
        assert [one["data"] for one in extracts] == [{"LION": 1}] * 2
        reductions = caesar.get_reductions_by_workflow_and_subject(100, 1001)
        assert [one["data"] for one in reductions] == [{"LION": 2}]
        assert caesar.get_reductions_by_workflow_and_subject(100, 1002) == []
        assert workflow.caesar_extractors() == caesar.get_workflow_extractors(100)
        assert workflow.caesar_reducers() == caesar.get_workflow_reducers(100)
        assert workflow.caesar_subject_extracts(1001) == extracts
        assert workflow.caesar_subject_reductions(1001) == reductions
        assert workflow.caesar_subject_reductions(1001, "counts") == reductions
        assert workflow.caesar_subject_reductions(1001, "others") == []
        for kind, number in (("subject", 2), ("user", 1)):
            (rule,) = workflow.caesar_rules(kind)
            assert rule["condition"] == {"value": True}
            assert len(workflow.caesar_effects(kind, rule["id"])) == number
    ours = [one for one in asked if one.startswith(url)]
    assert len(ours) == 18
    assert all(("admin=True" in one) is admin for one in ours)


def test_saving_adds_a_workflow_or_changes_it(app: Flask, alice: Caesar) -> None:
    made = alice.save_workflow(101, public_extracts=True, public_reductions=False)
    assert (made["id"], made["project_id"], made["public_extracts"]) == (101, 10, True)
    assert alice.save_workflow(101, public_extracts=False, public_reductions=True) is None
    assert Workflow(101).save_to_caesar(public_extracts=True) is None
    (kept,) = rows(app, Row, id=101)
    assert (kept.public_extracts, kept.public_reductions) == (True, False)


def test_a_workflow_that_is_not_there_or_not_theirs(app: Flask, alice: Caesar) -> None:
    """It is told the same of both, and the client takes 403 and 401 for nothing at all."""
    for id in (300, 999):
        for read in (
            alice.get_workflow,
            alice.get_workflow_extractors,
            alice.get_workflow_reducers,
            partial(alice.get_reductions_by_workflow_and_subject, subject_id=1),
            partial(alice.create_workflow_extractor, extractor_key="k", extractor_type="who"),
            partial(alice.create_workflow_reducer, reducer_type="count", key="k"),
            partial(alice.create_workflow_rule, rule_type="subject", condition_string=CONDITION),
            partial(alice.import_data_extracts, csv_source=FILE),
        ):
            with pytest.raises(PanoptesAPIException, match=f"{MISSING}={id}"):
                read(id)
        assert alice.get_extracts_by_workflow_and_subject(id, 1) == []
        assert alice.save_workflow(id) is None
    assert [one.id for one in rows(app, Row)] == [100, 200, 300]
    assert rows(app, Run) == []


def test_nobody_gets_nothing(app: Flask, url: str) -> None:
    with somebody():
        caesar = Caesar(endpoint=url)
        assert caesar.get_workflow(100) is None
        assert caesar.save_workflow(100, public_extracts=True) is None
        assert caesar.create_workflow_extractor(100, "k", "who") is None
        assert caesar.import_data_extracts(100, FILE) == (None, None)
        assert caesar.http_delete("workflows/100/extractors/1") == (None, None)
    assert [one.key for one in rows(app, Extractor)] == ["species"]
    assert rows(app, Run) == []
    assert rows(app, Row, public_extracts=True) == []


def test_what_is_public_anybody_may_read(app: Flask, alice: Caesar, url: str) -> None:
    alice.save_workflow(100, public_extracts=True, public_reductions=True)
    with somebody():
        nobody = Caesar(endpoint=url)
        assert len(nobody.get_extracts_by_workflow_and_subject(100, 1001)) == 2
        assert len(nobody.get_reductions_by_workflow_and_subject(100, 1001)) == 1


@pytest.mark.parametrize("by_workflow", [False, True])
def test_extractors_and_reducers_are_added(app: Flask, alice: Caesar, by_workflow: bool) -> None:
    if by_workflow:
        workflow = Workflow(100)
        made = workflow.add_caesar_extractor("question", "complete", "T1", {"if_missing": "ignore"})
        summed = workflow.add_caesar_reducer("count", "count", {"filters": {"from": 1}})
    else:
        options: JSON = {"if_missing": "ignore"}
        made = alice.create_workflow_extractor(100, "complete", "question", "T1", options)
        summed = alice.create_workflow_reducer(100, "count", "count", {"filters": {"from": 1}})
    kept = row(app, Extractor, made)
    assert (kept.key, kept.type) == ("complete", "question")
    assert kept.config == made["config"] == {"task_key": "T1", "if_missing": "ignore"}
    kept = row(app, Reducer, summed)
    assert (kept.key, kept.type, kept.filters) == ("count", "count", {"from": 1})
    assert kept.filters == summed["filters"]


@pytest.mark.parametrize("type_name", ["who", "blank", "survey"])
def test_every_extractor_takes_the_task_that_the_client_always_sends(
    app: Flask, alice: Caesar, type_name: str
) -> None:
    made = alice.create_workflow_extractor(100, "k", type_name)
    assert row(app, Extractor, made).type == type_name


EFFECTS: list[tuple[str, str, JSON]] = [
    ("subject", "retire_subject", {"reason": "consensus"}),
    ("subject", "add_subject_to_set", {"subject_set_id": 11}),
    ("subject", "add_to_collection", {"collection_id": 5}),  # as the client calls it (B25)
    ("subject", "external", {"url": "https://example.org/hook", "reducer_key": "counts"}),
    ("user", "promote_user", {"workflow_id": 101}),
]


@pytest.mark.parametrize("by_workflow", [False, True])
def test_rules_and_effects_are_added(app: Flask, alice: Caesar, by_workflow: bool) -> None:
    rule_ids = {}
    for topic, table in {"subject": SubjectRule, "user": UserRule}.items():
        if by_workflow:
            made = Workflow(100).add_caesar_rule(CONDITION, topic)
        else:
            made = alice.create_workflow_rule(100, topic, CONDITION)
        assert row(app, table, made).condition == CONDITION
        rule_ids[topic] = made["id"]
    for topic, action, config in EFFECTS:
        if by_workflow:
            add: Any = Workflow(100).add_caesar_rule_effect
        else:
            add = partial(alice.create_workflow_rule_effect, 100)
        made = add(topic, rule_ids[topic], action, config)
        kept = row(app, UserRuleEffect if topic == "user" else SubjectRuleEffect, made)
        assert kept.action == ("add_subject_to_collection" if "collection" in action else action)
        assert kept.config == made["config"] == config
    assert len(Workflow(100).caesar_effects("subject", rule_ids["subject"])) == 4


def test_what_is_refused_is_told_in_words(app: Flask, alice: Caesar) -> None:
    add_effect = partial(alice.create_workflow_rule_effect, 100, "subject", 1)
    refused: dict[str, Callable[[], Any]] = {
        "is empty": lambda: alice.create_workflow_rule(100, "subject"),  # its own default
        "lookup needs a key": lambda: alice.create_workflow_rule(100, "subject", '["lookup"]'),
        "Key has already": lambda: alice.create_workflow_extractor(100, "species", "who"),
        "Key can't be blank": lambda: alice.create_workflow_extractor(100, "", "who"),
        "field must be given": lambda: alice.create_workflow_reducer(100, "unique_count", "u"),
        "that you may not": lambda: add_effect("add_subject_to_set", {"subject_set_id": 8}),
        "no collection": lambda: add_effect("add_to_collection", {"collection_id": 999}),
        "reason: must be one of": lambda: add_effect("retire_subject", {"reason": "zzz"}),
        "an https URL": lambda: add_effect("external", {"url": "http://example.org/"}),
        "file: ": lambda: alice.import_data_extracts(100, "http://example.org/a.csv"),
        "CSV must be included": lambda: alice.import_data_extracts(100, ""),
        "at status: must be": lambda: alice.http_put("workflows/100", json={"status": "asleep"}),
        "cannot be a key": lambda: alice.http_put(
            "workflows/100/extractors/1", json={"key": "a b"}
        ),
    }
    tables = (Extractor, Reducer, SubjectRule, SubjectRuleEffect, Run)
    before = [len(rows(app, table)) for table in tables]
    for says, call in refused.items():
        with pytest.raises(PanoptesAPIException, match=says):
            call()
    assert [len(rows(app, table)) for table in tables] == before


def test_what_it_has_no_method_for(app: Flask, alice: Caesar) -> None:
    found, tag = alice.http_get("workflows")
    assert [one["id"] for one in found] == [100, 200]
    assert tag.startswith('W/"')
    sent: JSON = {"subject_id": 1001, "classification_id": 7, "data": {"LION": 3}}
    made, _ = alice.http_post("workflows/100/extractors/mine/extracts", json=sent)
    assert row(app, Extract, made).data == {"LION": 3}
    pushed: JSON = {"reduction": {"subject_id": 1001, "data": {"LION": 5}}}
    made, _ = alice.http_put("workflows/100/reducers/counts/reductions", json=pushed)
    assert row(app, SubjectReduction, made).data == {"LION": 5}


def test_an_import_is_begun(app: Flask, alice: Caesar) -> None:
    assert alice.import_data_extracts(100, FILE) == (None, None)
    assert Workflow(100).import_caesar_data_extracts(FILE) == (None, None)
    (run,) = rows(app, Run)
    assert (run.kind, run.reducible_id, run.options) == ("import", 100, {"url": FILE})


def test_b23_what_it_removes_is_gone_and_it_is_told_nothing(app: Flask, alice: Caesar) -> None:
    (extractor,), (reducer,) = rows(app, Extractor), rows(app, Reducer)
    for path in (
        "subject_rules/1/subject_rule_effects/1",
        "subject_rules/1",
        "user_rules/1/user_rule_effects/1",
        "user_rules/1",
        f"extractors/{extractor.id}",
        f"reducers/{reducer.id}",
    ):
        assert alice.http_delete(f"workflows/100/{path}") == (None, None)
        with pytest.raises(PanoptesAPIException, match="Couldn't find"):
            alice.http_delete(f"workflows/100/{path}")
    assert (rows(app, Extractor), rows(app, Reducer)) == ([], [])
    for table in (SubjectRule, UserRule):
        assert [one.workflow_id for one in rows(app, table)] == [200, 300]


ALICE_EFFECTS = [
    ("external", {"url": "https://tove.zooniverse.org/import", "reducer_key": "alice"}),
    ("retire_subject", {"reason": "consensus"}),
    ("external", {"url": "https://tove.zooniverse.org/import", "reducer_key": "alice"}),
    ("retire_subject", {"reason": "classification_count"}),
]


AGGREGATION = "https://aggregation-caesar.zooniverse.org"


def test_a_configuration_for_alice(app: Flask, alice: Caesar) -> None:
    workflow = Workflow(101)
    workflow.configure_for_alice()
    (kept,) = rows(app, Row, id=101)
    assert (kept.public_extracts, kept.public_reductions) == (True, True)
    extractors = {one.key: one for one in rows(app, Extractor, workflow_id=101)}
    assert extractors["complete"].config == {"task_key": "T1", "if_missing": "ignore"}
    assert extractors["alice"].type == "external"
    assert (
        extractors["alice"]
        .config["url"]
        .startswith(f"{AGGREGATION}/extractors/line_text_extractor")
    )
    reducers = {one.key: one for one in rows(app, Reducer, reducible_id=101)}
    assert {key: one.type for key, one in reducers.items()} == {
        "alice": "external",
        "complete": "stats",
        "count": "count",
    }
    url = f"{AGGREGATION}/reducers/optics_line_text_reducer"
    assert reducers["alice"].config == {"url": f"{url}?minimum_views=5&low_consensus_threshold=3"}
    assert reducers["alice"].filters["extractor_keys"] == ["alice"]
    rules = rows(app, SubjectRule, workflow_id=101)
    assert [json.loads(one.condition)[1:] for one in rules] == [
        [["lookup", "complete.0", 0], ["const", 3]],
        [["lookup", "count.classifications", 0], ["const", 30]],
    ]
    effects = [
        (one.action, one.config)
        for rule in rules
        for one in rows(app, SubjectRuleEffect, subject_rule_id=rule.id)
    ]
    assert effects == ALICE_EFFECTS


def test_the_steps_of_a_configuration_for_alice(app: Flask, alice: Caesar) -> None:
    workflow = Workflow(200)
    workflow.add_alice_extractors(alice_task_key="T5")
    workflow.add_alice_reducers(alice_min_views=7)
    workflow.add_alice_rules_and_effects()
    urls = [one.config.get("url", "") for one in rows(app, Extractor, workflow_id=200)]
    assert f"{AGGREGATION}/extractors/line_text_extractor?task=T5" in urls
    urls = [one.config.get("url", "") for one in rows(app, Reducer, reducible_id=200)]
    assert any("minimum_views=7" in url for url in urls)
    assert len(rows(app, SubjectRule, workflow_id=200)) == 3
    with pytest.raises(PanoptesAPIException, match="Key has already been taken"):
        workflow.add_alice_extractors()


def test_every_method_is_called_here() -> None:
    methods = {name for name in vars(Caesar) if not name.startswith(("_", "validate_"))}
    methods |= {name for name in vars(Workflow) if "caesar" in name or "alice" in name}
    methods -= {"EXTRACTOR_TYPES", "REDUCER_TYPES", "RULE_TO_ACTION_TYPES"}
    assert len(methods) > 25
    text = Path(__file__).read_text("utf-8")
    assert {name for name in methods if f".{name}" not in text} == set()
