"""Pages of runs: starting one, how far it is, stopping it, and doing what it withheld."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from caesar_web.pipeline import run_orders
from caesar_web.pipeline.run_orders import Scope
from caesar_web.store import run_statements
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Reducer, Workflow
from caesar_web.store.db import db
from caesar_web.store.runs import Run, RunFile, RunTarget
from caesar_web.store.snapshot import Reducible
from tests.factories import LIONS, START, give, make_event
from tests.pages import Element, visit
from tests.people import BROWSER, csrf_token, sign_in, without_tokens
from tests.pipeline.running import take_steps
from tests.pipeline.steps import process, receive
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.running import OF_WORKFLOW, add_run, add_runs, add_withheld

RUNS = "/workflows/100/runs"
BACKFILL = run_orders.order("backfill", OF_WORKFLOW, Scope())


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    return client


def newest(app: Flask) -> Any:
    """The run that was started last, with its targets."""
    with app.app_context():
        run = db.session.scalars(select(Run).order_by(Run.id.desc())).first()
        if run is not None:
            db.session.expunge(run)
        return run


def targets(app: Flask, run_id: int) -> list[int]:
    with app.app_context():
        wanted = select(RunTarget.target_id).filter_by(run_id=run_id).order_by(RunTarget.position)
        return list(db.session.scalars(wanted))


def start(client: FlaskClient, kind: str, **fields: Any) -> TestResponse:
    """Sends the form of a kind of run, as a browser does: with a file."""
    path = f"{RUNS}/new?kind={kind}"
    sent = {"csrf_token": csrf_token(client, path), **fields}
    boundary, body = encode_multipart(sent)  # the client would leave a large one as an open file
    content_type = f"multipart/form-data; boundary={boundary}"
    return client.post(path, data=body, headers=BROWSER, content_type=content_type)


def bars(page: Element) -> list[dict[str, str]]:
    return [each.attributes for each in page.all("progress")]


def buttons(page: Element) -> list[str]:
    """The buttons of the run, and the links that look so."""
    (region,) = [one for one in page.all("section") if "data-refresh" in one.attributes]
    links = [one for one in region.all("a") if "button" in one.attributes.get("class", "")]
    return [one.text for one in (*region.all("button"), *links)]


# Starting


def test_every_kind_is_offered_in_words(alice: FlaskClient) -> None:
    page = visit(alice, RUNS)
    assert "Nothing long has been asked for yet." in page.text
    for path in (RUNS, f"{RUNS}/new", f"{RUNS}/new?kind=nonsense", f"{RUNS}/new?kind=kept"):
        links = [link.attributes["href"] for link in visit(alice, path).all("a")]
        kinds = [link.rpartition("=")[2] for link in links if "kind=" in link]
        assert kinds == ["backfill", "backfill_user", "reextract", "rereduce", "import"]


def test_a_backfill_of_everything(app: Flask, alice: FlaskClient) -> None:
    response = start(alice, "backfill")
    run = newest(app)
    assert response.location == f"{RUNS}/{run.id}"
    page = visit(alice, response.location)
    assert "The run is started." in page.text
    assert "It is the next in the queue." in page.text
    assert "all subjects of the workflow" in page.text
    assert "are counted, and not done" in page.text
    assert (run.kind, run.options, run.acts, run.rate) == ("backfill", {}, False, None)
    assert (run.started_by, run.started_by_id) == ("alice", 2)
    assert buttons(page) == ["Stop"]


def test_asking_twice_leads_to_the_running_one(app: Flask, alice: FlaskClient) -> None:
    first = start(alice, "backfill").location
    assert start(alice, "backfill", rate="5").location == first
    assert "This is under way already" in visit(alice, first).text
    assert start(alice, "backfill", scope="never").location != first


@pytest.mark.parametrize(
    ("text", "file", "expected"),
    [
        ("3, 1 2\r\n3", None, [1, 2, 3]),
        ("", b"\xef\xbb\xbfsubject_id\r\n7\r\n\r\n5\r\n", [5, 7]),
        ("9", b"7", [7, 9]),
    ],
)
def test_subjects_that_are_named(
    app: Flask, alice: FlaskClient, text: str, file: bytes | None, expected: list[int]
) -> None:
    given = {"file": FileStorage(io.BytesIO(file), "ids.csv")} if file else {}
    response = start(alice, "backfill", scope="listed", subjects=text, **given)
    assert response.status_code == 302
    run = newest(app)
    assert targets(app, run.id) == expected
    assert run.options["subjects"] == "listed"
    page = visit(alice, f"{RUNS}/{run.id}")
    assert f"subjects {', '.join(map(str, expected))}" in page.text


def test_as_many_as_it_takes(app: Flask, alice: FlaskClient) -> None:
    ids = "\r\n".join(map(str, range(10_000_001, 10_100_001)))
    assert start(alice, "rereduce", scope="listed", subjects=ids).status_code == 302
    run = newest(app)
    assert (run.total, len(targets(app, run.id))) == (100_000, 100_000)
    assert (
        "subjects 10000001, 10000002, 10000003 and 99,997 more"
        in visit(alice, f"{RUNS}/{run.id}").text
    )
    more = start(alice, "rereduce", scope="listed", subjects=f"{ids}\r\n1")
    assert more.status_code == 422
    assert "There are more than 100,000 ids." in more.text


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("backfill", {"scope": "listed"}, "Name one subject at least."),
        ("backfill", {"scope": "listed", "subjects": "1\nlion"}, "Line 2: lion is not an id."),
        (
            "backfill",
            {"scope": "listed", "file": FileStorage(io.BytesIO(b"\x89PNG\x00"), "a.png")},
            "This is not a text file.",
        ),
        ("reextract", {"scope": "since", "since": "soon"}, "Give a day and a time"),
        ("reextract", {"scope": "never"}, "Not a valid choice."),
        ("backfill_user", {"user": ""}, "This must be an id (a whole number)."),
        ("backfill", {"rate": "0"}, "Give a whole number from 1 to 1,000,000, or nothing."),
        ("rereduce", {"reducer": "lions"}, "Not a valid choice."),
        ("rereduce", {"check": "twice"}, "Not a valid choice."),
    ],
)
def test_what_makes_no_sense_starts_nothing(
    app: Flask, alice: FlaskClient, kind: str, fields: dict[str, Any], says: str
) -> None:
    response = start(alice, kind, **fields)
    assert response.status_code == 422
    page = page_of(response)
    assert page.all("title")[0].text.startswith("Error: ")
    assert says in page.text
    assert newest(app) is None


def test_where_no_rule_is_checked_nothing_is_said_of_effects(
    app: Flask, alice: FlaskClient
) -> None:
    path = start(alice, "rereduce", check="none").location
    send(alice, path, do="stop")
    text = visit(alice, path).text
    assert "no rule is checked" in text
    assert "Effects" not in text
    assert "No rule would have done" not in text


def test_since_a_moment_with_a_rate(app: Flask, alice: FlaskClient) -> None:
    start(alice, "reextract", scope="since", since="2026-01-31T12:00", rate=" 600 ")
    run = newest(app)
    assert (run.options, run.rate) == ({"since": "2026-01-31T12:00:00+00:00"}, 600)
    page = visit(alice, f"{RUNS}/{run.id}")
    assert "classifications that came in since 31 Jan 2026, 12:00 UTC" in page.text
    assert "at most 600 a minute" in page.text


def csv(body: bytes, name: str = "a.csv") -> FileStorage:
    return FileStorage(io.BytesIO(body), filename=name)


PREDICTIONS = b'extractor_key,subject_id,data\nmachine,1001,"{""empty"": 1}"\n'


def test_predictions_from_a_file_or_an_address(app: Flask, alice: FlaskClient) -> None:
    response = start(alice, "import", csv=csv(PREDICTIONS, "found\u202e.csv"))
    run = newest(app)
    assert response.headers["Location"] == f"{RUNS}/{run.id}"
    assert (run.kind, run.acts, run.options) == ("import", False, {"file": "found.csv"})
    with app.app_context():
        assert db.session.get_one(RunFile, run.id).body == PREDICTIONS
    assert "the file found.csv" in visit(alice, f"{RUNS}/{run.id}").text
    start(alice, "import", url="https://example.org/a.csv")
    assert newest(app).options == {"url": "https://example.org/a.csv"}
    assert start(alice, "import", csv=csv(PREDICTIONS)).headers["Location"].endswith(f"/{run.id}")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "Give the address of a file, or a file, and not both."),
        ({"url": "http://example.org/a.csv"}, "https"),
        ({"url": "https://127.0.0.1/a.csv"}, "public"),
        ({"body": b"subject_id,data\n"}, "The file has no column extractor_key."),
        ({"url": "https://example.org/a.csv", "body": PREDICTIONS}, "and not both"),
    ],
)
def test_what_cannot_be_imported(
    app: Flask, alice: FlaskClient, fields: dict[str, Any], told: str
) -> None:
    sent = {"csv": csv(fields["body"])} if "body" in fields else {}
    response = start(alice, "import", **sent, url=fields.get("url", ""))
    assert response.status_code == 422
    assert told in page_of(response).text
    assert newest(app) is None


def test_an_import_is_repeated_while_its_file_is_kept(app: Flask, alice: FlaskClient) -> None:
    start(alice, "import", csv=csv(PREDICTIONS))
    first = newest(app)
    for is_kept in (True, False):
        with app.app_context(), db.session.begin():
            db.session.execute(update(Run).values(finished_at=START, status="finished"))
            if not is_kept:
                db.session.execute(delete(RunFile))
        response = send(alice, f"{RUNS}/{first.id}/repeat")
        assert (newest(app).id > first.id) is True
        if not is_kept:
            assert response.headers["Location"].endswith(f"/{first.id}")
            assert "not kept any more" in visit(alice, f"{RUNS}/{first.id}").text


def test_one_volunteer_or_one_reducer(app: Flask, alice: FlaskClient) -> None:
    start(alice, "backfill_user", user=" 5 ")
    assert newest(app).options == {"user_id": 5}
    with app.app_context(), db.session.begin():
        own: dict[str, Any] = {"reducible_type": "Workflow", "reducible_id": 100}
        row = Reducer(key="counts", type="stats", **own, created_at=START, updated_at=START)
        db.session.add(row)
    start(alice, "rereduce", scope="never", reducer="counts", check="last")
    run = newest(app)
    assert run.options == {"subjects": "never", "reducer_key": "counts", "check": "last"}
    assert "with the reducer counts alone" in visit(alice, f"{RUNS}/{run.id}").text


def test_effects_act_only_after_a_second_look(app: Flask, alice: FlaskClient) -> None:
    asked = start(alice, "backfill", scope="listed", subjects="7 8", effects="act", rate="9")
    assert (asked.status_code, newest(app)) == (200, None)
    page = page_of(asked)
    assert "add the subject to subject set 7" in page.text
    assert "promote the volunteer to workflow 101" in page.text
    assert "cannot take that back" in page.text
    (form,) = [one for one in page.all("form") if one.attributes["action"].startswith(RUNS)]
    fields = {one.attributes["name"]: one.attributes["value"] for one in form.all("input")}
    response = alice.post(form.attributes["action"], data=fields, headers=BROWSER)
    assert response.status_code == 302
    run = newest(app)
    assert (run.acts, run.rate, targets(app, run.id)) == (True, 9, [7, 8])
    assert "act as usual" in visit(alice, response.location).text


def test_where_no_rule_is_checked_none_is_named(app: Flask, alice: FlaskClient) -> None:
    page = page_of(start(alice, "rereduce", check="none", effects="act"))
    assert "nothing can be done" in page.text


@pytest.mark.parametrize(
    ("path", "link", "typed"),
    [
        ("/workflows/100", "Backfill", {}),
        ("/workflows/100/subjects/7", "Backfill this subject", {"subjects": "7"}),
        ("/workflows/100/subjects/7", "Reduce again", {"subjects": "7"}),
        ("/workflows/100/users/5", "Backfill this volunteer", {"user": "5"}),
    ],
)
def test_from_where_one_needs_it(
    app: Flask, alice: FlaskClient, path: str, link: str, typed: dict[str, str]
) -> None:
    with app.app_context():
        give_rules()
        receive([make_event(1, subject=7, user=5, choice="lion")])
        process()
    (found,) = [one for one in visit(alice, path).all("a") if one.text == link]
    page = visit(alice, found.attributes["href"])
    fields = {
        one.attributes["name"]: one.attributes.get("value", one.text)
        for one in page.all("input", "textarea")
        if one.attributes.get("name") in typed
    }
    assert fields == typed
    if "subjects" in typed:
        checked = [one for one in page.all("input") if "checked" in one.attributes]
        assert checked[0].attributes["value"] == "listed"


def test_a_project_reduces_again(app: Flask, alice: FlaskClient) -> None:
    path = "/projects/10/runs/new?kind=rereduce"
    page = visit(alice, path)
    names = {one.attributes.get("name") for one in page.all("input", "select", "textarea")}
    assert names >= {"scope", "subjects", "reducer", "rate"}
    assert not names & {"effects", "check"}
    response = send(alice, path, scope="all", reducer="", rate="", subjects="", since="")
    run = newest(app)
    assert response.location == f"/projects/10/runs/{run.id}"
    assert (run.reducible_type, run.reducible_id, run.acts) == ("Project", 10, False)
    assert "Reduce again" in visit(alice, "/projects/10/runs").text
    assert "Runs" in [link.text for link in visit(alice, "/projects/10").all("a")]
    visit(alice, "/workflows/100/runs/1", status=404)
    visit(alice, f"/projects/{2**70}/runs", status=404)


# Progress


def test_every_state_in_words(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        give_rules()
        add_runs("words")
    text = visit(alice, RUNS).text
    for words in ("finished", "running", "failed", "lost", "12,400 of about 40,000 subjects"):
        assert words in text
    running = visit(alice, f"{RUNS}/2")
    assert [(one["value"], one["max"]) for one in bars(running)] == [("12400", "40000")]
    trying = visit(alice, f"{RUNS}/3").text
    assert "Words. It is tried again at" in trying
    failed = visit(alice, f"{RUNS}/4")
    assert "Something went wrong inside the service (ValueError)." in failed.text
    assert buttons(failed) == ["Go on", "Repeat"]
    lost = visit(alice, f"{RUNS}/5")
    assert "No worker carries it on." in lost.text
    assert buttons(lost) == ["Stop", "Go on"]


def test_failures_are_counted_and_listed_in_pages(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        add_runs("words")
    page = visit(alice, f"{RUNS}/1")
    assert "60 things could not be done" in page.text
    first = [row.all("td")[0].text for row in page.all("tbody")[-1].all("tr")]
    (more,) = [link.attributes["href"] for link in page.all("a") if link.text == "More"]
    page = visit(alice, more)
    second = [row.all("td")[0].text for row in page.all("tbody")[-1].all("tr")]
    assert first + second == [f"{number} words" for number in range(60)]
    assert "From the first on" in page.text
    visit(alice, f"{RUNS}/1?failures=99999")


def test_the_same_for_the_page_and_while_it_is_followed(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        run_id = add_run(BACKFILL, status="running", total=40, done=10)
    page = visit(alice, f"{RUNS}/{run_id}")
    (region,) = [one for one in page.all("section") if "data-refresh" in one.attributes]
    part = alice.get(region.attributes["data-refresh"], headers=BROWSER)
    assert part.status_code == 200
    assert "<h1" not in part.text
    whole = alice.get(f"{RUNS}/{run_id}", headers=BROWSER)
    assert without_tokens(part.text) in without_tokens(whole.text)


def test_the_queue_says_how_many_come_before(app: Flask, alice: FlaskClient) -> None:
    start(alice, "backfill")
    start(alice, "reextract")
    start(alice, "rereduce")
    assert "2 runs come before it." in visit(alice, f"{RUNS}/3").text
    assert "1 run comes before it." in visit(alice, f"{RUNS}/2").text


def test_counting_has_no_end_yet(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        run_id = add_run(
            BACKFILL, status="running", checkpoint={"phase": "list", "page": 2}, total=900,
            is_estimate=True,
        )  # fmt: skip
    page = visit(alice, f"{RUNS}/{run_id}")
    assert "counting what there is to do" in page.text
    assert "value" not in bars(page)[0]


# Stopping, going on, repeating


def test_stopped_gone_on_and_repeated(app: Flask, alice: FlaskClient) -> None:
    path = start(alice, "backfill").location
    assert send(alice, path, do="stop").location == path
    page = visit(alice, path)
    assert "It is stopped." in page.text
    assert buttons(page) == ["Go on", "Repeat"]
    send(alice, path, do="stop")
    assert "It was over already." in visit(alice, path).text
    send(alice, path, do="go on")
    page = visit(alice, path)
    assert "It goes on." in page.text
    assert buttons(page) == ["Stop"]
    send(alice, path, do="stop")
    assert "is not done, but counted" in visit(alice, f"{path}/repeat").text
    again = send(alice, f"{path}/repeat").location
    assert again == f"{RUNS}/{newest(app).id}"
    assert again != path
    assert send(alice, path, do="go on").location == again
    assert send(alice, path, do="nonsense").status_code == 400


def test_it_says_that_it_stops_after_its_step(app: Flask, alice: FlaskClient) -> None:
    path = start(alice, "backfill").location
    with app.app_context(), db.session.begin():
        later = datetime(2999, 1, 1, tzinfo=UTC)
        run_statements.claim(db.session(), 1, now=datetime.now(UTC), lease_until=later)
    send(alice, path, do="stop")
    page = visit(alice, path)
    assert "It stops after this step." in page.text
    assert "stopping after this step" in page.text
    assert buttons(page) == []


def test_one_that_acts_names_its_effects_before_it_is_repeated(
    app: Flask, alice: FlaskClient
) -> None:
    with app.app_context():
        order = run_orders.order("backfill", OF_WORKFLOW, Scope(), acts=True)
        run_id = add_run(order, status="finished", finished_at=START)
    page = visit(alice, f"{RUNS}/{run_id}/repeat")
    assert "add the subject to subject set 7" in page.text
    send(alice, f"{RUNS}/{run_id}/repeat")
    assert newest(app).acts


def test_ids_of_others_are_not_there(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        order = run_orders.order("backfill", Reducible("Workflow", 300), Scope())
        other = add_run(order, status="finished", finished_at=START)
    token = csrf_token(alice, f"{RUNS}/new?kind=backfill")
    for path in (f"{RUNS}/{other}", f"{RUNS}/{other}/repeat", f"{RUNS}/{2**70}"):
        visit(alice, path, status=404)
        sent = {"csrf_token": token, "do": "stop"}
        assert alice.post(path, data=sent, headers=BROWSER).status_code == 404
    visit(alice, f"{RUNS}/{other}/apply", status=404)


# What was withheld


def give_rules() -> None:
    """Rules as those of the documentation, in workflow 100."""
    with db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 100), LIONS)
    db.session.remove()


def test_what_rules_would_have_done_is_counted_and_can_be_done(
    app: Flask, alice: FlaskClient
) -> None:
    with app.app_context():
        give_rules()
        run_id = add_run(BACKFILL, status="finished", finished_at=START, done=40)
        add_withheld(run_id, subjects=37)
    path = f"{RUNS}/{run_id}"
    page = visit(alice, path)
    cells = [[cell.text for cell in row.all("td")] for row in page.all("tbody")[0].all("tr")]
    assert cells[0] == ['retire the subject as "consensus"', "rule 1", "37 subjects"]
    assert cells[1][0].endswith("changed since, so that it cannot be done any more")
    assert cells[1][2] == "1 subject"
    (link,) = [one for one in page.all("a") if one.text == "Do these 38"]
    page = visit(alice, link.attributes["href"])
    assert "cannot take that back" in page.text
    assert [one.text for one in page.all("button")][-1] == "Do these 38"
    send(alice, f"{path}/apply", number="37")
    assert "It is not the same any more" in visit(alice, f"{path}/apply").text
    assert actions(app) == 0
    assert send(alice, f"{path}/apply", number="38").location == path
    page = visit(alice, path)
    assert "38 actions are decided, and soon done." in page.text
    assert actions(app) == 37
    assert not [one for one in page.all("a") if one.text.startswith("Do these")]
    assert "Nothing is left that could be done." in visit(alice, f"{path}/apply").text


def actions(app: Flask) -> int:
    with app.app_context():
        return len(db.session.scalars(select(SubjectAction.id)).all())


def test_nothing_can_be_done_while_the_run_goes_on(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        give_rules()
        run_id = add_run(BACKFILL, status="running")
        add_withheld(run_id)
    page = visit(alice, f"{RUNS}/{run_id}")
    assert "Decided so far, and withheld" in page.text
    assert buttons(page) == ["Stop"]
    assert "The run is not over yet." in visit(alice, f"{RUNS}/{run_id}/apply").text


# What was kept


def test_resuming_says_what_follows(app: Flask, alice: FlaskClient) -> None:
    settings = "/workflows/100/settings"
    send(alice, settings, status="paused", rules_applied="all_matching_rules")
    with app.app_context():
        receive([make_event(id, subject=id) for id in range(1, 4)])
        db.session.remove()
    send(alice, settings, status="active", rules_applied="all_matching_rules")
    page = visit(alice, settings)
    (link,) = [one for one in page.all("a") if one.text == "see how far it is"]
    path = link.attributes["href"]
    assert "What came in while the workflow was paused".lower() in visit(alice, path).text.lower()
    with app.app_context():
        assert take_steps(newest(app).id) == "finished"
    page = visit(alice, path)
    assert "3 classifications" in page.text
    assert buttons(page) == []
    visit(alice, f"{path}/repeat", status=404)
    send(alice, settings, rules_applied="no_rules")
    assert "see how far it is" not in visit(alice, settings).text
