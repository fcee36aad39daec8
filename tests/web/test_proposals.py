"""The page of proposals: tick, check, accept, and what a configuration made so then does."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from caesar_web.store import transfer
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Revision, SubjectRule, Workflow
from caesar_web.store.db import db
from tests.factories import give, make_event
from tests.pages import Element, visit
from tests.people import BROWSER, PassingTime, csrf_token, later, sign_in
from tests.pipeline.steps import process, receive
from tests.served import page_of, three_projects
from tests.standin.server import StandinServer
from tests.web.parts import problems, ticked, typed, words

CAMERA = "/workflows/200/propose"
BLANK = "recipe:first_say:T0"
BLANK_PEOPLE = f"{BLANK}:people"
BLANK_ANSWER = f"{BLANK}:answer"
AGREE = "recipe:agree:T0"
EMPTY: dict[str, Any] = {
    "extractors_config": {},
    "reducers_config": {},
    "rules_config": [],
    "user_rules_config": [],
}
FIRST_3 = [
    "and",
    ["eq", ["lookup", "T0_first3.most_likely", ""], ["const", "NOTHINGHERE"]],
    ["gte", ["lookup", "T0_first3.num_votes", 0], ["const", 3]],
]


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer, clock: Any) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin, clock=clock) as app:
        configure(app, **EMPTY)
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    return client


def configure(app: Flask, **document: Any) -> None:
    with app.app_context(), db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 200), document)


def configured(app: Flask) -> dict[str, Any]:
    with app.app_context(), db.session.begin():
        return transfer.show(db.session(), db.session.get_one(Workflow, 200))


def revisions(app: Flask) -> int:
    with app.app_context():
        wanted = select(func.count()).where(Revision.reducible_id == 200)
        return db.session.scalar(wanted) or 0


def tick(client: FlaskClient, *names: str, **fields: str) -> TestResponse:
    """Sends the page with these boxes ticked; its other fields as they are."""
    sent = MultiDict([("csrf_token", csrf_token(client)), *fields.items()])
    sent.setlist("offer", list(names))
    return client.post(CAMERA, data=sent, headers=BROWSER)


def see(app: Flask, choices: list[str | None], *, subject: int = 1, begin: int = 1) -> list[str]:
    """Volunteers classify a subject; gives the actions that come of it, by their reasons."""
    with app.app_context():
        receive(
            make_event(id, subject=subject, user=id, workflow=200, project=20, choice=choice)
            for id, choice in enumerate(choices, begin)
        )
        process(200)
        rows = db.session.scalars(select(SubjectAction).filter_by(subject_id=subject))
        return [row.config["reason"] for row in rows]


def boxes(page: Element) -> dict[str, dict[str, str]]:
    found = [one.attributes for one in page.all("input") if one.attributes["name"] == "offer"]
    return {one["value"]: one for one in found}


def test_the_best_is_ticked_and_explained_before_anything_is_saved(
    app: Flask, alice: FlaskClient
) -> None:
    before = revisions(app)
    page = visit(alice, CAMERA)
    assert ticked(page, "offer") == [
        BLANK,
        "reducer:T0_counts",
        "reducer:T1_counts",
        "extractor:T0",
        "extractor:T1",
    ]
    assert "once the first 3 people all answer “Nothing here” to the survey T0." in page.text
    assert 'If the leading answer in T0_first3 is "NOTHINGHERE"' in page.text
    assert "Brings along: extractor T0 and reducer T0_first3" in page.text
    assert typed(page, BLANK_PEOPLE) == "3"
    assert "Are there any young?" in page.text
    assert "Lion · Elephant · " in page.text
    assert "and 2 more" in page.text
    assert "What is asked of each choice (How many?, What are they doing?)" in page.text
    assert revisions(app) == before


def test_what_is_accepted_is_saved_at_once_and_then_retires(app: Flask, alice: FlaskClient) -> None:
    before = revisions(app)
    answer = tick(alice, BLANK)
    assert answer.status_code == 302
    page = visit(alice, answer.location)
    assert "Added: extractor T0, reducer T0_first3, 1 rule." in page.text
    saved = configured(app)
    assert saved["extractors_config"] == {
        "T0": {"type": "survey", "task_key": "T0", "if_missing": "ignore"}
    }
    assert list(saved["reducers_config"]) == ["T0_first3"]
    assert saved["rules_config"] == [
        {"if": FIRST_3, "then": [{"action": "retire_subject", "reason": "nothing_here"}]}
    ]
    assert revisions(app) == before + 1
    with app.app_context():
        (rule_id,) = db.session.scalars(select(SubjectRule.id).filter_by(workflow_id=200))
    assert answer.location == f"/workflows/200/subject_rules/{rule_id}"
    assert see(app, ["NOTHINGHERE"] * 2) == []
    assert see(app, ["NOTHINGHERE"], begin=3) == ["nothing_here"]
    assert see(app, ["LION", *["NOTHINGHERE"] * 3], subject=2, begin=4) == []


def test_the_first_three_can_be_the_first_five(app: Flask, alice: FlaskClient) -> None:
    number = {BLANK_PEOPLE: " 5 "}
    checked = page_of(tick(alice, BLANK, check="1", **number))
    assert "once the first 5 people all answer" in checked.text
    assert typed(checked, BLANK_PEOPLE) == "5"
    assert tick(alice, BLANK, **number).status_code == 302
    assert configured(app)["reducers_config"]["T0_first5"]["filters"]["to"] == 4


def test_the_first_three_can_all_say_something_else(app: Flask, alice: FlaskClient) -> None:
    assert typed(visit(alice, CAMERA), BLANK_ANSWER) == "NOTHINGHERE"
    other = {BLANK_ANSWER: "LION"}
    checked = page_of(tick(alice, BLANK, check="1", **other))
    assert "Retire a subject once the first 3 people all answer “Lion”" in checked.text
    assert typed(checked, BLANK_ANSWER) == "LION"
    assert tick(alice, BLANK, **other).status_code == 302
    assert see(app, ["NOTHINGHERE"] * 3) == []
    assert see(app, ["LION"] * 3, subject=2, begin=4) == ["consensus"]


def test_an_answer_is_kept_beside_a_number_that_is_none(alice: FlaskClient) -> None:
    answer = tick(alice, BLANK, **{BLANK_ANSWER: "LION", BLANK_PEOPLE: "0"})
    assert answer.status_code == 422
    assert typed(page_of(answer), BLANK_ANSWER) == "LION"


def test_an_answer_that_the_task_does_not_have(app: Flask, alice: FlaskClient) -> None:
    before = configured(app)
    answer = tick(alice, BLANK, **{BLANK_ANSWER: "UNICORN"})
    assert answer.status_code == 422
    assert problems(page_of(answer)) == ["This must be an answer of the task."]
    assert configured(app) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [("0", "This must be 1 or more."), ("<b>", "This must be a whole number.")],
)
def test_a_number_that_is_none_comes_back_with_its_words(
    app: Flask, alice: FlaskClient, text: str, says: str
) -> None:
    before = configured(app)
    answer = tick(alice, BLANK, AGREE, **{BLANK_PEOPLE: text})
    assert answer.status_code == 422
    page = page_of(answer)
    assert problems(page) == [says]
    assert typed(page, BLANK_PEOPLE) == text
    assert set(ticked(page, "offer")) == {BLANK, AGREE}
    assert configured(app) == before


def test_accepting_twice_adds_nothing(app: Flask, alice: FlaskClient) -> None:
    tick(alice, BLANK, "extractor:who")
    saved, number = configured(app), revisions(app)
    again = tick(alice, BLANK, "extractor:who")
    assert again.location == "/workflows/200"
    assert "is there already" in visit(alice, again.location).text
    assert (configured(app), revisions(app)) == (saved, number)
    page = visit(alice, CAMERA)
    assert {name for name, box in boxes(page).items() if "disabled" in box} == {
        BLANK,
        "extractor:T0",
        "extractor:who",
    }
    assert page.text.count("Already there") == 3
    assert not [name for name in ticked(page, "offer") if name.startswith("recipe:")]
    page = page_of(tick(alice, check="1", **{BLANK_PEOPLE: "4"}))
    assert "It adds nothing" in words(page, "checked")
    assert "disabled" not in boxes(page)[BLANK]


@pytest.mark.parametrize("names", [(), ("recipe:forged", "extractor:<b>")])
def test_nothing_ticked_and_what_was_never_offered(
    app: Flask, alice: FlaskClient, names: tuple[str, ...]
) -> None:
    before = configured(app)
    answer = tick(alice, *names)
    assert answer.status_code == 422
    assert problems(page_of(answer)) == ["Tick what you want to have."]
    assert configured(app) == before
    tick(alice, "extractor:who", *names)
    assert list(configured(app)["extractors_config"]) == ["who"]


def test_a_key_that_is_taken_is_left_alone(app: Flask, alice: FlaskClient) -> None:
    other = {"type": "question", "task_key": "T9"}
    configure(app, extractors_config={"T0": other})
    assert "Brings along: extractor T0_2 and reducer T0_first3" in visit(alice, CAMERA).text
    tick(alice, BLANK)
    saved = configured(app)
    assert saved["extractors_config"]["T0"] == other
    assert saved["reducers_config"]["T0_first3"]["filters"]["extractor_keys"] == ["T0_2"]


def test_checking_says_what_it_would_do_with_the_subjects_and_saves_nothing(
    app: Flask, alice: FlaskClient
) -> None:
    configure(app, extractors_config={"T0": {"type": "survey"}})
    see(app, ["NOTHINGHERE"] * 3)
    see(app, ["LION"] * 3, subject=2, begin=4)
    before, number = configured(app), revisions(app)
    page = page_of(tick(alice, BLANK, check="1"))
    assert (configured(app), revisions(app)) == (before, number)
    told = words(page, "checked")
    assert "It adds: extractor T0_2, reducer T0_first3, 1 rule. Nothing is saved yet." in told
    assert "1 of the latest 2 subjects matches." in told
    assert "Why, for example subject 1" in told
    assert set(ticked(page, "offer")) == {BLANK}


def first(condition: list[Any]) -> dict[str, Any]:
    rules = [{"if": condition, "then": []}]
    return {"rules_applied": "first_matching_rule", "rules_config": rules}


@pytest.mark.parametrize(
    ("document", "names", "warning"),
    [
        ({"rules_applied": "no_rules"}, [AGREE], "say that no rules are applied"),
        (first(["const", True]), [AGREE], "R2 can never run: R1 always matches first."),
        (first(["const", False]), [AGREE], "and a new one comes last"),
        (
            {"reducers_config": {"all": {"type": "stats"}}},
            ["extractor:who"],
            "Looks at all extractors, and so at the new ones from now on: reducer all.",
        ),
    ],
)
def test_what_surprises_is_seen_before_it_is_saved(
    app: Flask, alice: FlaskClient, document: dict[str, Any], names: list[str], warning: str
) -> None:
    configure(app, **document)
    before = configured(app)
    page = page_of(tick(alice, *names))
    assert "Nothing is saved yet. Look at the warnings" in page.text
    assert warning in words(page, "warnings")
    assert configured(app) == before
    assert tick(alice, *names, seen=typed(page, "seen")).status_code == 302
    assert configured(app) != before


def test_what_was_ticked_is_kept_when_the_session_has_ended(
    app: Flask, alice: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    token = csrf_token(alice)
    standin.reset()
    later(clock, standin, timedelta(hours=3))
    sent = {"offer": AGREE, f"{AGREE}:people": "7", "csrf_token": token}
    assert alice.post(CAMERA, data=sent, headers=BROWSER).status_code == 401
    sign_in(alice, "alice")
    page = visit(alice, CAMERA)
    assert ticked(page, "offer") == [AGREE]
    assert "once 7 people give exactly the same answer" in page.text
    assert configured(app)["rules_config"] == []


def test_while_panoptes_is_away_it_can_be_done_by_hand(
    alice: FlaskClient, standin: StandinServer
) -> None:
    token = csrf_token(alice)
    standin.fail("^/api/workflows", times=-1, status=503)
    page = visit(alice, CAMERA)
    assert "The workflow’s tasks cannot be read from Zooniverse at the moment." in page.text
    assert "/workflows/200/extractors" in [link.attributes["href"] for link in page.all("a")]
    answer = alice.post(CAMERA, data={"offer": BLANK, "csrf_token": token}, headers=BROWSER)
    assert answer.status_code == 503


def test_a_configuration_that_cannot_be_read_is_said(app: Flask, alice: FlaskClient) -> None:
    configure(app, rules_config=[{"if": ["const", True], "then": []}])
    with app.app_context(), db.session.begin():
        (rule,) = db.session.scalars(select(SubjectRule).filter_by(workflow_id=200))
        rule.condition = json.dumps(["what"])
    assert "cannot be used as it is; mend it first" in visit(alice, CAMERA).text
