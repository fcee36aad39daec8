"""Pages of subjects: what is known of one, why it is retired or not, and what became of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.access import subject_texts, subjects
from caesar_web.access.subject_texts import SubjectText
from caesar_web.access.subjects import Location, Media
from caesar_web.standin.writings import writing
from caesar_web.store.configuration import SubjectRule, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.queries import reading, reducers
from caesar_web.store.result_statements import SUBJECT
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.web import target_page
from tests.factories import LIONS, START, give, make_event, make_workflow
from tests.pages import Element, visit
from tests.people import csrf_token, sign_in
from tests.pipeline.steps import process, receive
from tests.pipeline.test_statements import counted
from tests.served import send, three_projects
from tests.standin.server import StandinServer

MARKUP = "<script>alert(1)</script>"
LION_RULE = LIONS["rules_config"][0]
RETIRED, FRESH, HOSTILE = 1001, 1002, 1003
METADATA: dict[str, Any] = {
    "magnitude": "17.5",
    "count": 3,
    "site": "A03",
    "#filename": MARKUP,
    "//note": "javascript:alert(1)",
    MARKUP: "x" * 10_000,
    "odd": "\u202eright to left \U0001f981\n\u200b",
    "link": "https://example.org/a?<b>",
    "nested": {"a": [1, None]},
    "nothing": None,
}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    """RETIRED has five lions of volunteers 1 to 5, FRESH one of nobody, HOSTILE an odd answer."""
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context():
            with db.session.begin():
                workflow = make_workflow(db.session(), 101, **LIONS)
                give(db.session(), workflow, {"status": "active"})
            receive(
                [
                    *(_bare(_event(id, RETIRED, user=id, choice="lion")) for id in range(1, 6)),
                    _event(6, FRESH, choice="lion"),
                    _event(7, HOSTILE, choice=MARKUP, subject_metadata=METADATA),
                    _event(8, 3001, workflow=300, project=30),
                ]
            )
            process(101)
        yield app


def _event(id: int, subject: int, *, workflow: int = 101, **over: Any) -> Any:
    return make_event(id, subject=subject, workflow=workflow, **over)


def _bare(event: Any) -> Any:
    """The event without what it tells of the subject."""
    return event | {"linked": {}}


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    return client


def path(subject_id: int, rest: str = "") -> str:
    return f"/workflows/101/subjects/{subject_id}{rest}"


def section(page: Element, id: str) -> Element:
    """A part of the page, by the id of its heading."""
    (found,) = [one for one in page.all("section") if one.attributes.get("aria-labelledby") == id]
    return found


def moments(page: Element) -> list[str]:
    """What the timeline has, the newest first."""
    (timeline,) = [one for one in page.all("ol") if one.attributes.get("class") == "timeline"]
    return [one.text for one in timeline.content if isinstance(one, Element)]


def test_the_list_has_the_latest(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, "/workflows/101/subjects")
    rows = [row.text for row in page.all("tbody")[0].all("tr")]
    assert rows[0].startswith(f"Subject {HOSTILE} 1 counts {MARKUP}: 1 none yet")
    assert rows[2].startswith(f"Subject {RETIRED} 5 counts lion: 5 retire the subject as")
    assert rows[2].endswith("pending")


def test_one_is_found_by_its_id(app: Flask, alice: FlaskClient) -> None:
    found = alice.get(f"/workflows/101/subjects?id=%20{FRESH}", headers={"Accept": "text/html"})
    assert (found.status_code, found.location) == (302, path(FRESH))
    for id, says in {
        "3001": "This workflow has nothing of subject 3001.",
        "99999": "This workflow has nothing of subject 99999.",
        "lions": "This must be an id (a whole number).",
    }.items():
        page = visit(alice, f"/workflows/101/subjects?id={id}", status=422)
        assert says in page.text
        assert id in [one.attributes.get("value") for one in page.all("input")]


def test_why_it_is_retired(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, path(RETIRED))
    rules = section(page, "rules").text
    assert "Why it is about to be retired" in rules
    assert 'Its action: retire the subject as "consensus" pending' in rules
    assert "✓ It matches now. Why" in rules
    assert "counts → lion (0 when missing) is 5" in rules
    timeline = moments(page)
    assert len(timeline) == 6
    assert "Action of rule 1: retire the subject" in timeline[0]
    assert "Classification 5 by volunteer 5 in version 1.1 survey → lion: 1" in timeline[1]
    assert "counts lion: 5" in section(page, "reductions").text


def test_why_it_is_not_retired(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, path(FRESH))
    rules = section(page, "rules").text
    assert "Why it is not retired" in rules
    assert "✗ It does not match now." in rules
    assert "Its action" not in rules
    assert "by an anonymous volunteer" in section(page, "timeline").text


def test_what_the_settings_say_of_rules(app: Flask, alice: FlaskClient) -> None:
    rules = [{"if": ["const", True], "then": [{"action": "retire_subject"}]}, LION_RULE]
    _give(app, rules_config=rules, rules_applied="first_matching_rule")
    text = section(visit(alice, path(FRESH)), "rules").text
    assert "It has not acted yet. It does when the reductions change next." in text
    assert "It is not checked: rule 1 comes first" in text
    _give(app, rules_applied="no_rules")
    text = section(visit(alice, path(FRESH)), "rules").text
    assert "No rules are applied in this workflow" in text
    assert "It has not acted yet" not in text


def test_a_rule_that_cannot_be_evaluated_or_used(app: Flask, alice: FlaskClient) -> None:
    _give(app, rules_config=[{"if": ["upcase", ["const", 1]], "then": []}, LION_RULE])
    with app.app_context(), db.session.begin():
        last = db.session.query(SubjectRule).order_by(SubjectRule.row_order.desc()).first()
        assert last is not None
        last.condition = '["lookup"]'
    _give(app, status="paused")  # a revision, as saving through the pages would have made
    text = section(visit(alice, path(FRESH)), "rules").text
    assert "! It cannot be evaluated." in text
    assert "upcase needs text" in text
    assert "This rule cannot be used: " in text


def _give(app: Flask, **document: Any) -> None:
    with app.app_context(), db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 101), document)


def test_how_a_reduction_came_about(app: Flask, alice: FlaskClient) -> None:
    link = section(visit(alice, path(RETIRED)), "reductions").all("a")[0].attributes
    page = visit(alice, link["href"].strip())
    assert page.all("h1")[0].text == "counts"
    assert "Extracts of 5 classifications came in." in page.text
    assert "survey of classification 5" in page.text
    ours = link["href"].strip().rsplit("/", 1)[0]
    for address in (f"{ours}/9999", f"{ours}/{2**64}", path(3001, "/reducers/1")):
        visit(alice, address, status=404)


def test_what_is_made_elsewhere_is_shown_as_it_came(app: Flask, alice: FlaskClient) -> None:
    _give(app, reducers_config={**LIONS["reducers_config"], "agreed": {"type": "rectangle"}})
    with app.app_context(), reading() as session:
        (reducer,) = [one for one in reducers(session, "Workflow", 101) if one.key == "agreed"]
        address = path(RETIRED, f"/reducers/{reducer.id}")
    assert "it is made elsewhere, and nothing is there yet." in visit(alice, address).text
    with app.app_context(), db.session.begin():
        row = db.session.scalars(select(SubjectReduction).filter_by(subject_id=RETIRED)).one()
        columns = ("reducible_type", "reducible_id", "subject_id", "subgroup", "created_at")
        copied = {name: getattr(row, name) for name in columns}
        came = {"frame0": {"T0_tool0_clusters_x": [10.5]}}
        now = copied["created_at"]
        db.session.add(SubjectReduction(reducer_key="agreed", data=came, updated_at=now, **copied))
    page = visit(alice, address)
    assert "Reduction of the 5 extracts that are left: it is made elsewhere" in page.text
    assert "10.5" in page.text


def test_metadata_are_shown_as_they_are(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, path(HOSTILE))
    rows = [[cell.text for cell in row.all("th", "td")] for row in page.all("table")[0].all("tr")]
    told = {name: (value, kind) for name, value, kind in rows[1:]}
    assert told["magnitude"] == ("17.5", "text, a number")
    assert told["count"] == ("3", "a number")
    assert told["site"] == ("A03", "text")
    assert told["#filename hidden from volunteers"] == (MARKUP, "text")
    assert told["//note hidden from volunteers"] == ("javascript:alert(1)", "text")
    assert told[MARKUP] == (f"{'x' * 300}… (10,000 characters)", "text")
    assert told["nested"] == ('{"a": [1, null]}', "an object")
    assert told["nothing"] == ("nothing", "nothing")
    links = {one.attributes["href"] for one in page.all("a")}
    assert "https://example.org/a?%3Cb%3E" in links
    assert not [one for one in links if one.startswith("javascript")]
    assert f"{MARKUP}: 1" in page.text


def test_what_there_is_to_see(
    app: Flask, alice: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = visit(alice, path(RETIRED)).all("img")[0].attributes
    assert picture["src"].endswith(f"/media/{RETIRED}.svg")
    assert picture["alt"] == f"Picture 1 of 1 of subject {RETIRED}"
    mimes = ("image/png", "video/mp4", "audio/mpeg", "text/plain", "application/pdf")
    found = tuple(Location(mime, "https://panoptes-uploads.zooniverse.org/a") for mime in mimes)
    monkeypatch.setattr(subjects, "locations_of", lambda *_: Media(found))
    monkeypatch.setattr(subject_texts, "texts_of", lambda _: {})
    page = visit(alice, path(RETIRED))
    assert [len(page.all(tag)) for tag in ("img", "video", "audio")] == [1, 1, 1]
    captions = [one.text for one in page.all("figcaption")]
    assert captions[3] == "Text 4 (panoptes-uploads.zooniverse.org) text/plain"
    assert captions[4].startswith("File 5 (")
    monkeypatch.setattr(subjects, "locations_of", lambda *_: Media((), subjects.AWAY))
    assert subjects.AWAY in visit(alice, path(RETIRED)).text


def test_a_text_stands_on_the_page(app: Flask) -> None:
    dave = app.test_client()
    sign_in(dave, "dave")
    page = visit(dave, "/workflows/300/subjects/3001")
    (text,) = (one for one in page.all("pre") if one.attributes["class"] == "location-text")
    assert text.attributes["aria-label"] == "Text 2 of 2 of subject 3001"
    assert "".join(text.texts) == writing(3001)
    assert "its beginning" not in page.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SubjectText(MARKUP * 300, is_cut=True), "This is its beginning, 7,500 characters."),
        (SubjectText(), "It is empty."),
        (SubjectText(problem=subject_texts.AWAY), subject_texts.AWAY),
    ],
    ids=["cut", "empty", "away"],
)
def test_what_there_is_to_say_of_a_text(
    alice: FlaskClient, monkeypatch: pytest.MonkeyPatch, text: SubjectText, said: str
) -> None:
    location = Location("application/json", "https://panoptes-uploads.zooniverse.org/a")
    monkeypatch.setattr(subjects, "locations_of", lambda *_: Media((location,)))
    monkeypatch.setattr(subject_texts, "texts_of", lambda _: {location.url: text})
    page = visit(alice, path(RETIRED))
    (figure,) = page.all("figure")
    assert said in figure.text
    assert text.text in figure.text
    assert "Text 1 (panoptes-uploads.zooniverse.org) application/json" in figure.text


def test_fetching_metadata_again(app: Flask, alice: FlaskClient, standin: StandinServer) -> None:
    assert "#filename" not in visit(alice, path(RETIRED)).all("table")[0].text
    assert send(alice, path(RETIRED)).location == path(RETIRED)
    page = visit(alice, path(RETIRED))
    assert "What Zooniverse has of the subject is kept here now." in page.text
    assert "#filename" in page.all("table")[0].text
    standin.fail("/subjects/", status=503, times=-1)
    assert send(alice, path(FRESH)).location == path(FRESH)
    assert subjects.AWAY in visit(alice, path(FRESH)).text


def test_what_the_workflow_has_never_seen_is_not_there(app: Flask, alice: FlaskClient) -> None:
    texts = {visit(alice, path(id), status=404).text for id in (3001, 99999, 0, 2**64)}
    assert len(texts) == 1
    visit(alice, "/workflows/300/subjects/3001", status=404)
    token = csrf_token(alice, path(RETIRED))
    for id in (3001, 99999, 2**64):
        assert alice.post(path(id), data={"csrf_token": token}).status_code == 404


def test_waiting_set_aside_pushed_in_and_predicted(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        receive([_event(20, FRESH, at=9000), _event(21, FRESH, at=9001)])
        with db.session.begin():
            db.session.get_one(Classification, 21).failed_reason = "too odd"
            common: Any = {"workflow_id": 101, "subject_id": FRESH, "data": {"lion": 0.7}}
            common |= {"created_at": START, "updated_at": START}
            at = START + timedelta(hours=9)
            db.session.add(Extract(extractor_key="ml", classification_at=at, **common))
            pushed = {"extractor_key": "aside", "classification_id": 77, "user_id": 9}
            db.session.add(Extract(classification_at=START, **pushed, **common))
    told = moments(visit(alice, path(FRESH)))
    assert "Prediction of a machine ml → lion: 0.7" in told[0]
    assert "It is set aside: too odd No extracts." in told[1]
    assert "waits to be processed" in told[2]
    assert "Classification 77 by volunteer 9 aside → lion: 0.7" in told[-1]


def statements(app: Flask) -> int:
    """How many it takes to look at FRESH where the configuration has been read before."""
    with app.test_request_context(), reading() as session:
        target_page.find(session, 101, SUBJECT, FRESH)
        session.expunge_all()
        with counted() as made:
            target_page.find(session, 101, SUBJECT, FRESH)
    return len(made)


def test_a_subject_with_very_much(app: Flask, alice: FlaskClient) -> None:
    """The page stays light, and makes as many statements as for a subject with hardly anything."""
    few = statements(app)
    with app.app_context(), db.session.begin():
        for at in range(5000):
            moment = START + timedelta(seconds=at)
            data = {"a long answer, " * 10: at}
            db.session.add(
                Extract(
                    workflow_id=101,
                    subject_id=FRESH,
                    classification_id=1000 + at // 20,
                    classification_at=START + timedelta(seconds=at // 20),
                    extractor_key=f"extractor{at % 20}",
                    user_id=at,
                    data=data,
                    created_at=moment,
                    updated_at=moment,
                )
            )
            if at < 500:
                reduction = {"reducer_key": "counts", "subgroup": f"of {at}", "data": data}
                place = {"reducible_type": "Workflow", "reducible_id": 101, "subject_id": FRESH}
                times = {"created_at": moment, "updated_at": moment}
                db.session.add(SubjectReduction(**reduction, **place, **times))
    assert statements(app) == few < 25
    page = visit(alice, path(FRESH))
    assert len(moments(page)) == 200
    assert "These are the newest 200; there are older ones." in page.text
    assert "and 17 more extracts" in page.text
    assert "The first 50 of 501 reductions" in page.text
