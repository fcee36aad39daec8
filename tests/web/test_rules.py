"""The editor of rules without any script: its buttons, its warnings, its preview, saving."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.domain.options import MASK
from caesar_web.store.configuration import Revision, SubjectRule, UserRule, Workflow
from caesar_web.store.db import db
from tests.domain.making import golden
from tests.factories import LIONS, give, make_event
from tests.pages import Element, filled, visit
from tests.people import BROWSER, sign_in, without_tokens
from tests.pipeline.steps import process, receive
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer

LION = ["gt", ["lookup", "counts.lion", 0], ["const", 4]]
RULES = "/workflows/100/rules"
NEW = "/workflows/100/subject_rules/new"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    visit(client, "/session")  # shows what it has to say, once
    return client


@pytest.fixture
def lions(app: Flask) -> int:
    """Five subjects; the first was seen as a lion once, the second twice, and so on."""
    with app.app_context():
        with db.session.begin():
            give(db.session(), db.session.get_one(Workflow, 100), LIONS)
        ids = iter(range(1, 100))
        receive(
            [
                make_event(next(ids), subject=subject, user=user, choice="lion")
                for subject in range(1, 6)
                for user in range(1, subject + 1)
            ]
        )
        process()
        return db.session.scalars(select(SubjectRule.id).filter_by(workflow_id=100)).one()


def editor_of(page: Element) -> Element:
    return next(one for one in page.all("form") if one.attributes.get("id") == "editor-form")


def press(client: FlaskClient, path: str, page: Element, **given: str) -> Element:
    """Sends the form of the editor with what was typed and pressed, and looks at the answer."""
    fields = filled(editor_of(page)) | given
    response = client.post(path, data=fields, headers=BROWSER)
    answered = page_of(response)
    is_wrong = "Error: " in answered.all("title")[0].text
    assert response.status_code == (422 if is_wrong else 200), response.text
    return answered


def save(client: FlaskClient, path: str, page: Element, **given: str) -> None:
    fields = filled(editor_of(page)) | {"save": "1"} | given
    response = client.post(path, data=fields, headers=BROWSER)
    assert (response.status_code, response.location) == (302, RULES), page_of(response).text


def buttons(page: Element, name: str = "do") -> dict[str, str]:
    """The buttons of the editor: what they are called, and what they send."""
    return {
        one.attributes.get("aria-label", one.text): one.attributes.get("value", "")
        for one in editor_of(page).all("button")
        if one.attributes.get("name") == name
    }


def sentence(page: Element) -> str:
    return " ".join(
        next(one for one in page.walk() if one.attributes.get("id") == "sentence").text.split()
    )


def rule(app: Flask, id: int) -> tuple[str, list[Any]]:
    with app.app_context():
        row = db.session.get_one(SubjectRule, id)
        return row.condition, [
            (one.id, one.revision, one.action, one.config) for one in row.effects
        ]


def test_a_rule_is_written_and_saved(app: Flask, alice: FlaskClient, lions: int) -> None:
    page = visit(alice, NEW)
    assert "do nothing" in sentence(page)
    page = press(alice, NEW, page, do="effect-add:retire_subject")
    page = press(
        alice,
        NEW,
        page,
        **{"c.1:key": "counts.lion", "c.2:value": "3", "effect-0-reason": "human"},
    )
    assert sentence(page).startswith("If counts → lion is at least 3")
    assert 'retire the subject as "human"' in sentence(page)
    assert "3 of the latest 5 subjects match (60 %)." in page.text
    save(alice, NEW, page, note="as Amy asked")
    with app.app_context():
        rows = db.session.scalars(select(SubjectRule).filter_by(workflow_id=100)).all()
        assert [row.condition for row in rows][1:] == [
            '["gte", ["lookup", "counts.lion", 0], ["const", 3]]'
        ]
        assert [(one.action, one.config) for one in rows[1].effects] == [
            ("retire_subject", {"reason": "human"})
        ]
        last = db.session.scalars(select(Revision).order_by(Revision.id.desc())).first()
        assert last is not None
        assert (last.author, last.note) == ("alice", "as Amy asked")
    assert "The rule is saved." in visit(alice, RULES).text


@pytest.mark.parametrize("number", [1, 5, 10, 14, 18, 23])
def test_a_pattern_opens_and_stays_as_it_is(app: Flask, alice: FlaskClient, number: int) -> None:
    path = "/workflows/100/subject_rules/1"
    (condition,) = [
        one["condition"]
        for one in golden("conditions")
        if one["why"].startswith(f"pattern {number}:")
    ]
    text = json.dumps(condition, indent=number % 3)
    with app.app_context(), db.session.begin():
        db.session.get_one(SubjectRule, 1).condition = text
    page = visit(alice, path)
    assert "c:kind" in filled(editor_of(page))
    save(alice, path, page)
    assert rule(app, 1)[0] == text


def test_the_buttons_edit_the_condition(app: Flask, alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    page = visit(alice, path)
    for name in ("Into “any of”", "Add a condition to", "Move down", "Not: counts → lion is more"):
        asked = next(value for label, value in buttons(page).items() if label.startswith(name))
        page = press(alice, path, page, do=asked)
    save(alice, path, page)
    begun = ["gte", ["lookup", "counts.lion", 0], ["const", 1]]
    assert json.loads(rule(app, lions)[0]) == ["or", begun, ["not", LION]]


def test_broken_json_is_kept_with_the_place(alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    text = '["gt",\n  ["lookup" "counts.lion", 0]]'
    page = press(alice, path, visit(alice, path), condition=text)
    assert "Line 2, column 13" in page.text
    assert filled(editor_of(page))["condition"] == text
    assert "c:kind" not in filled(editor_of(page))
    page = press(alice, path, page, condition=json.dumps(["not", LION]))
    assert sentence(page).startswith("If counts → lion is not more than 4")


def test_a_lookup_without_a_default_is_mended_with_one_click(
    alice: FlaskClient, lions: int
) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    text = '["gt", ["lookup", "counts.lion"], ["const", 4]]'
    page = press(alice, path, visit(alice, path), condition=text)
    assert "Add a default for when it is missing." in page.text
    page = press(alice, path, page, do=buttons(page)["Use 0 when it is missing"])
    assert json.loads(filled(editor_of(page))["condition"]) == LION


def test_a_warning_has_a_fix(alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    text = json.dumps(["gte", ["lookup", "subject.mag", 0], ["const", "HUMAN"]])
    page = press(alice, path, visit(alice, path), condition=text)
    assert "Warning:" in page.text or "Error:" in page.text
    offered = [value for value in buttons(page).values() if value.startswith("put:")]
    assert offered
    assert press(alice, path, page, do=offered[0]) is not None


def test_what_cannot_be_read_is_said_at_its_field(alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    page = press(alice, path, visit(alice, path), save="1", **{"c.2:value": "many"})
    fields = filled(editor_of(page))
    assert fields["c.2:value"] == "many"
    assert "“many” is not a number" in page.text
    assert json.loads(fields["condition"]) == LION


def test_another_kind_says_first_what_it_would_lose(alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    page = press(alice, path, visit(alice, path), **{"c:kind": "not"})
    assert 'would lose ["const", 4]' in page.text
    assert json.loads(filled(editor_of(page))["condition"]) == LION
    page = press(alice, path, page, do=buttons(page)["Change it anyway"])
    assert json.loads(filled(editor_of(page))["condition"]) == ["not", LION[1]]


def test_json_and_fields_changed_at_once_lose_nothing_in_silence(
    alice: FlaskClient, lions: int
) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    page = visit(alice, path)
    page = press(alice, path, page, condition='["const", true]', **{"c.2:value": "9"})
    assert "You changed both the JSON and the fields." in page.text
    assert filled(editor_of(page))["condition"] == '["const", true]'


def test_the_preview_says_what_would_happen_and_why(alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    page = visit(alice, path)
    assert "1 of the latest 5 subjects matches (20 %)." in page.text
    assert "1 more would match if counts.lion > 4 were > 3." in page.text
    page = press(alice, path, page, **{"c.2:value": "3"})
    assert "1 newly matches" in page.text
    assert "has acted" in page.text
    page = press(alice, path, page, why="4")
    assert "Why subject 4" in page.text
    assert "counts → lion (0 when missing) is 4" in page.text


def test_nothing_is_changed_by_looking(app: Flask, alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    before = rule(app, lions)
    page = press(alice, path, visit(alice, path), **{"c.2:value": "3"})
    press(alice, path, page, why="4")
    with app.app_context():
        revisions = db.session.scalars(select(Revision).filter_by(reducible_id=100)).all()
    assert rule(app, lions) == before
    assert len(revisions) == 2  # as the test has made them


def test_a_foreign_target_is_refused_at_its_field(
    app: Flask, alice: FlaskClient, lions: int
) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    before = rule(app, lions)
    page = press(alice, path, visit(alice, path), do="effect-add:add_subject_to_set")
    names = editor_of(page).text
    assert "Hard cases" in names  # by name
    page = press(alice, path, page, save="1", **{"effect-1-subject_set_id-other": "8"})
    assert "belongs to a project that you may not change" in page.text
    assert filled(editor_of(page))["effect-1-subject_set_id"] == "8"
    assert rule(app, lions) == before


def test_a_secret_is_kept_by_its_mask(app: Flask, alice: FlaskClient) -> None:
    path = "/workflows/100/subject_rules/1"
    page = visit(alice, path)
    assert filled(editor_of(page))["effect-1-password"] == MASK
    before = rule(app, 1)
    save(alice, path, page)
    assert rule(app, 1) == before
    assert "s3cret" not in visit(alice, path).text


def test_somebody_else_was_first(app: Flask, alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    mine = visit(alice, path)
    save(alice, path, visit(alice, path), **{"c.2:value": "7"})
    page = press(alice, path, mine, save="1", **{"c.2:value": "6"})
    assert "Somebody has changed this rule since you opened it." in page.text
    assert filled(editor_of(page))["c.2:value"] == "6"
    assert json.loads(rule(app, lions)[0])[2] == ["const", 7]


def test_a_rule_that_was_removed_meanwhile_becomes_a_new_one(
    app: Flask, alice: FlaskClient, lions: int
) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    mine = visit(alice, path)
    kept = rule(app, lions)
    assert send(alice, f"{path}/remove").status_code == 302
    looked = press(alice, path, mine, do="", **{"c.2:value": "6"})  # until it is to be saved
    page = press(alice, path, looked, save="1")
    assert "Somebody has removed this rule since you opened it. Save once more" in page.text
    assert filled(editor_of(page))["c.2:value"] == "6"
    assert editor_of(page).attributes["action"] == NEW
    save(alice, NEW, page)
    with app.app_context():
        new = db.session.scalars(select(SubjectRule.id).filter_by(workflow_id=100)).one()
    condition, effects = rule(app, new)
    assert json.loads(condition) == [*LION[:2], ["const", 6]]
    assert [one[2:] for one in effects] == [one[2:] for one in kept[1]]


def test_a_secret_of_a_removed_rule_is_to_be_given_again(app: Flask, alice: FlaskClient) -> None:
    path = "/workflows/100/subject_rules/1"
    mine = visit(alice, path)
    assert send(alice, f"{path}/remove").status_code == 302
    page = press(alice, NEW, press(alice, path, mine, save="1"), save="1")
    assert filled(editor_of(page))["effect-1-username"] == "kade"
    (problem,) = (one.text for one in page.walk() if one.attributes.get("class") == "problem")
    assert problem == "must be given: there is nothing kept that the mask could stand for"
    save(alice, NEW, page, **{"effect-1-password": "again"})


def test_rules_move_and_go(app: Flask, alice: FlaskClient, lions: int) -> None:
    save(alice, NEW, visit(alice, NEW))
    with app.app_context():
        ids = list(db.session.scalars(select(SubjectRule.id).filter_by(workflow_id=100)))
    token = filled(visit(alice, RULES).all("form")[0])["csrf_token"]
    moving = f"/workflows/100/subject_rules/{ids[1]}/move"
    assert alice.post(moving, data={"step": "-1", "csrf_token": token}).status_code == 302
    links = [one.attributes["href"] for one in visit(alice, RULES).all("a")]
    own = [link for link in links if link.rpartition("/")[0] == "/workflows/100/subject_rules"]
    assert own[:2] == [f"/workflows/100/subject_rules/{id}" for id in reversed(ids)]
    removing = f"/workflows/100/subject_rules/{ids[0]}/remove"
    assert "1 effects go with it" in visit(alice, removing).text
    assert alice.post(removing, data={"csrf_token": token}).status_code == 302
    with app.app_context():
        assert db.session.get(SubjectRule, ids[0]) is None


@pytest.mark.parametrize("place", ["subject_rules/3", "subject_rules/3/remove", "user_rules/99"])
def test_ids_of_other_workflows_lead_nowhere(alice: FlaskClient, place: str) -> None:
    visit(alice, f"/workflows/100/{place}", status=404)


def test_rules_of_volunteers(app: Flask, alice: FlaskClient) -> None:
    path = "/workflows/100/user_rules/new"
    page = press(alice, path, visit(alice, path), do="effect-add:promote_user")
    assert "retire the subject" not in buttons(page)
    page = press(alice, path, page, **{"effect-0-workflow_id-other": "101"})
    page = press(alice, path, page, do="effect-add:set_subject_set_chances")
    chance = {"effect-1-subject_set_id-other": "11", "effect-1-chance": "0.5"}
    page = press(alice, path, page, **chance)
    assert "give the volunteer subjects of subject set 11 with a chance of 0.5" in page.text
    save(alice, path, page)
    with app.app_context():
        rows = db.session.scalars(select(UserRule).filter_by(workflow_id=100)).all()
        assert [one.config for one in rows[1].effects] == [
            {"workflow_id": 101},
            {"subject_set_id": 11, "chance": 0.5},
        ]


def test_what_first_matching_hides_is_said(app: Flask, alice: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        always = {"if": ["const", True], "then": []}
        document = {"rules_applied": "first_matching_rule", "rules_config": [always, always]}
        give(db.session(), db.session.get_one(Workflow, 100), document)
    assert "R2 can never run" in visit(alice, RULES).text


def test_a_part_alone_is_what_the_script_gets(alice: FlaskClient, lions: int) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    fields = filled(editor_of(visit(alice, path)))
    part = alice.post(path, data=fields, headers={**BROWSER, "X-Part": "editor"})
    assert part.status_code == 200
    assert "<html" not in part.text
    whole = alice.post(path, data=fields, headers=BROWSER)
    assert without_tokens(part.text) in without_tokens(whole.text)


@pytest.mark.parametrize(
    "pasted",
    [
        "['gt', ['lookup', 'counts.lion', 0], ['const', 4]]",
        json.dumps({"subject_rule": {"condition": LION}}),
    ],
)
def test_what_is_pasted_is_offered_as_it_should_be(
    alice: FlaskClient, lions: int, pasted: str
) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    page = press(alice, path, visit(alice, path), condition=pasted)
    assert filled(editor_of(page))["condition"] == pasted
    page = press(alice, path, page, do=buttons(page)["Use this"])
    assert json.loads(filled(editor_of(page))["condition"]) == LION


def test_what_can_be_looked_up_is_offered_with_what_is_known(
    alice: FlaskClient, lions: int
) -> None:
    path = f"/workflows/100/subject_rules/{lions}"
    lists = {
        one.attributes["id"]: {each.attributes["value"]: each.text for each in one.all("option")}
        for one in editor_of(visit(alice, path)).all("datalist")
    }
    assert lists["keys"]["counts.lion"].startswith("a number in 5 of 5 subjects: 1 to 5")
    assert "subject.zooniverse_subject_id" in lists["keys"]
    assert set(lists["entry-keys"]) == {"key", "value"}
    assert set(lists["c-usual"]) == {"1", "2", "3", "4", "5"}


def test_a_recipe_opens_in_the_editor_and_is_saved_with_what_it_needs(
    app: Flask, alice: FlaskClient
) -> None:
    with app.app_context():
        receive(
            [
                make_event(10 * subject + user, subject=subject, user=user)
                for subject in range(1, 6)
                for user in range(1, subject + 1)
            ]
        )
    asked = "recipe=first_say&people=2&answer=0&task_key=T0&reason=blank"
    page = visit(alice, f"{NEW}?{asked}")
    assert sentence(page).startswith('If the leading answer in first2 is "0"')
    assert "also adds what it needs: extractors answers; reducers first2." in page.text
    assert "4 of the latest 5 subjects match (80 %)." in page.text  # as if they were there already
    page = press(alice, NEW, page, why="1")
    assert "in first2 (0 when missing) is 1" in page.text
    with app.app_context():
        before = db.session.get_one(Workflow, 100).revision
    save(alice, NEW, page)
    with app.app_context():
        workflow = db.session.get_one(Workflow, 100)
        assert workflow.revision == before + 1
        assert [one.key for one in workflow.extractors] == ["answers"]
        (made,) = workflow.subject_rules[1:]
        assert (made.effects[0].action, made.effects[0].config) == (
            "retire_subject",
            {"reason": "blank"},
        )


def test_a_recipe_with_a_wrong_value_is_asked_again(alice: FlaskClient) -> None:
    page = visit(alice, f"{NEW}?recipe=first_say&people=0&answer=lion", status=422)
    assert "must be 1 or more" in page.text
    visit(alice, f"{NEW}?recipe=nonsense", status=404)


@pytest.mark.parametrize("also", ["[", "[]", '{"rules_config": []}', '{"extractors_config": 5}'])
def test_what_is_added_cannot_be_forged_into_a_fault(alice: FlaskClient, also: str) -> None:
    fields = filled(editor_of(visit(alice, NEW))) | {"also": also, "save": "1"}
    response = alice.post(NEW, data=fields, headers=BROWSER)
    assert response.status_code == 400


def test_a_configuration_that_came_later_is_rehearsed(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        receive([make_event(id, subject=id, user=1, choice="lion") for id in (1, 2)])
        process()
        with db.session.begin():
            give(db.session(), db.session.get_one(Workflow, 100), LIONS)
        id = db.session.scalars(select(SubjectRule.id).filter_by(workflow_id=100)).one()
    path = f"/workflows/100/subject_rules/{id}"
    page = press(alice, path, visit(alice, path), **{"c.2:value": "0"})
    assert "2 of the latest 2 subjects match (100 %)." in page.text
    assert "As if counts had been there all the time" in page.text


@pytest.mark.parametrize("more", ["", "/remove"])
def test_no_rule_has_an_id_that_no_database_has(alice: FlaskClient, more: str) -> None:
    visit(alice, f"/workflows/100/subject_rules/{2**63}{more}", status=404)


def test_a_new_rule_that_is_sent_twice_is_one_rule(app: Flask, alice: FlaskClient) -> None:
    page = press(alice, NEW, visit(alice, NEW), do="effect-add:retire_subject")
    for _ in range(2):
        save(alice, NEW, page)
    assert "This rule is here already." in visit(alice, RULES).text
    with app.app_context():
        assert len(db.session.get_one(Workflow, 100).subject_rules) == 2


def test_a_rule_of_a_recipe_keeps_its_note(app: Flask, alice: FlaskClient) -> None:
    asked = f"{NEW}?recipe=first_say&people=2&answer=0&task_key=T0&reason=blank"
    save(alice, NEW, visit(alice, asked), note="for Amy")
    with app.app_context():
        last = db.session.scalars(select(Revision).order_by(Revision.id.desc())).first()
        assert last is not None
        assert last.note == "for Amy"
    page = press(alice, NEW, visit(alice, asked.replace("=2", "=4")), save="1", note="x" * 501)
    assert "at most 500 characters" in page.text
