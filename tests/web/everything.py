"""Every page as Alice or an operator meets it, with long words and much that went wrong."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, request, template_rendered
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.domain.causes import cause_of, key_of
from caesar_web.jobs.tasks import panoptes_host
from caesar_web.store.activity import Alarm, Freeze, Light
from caesar_web.store.configuration import (
    Extractor,
    Project,
    Reducer,
    Revision,
    SubjectRule,
    UserRule,
    Workflow,
)
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.runs import DataRequest, Run
from caesar_web.store.snapshot import Reducible
from tests.factories import JSON, START, give, make_event
from tests.pages import Element, filled, parse
from tests.people import BROWSER, csrf_token, sign_in
from tests.pipeline.steps import process, receive
from tests.web.acting import add_action, traced
from tests.web.exporting import add_request
from tests.web.running import add_runs

LONG = "w" * 60
WORKFLOW, OTHER, PROJECT = "/workflows/100", "/workflows/200", "/projects/10"
NEW_RULE = f"{WORKFLOW}/subject_rules/new"
LION = ["gt", ["lookup", "counts.lion", 0], ["const", 4]]
LONGEST = ["eq", ["lookup", f"{LONG}.{LONG}", ""], ["const", LONG]]
DOCUMENT: JSON = {
    "extractors_config": {
        "survey": {"type": "survey"},
        LONG: {"type": "pluck_field", "field_map": {LONG: f"$.{LONG}"}, "if_missing": "ignore"},
        "people": {"type": "who"},
        "theirs": {"type": "external", "url": f"https://example.org/{LONG}"},
    },
    "reducers_config": {
        "counts": {"type": "stats", "filters": {"extractor_keys": ["survey"]}},
        LONG: {"type": "stats", "grouping": {"field_name": f"survey.{LONG}"}},
        "seen": {"type": "count", "topic": "reduce_by_user"},
        "service": {"type": "external", "url": f"https://example.org/{LONG}"},
        "skill": {"type": "swap_skill", "positive": ["lion"]},
        "swap": {
            "type": "swap",
            "positive": ["lion"],
            "initial_positive": 0.9,
            "user_reducer_keys": ["skill"],
        },
    },
    "rules_config": [
        {
            "if": ["or", LION, ["not", LONGEST], ["and", LION, LONGEST]],
            "then": [
                {"action": "add_subject_to_set", "subject_set_id": 7},
                {"action": "retire_subject", "reason": "consensus"},
            ],
        },
        {"if": LION, "then": [{"action": "add_subject_to_set", "subject_set_id": 7}]},
    ],
    "user_rules_config": [
        {
            "if": ["gte", ["lookup", "seen.classifications", 0], ["const", 2]],
            "then": [{"action": "promote_user", "workflow_id": 101}],
        }
    ],
    "rules_applied": "first_matching_rule",
}


@dataclass(frozen=True)
class Seen:
    """An answer with a page: what it answers to, and the templates that it is made of."""

    name: str
    status: int
    html: str
    templates: set[str] = field(repr=False)


def furnish(app: Flask) -> None:
    """Gives workflow 100 a configuration, classifications, actions and failures."""
    with app.app_context():
        with db.session.begin():
            workflow = db.session.get_one(Workflow, 100)
            workflow.name = workflow.project_name = f"Galaxies {LONG}"
            give(db.session(), workflow, DOCUMENT, author=LONG)
            now = {"created_at": START, "updated_at": START}
            db.session.add(Project(id=10, **now))
            own: dict[str, Any] = {"reducible_type": "Project", "reducible_id": 10, "config": {}}
            db.session.add(Reducer(key="all", type="stats", **own, **now))
            called = own | {"config": {"url": f"https://example.org/{LONG}"}}
            db.session.add(Reducer(key="called", type="external", **called, **now))
            about = {"last_error": f"It broke: {LONG}", "failing_since": START, "updated_at": START}
            db.session.add(
                Freeze(
                    reducible_type="Workflow", reducible_id=100, frozen_by=LONG, created_at=START
                )
            )
            red = {"outcomes": "xxx", "held_until": datetime.now(UTC) + timedelta(hours=1)}
            db.session.add(Light(kind="host", name=panoptes_host(), **red, **about))
            db.session.add(
                Light(kind="reducer", name=LONG, workflow_id=100, outcomes="..xx", **about)
            )
        receive(_events())
        process()
        receive([None, {**make_event(90), "data": {"links": {"workflow": 100, LONG: "<b>"}}}])
        with db.session.begin():
            _add_what_failed()
            _alarm()
        for minutes, status in enumerate(("completed", "pending", "failed")):
            over: JSON = {"status": status, "minutes": minutes, "trace": traced(minutes)}
            add_action(1, last_error=f"It broke: {LONG}", attempts=3, **over)
        add_action(user=3, status="failed")
        _ask_for_data()
        db.session.remove()
        add_runs(LONG)


def _ask_for_data() -> None:
    """Data requests in every state, some of them of the project."""
    over: JSON = {"finished_at": START}
    file: JSON = {"rows": 12, "size": 3456, "file": "gone", "expires_at": START}
    kept = {**file, "expires_at": datetime.now(UTC) + timedelta(days=5)}
    add_request(key=LONG)
    add_request(run={"status": "running", "total": 12_000, "done": 5000})
    add_request("subject_reductions", subgroup=LONG, run={**over, "status": "cancelled"})
    add_request("user_actions", run={**over, "status": "failed", "last_error": f"No {LONG}"})
    add_request(row=file, run={**over, "status": "finished", "failed": 3})
    add_request(row=kept, run={**over, "status": "finished"})
    add_request(reducible=Reducible("Project", 10), row=kept, run={**over, "status": "finished"})


def _alarm() -> None:
    alarm = Alarm(
        workflow_id=100,
        kind="silent",
        name="stream",
        message=f"It is silent: {LONG}",
        raised_at=START,
    )
    db.session.add(alarm)


def _add_what_failed() -> None:
    """A classification that was set aside, a run that goes on, and one that failed."""
    one = db.session.get_one(Classification, 1)
    one.processed_at, one.failed_reason = None, f"It broke: {LONG}"
    now = dict.fromkeys(("created_at", "updated_at", "not_before", "progressed_at"), START)
    of: dict[str, Any] = {"reducible_type": "Workflow", "reducible_id": 100, "options": {}}
    db.session.add(Run(kind="backfill", identity="a", total=9, done=3, **of, **now))
    db.session.add(
        Run(
            kind="rereduce",
            identity="b",
            status="failed",
            last_error=f"It broke: {LONG}",
            finished_at=START,
            **of,
            **now,
        )
    )


def _events() -> Iterator[JSON]:
    for id in range(1, 12):
        yield make_event(
            id,
            subject=1 + id // 7,
            user=3 + id % 2,
            choice=LONG if id % 5 == 0 else "lion",
            subject_metadata={"#filename": LONG, LONG: LONG, "link": "https://example.org"},
        )


@contextmanager
def watched(app: Flask) -> Iterator[list[tuple[str, str]]]:
    """The templates that are rendered meanwhile, each with the endpoint."""
    rendered: list[tuple[str, str]] = []

    def hear(sender: Flask, template: Any, **_: Any) -> None:
        rendered.append((template.name, request.endpoint or ""))

    with template_rendered.connected_to(hear, app):
        yield rendered


class Tour:
    """Somebody who opens page after page, and keeps what was seen; `theme` as in the header."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.app = app
        self.client = client
        self.seen: list[Seen] = []
        self.endpoints: set[str] = set()

    def open(self, *paths: str, status: int = 200) -> None:
        for path in paths:
            self._ask("GET", path, path, status)

    def send(self, path: str, given: Mapping[str, str], *, status: int = 422) -> None:
        """Sends the form of a page with something else in it."""
        page, _ = parse(self.client.get(path, headers=BROWSER).text)
        data = {**filled(_form_of(page, path)), **given}
        self._ask("POST", path, f"{path} {' '.join(given)}", status, data=data)

    def _ask(self, method: str, path: str, name: str, status: int, **body: Any) -> None:
        with watched(self.app) as rendered:
            response = self.client.open(path, method=method, headers=BROWSER, **body)
        assert response.status_code == status, f"{name}: {response.status_code}"
        self.endpoints |= {endpoint for _, endpoint in rendered}
        templates = {template for template, _ in rendered}
        self.seen.append(Seen(name, status, response.text, templates))


def _form_of(page: Element, path: str) -> Element:
    """The form of the page that sends to it; the last, as the smaller ones come first."""
    path = path.partition("?")[0]
    forms = [each for each in page.all("form") if each.attributes["method"] == "post"]
    return [each for each in forms if each.attributes["action"].partition("?")[0] == path][-1]


def tour(app: Flask) -> Tour:
    """All pages that Alice can come to, and those that she sees when something is wrong."""
    nobody = Tour(app, app.test_client())
    nobody.client.environ_base["HTTP_SEC_FETCH_SITE"] = "cross-site"  # so that they are asked
    nobody.open("/", "/session", "/help", "/auth/zooniverse")
    nobody.open("/auth/zooniverse/callback", status=400)
    alice = Tour(app, app.test_client())
    sign_in(alice.client, "alice")
    ids = _ids(app)
    for part in (_general, _parts, _rules, _results, _runs):
        part(alice, ids)
    root = _root(app)
    _operations(root)
    alice.seen = [*nobody.seen, *alice.seen, *root.seen]
    alice.endpoints |= nobody.endpoints | root.endpoints
    return alice


def _root(app: Flask) -> Tour:
    """An administrator who acts as such."""
    root = Tour(app, app.test_client())
    sign_in(root.client, "root")
    root.client.post("/session/admin", data={"on": "1", "csrf_token": csrf_token(root.client)})
    return root


def _ids(app: Flask) -> dict[str, Any]:
    """The ids of what `furnish` made, by kind."""
    tables: dict[str, Any] = {"extractor": Extractor, "rule": SubjectRule, "user_rule": UserRule}
    with app.app_context():
        found: dict[str, Any] = {
            name: db.session.scalars(select(table.id).filter_by(workflow_id=100)).all()
            for name, table in tables.items()
        }
        found["theirs"] = db.session.scalar(select(Extractor.id).filter_by(key="theirs"))
        for row in db.session.scalars(select(Reducer)):
            found[f"reducer {row.key}"] = row.id
        for request in db.session.scalars(select(DataRequest)):
            found[f"request of {request.exportable_type}"] = request.id
        for run in db.session.scalars(select(Run).where(Run.kind != "export").order_by(Run.id)):
            found.setdefault(f"runs of {run.reducible_type}", []).append(run.id)
        found["revision"] = db.session.scalars(select(Revision.id)).first()
    return found


def _general(alice: Tour, ids: dict[str, Any]) -> None:
    alice.open("/", "/session", "/workflows", "/workflows/new", "/projects")
    alice.open(PROJECT, f"{PROJECT}/settings")
    pages = ("", "/settings", "/configuration", "/propose", "/recipes", "/recipes/first_say")
    alice.open(*(f"{WORKFLOW}{page}" for page in (*pages, "/trail")))
    alice.open(OTHER, f"{OTHER}/propose", f"{OTHER}/activity", f"{OTHER}/subjects")
    alice.open(f"{WORKFLOW}/freeze", f"{PROJECT}/freeze", f"{OTHER}/freeze")
    requests = {WORKFLOW: ids["request of Workflow"], PROJECT: ids["request of Project"]}
    for home, request_id in requests.items():
        alice.open(f"{home}/data_requests", f"{home}/data_requests/{request_id}")
        alice.send(f"{home}/data_requests", {"user_id": LONG, "until": LONG})
    alice.open(f"{OTHER}/data_requests")
    alice.open("/workflows/300", status=404)
    alice.open("/trail", "/freeze", status=403)
    alice.send("/workflows/new", {"id": f"300{LONG}"})
    alice.send(f"{WORKFLOW}/settings", {"rules_applied": "nonsense"})
    alice.send(f"{WORKFLOW}/configuration", {"document": f'{{"rules_config": [{{"{LONG}": 1}}]}}'})
    alice.send(f"{OTHER}/propose", {"recipe:first_say:T0:people": LONG})
    alice.send(f"{OTHER}/propose", {"check": "1"}, status=200)


def _parts(alice: Tour, ids: dict[str, Any]) -> None:
    for noun, kind in (("extractor", "pluck_field"), ("reducer", "summary_stats")):
        home = f"{WORKFLOW}/{noun}s"
        alice.open(home, f"{home}/new", f"{home}/new?type={kind}")
        alice.send(f"{home}/new?type={kind}", {"key": LONG})
        alice.open(f"{home}/new?type=aggregation")
        called = {"name": f"shape_{noun}{'_dbscan' if noun == 'reducer' else ''}"}
        alice.send(f"{home}/new?type=aggregation", {**called, "update": "1"}, status=200)
        wrong = {"shown_for": "", "parameters.tools": LONG, "parameters.eps": LONG}
        alice.send(f"{home}/new?type=aggregation", called | wrong)
    own = f"{WORKFLOW}/extractors/{ids['extractor'][0]}"
    alice.open(own, f"{own}/remove")
    alice.send(own, {"try": "1", "latest": "1"}, status=200)
    alice.open(f"{WORKFLOW}/extractors/{ids['theirs']}/calls")
    alice.open(f"{WORKFLOW}/reducers/{ids['reducer service']}/calls")
    alice.open(f"{PROJECT}/reducers/{ids['reducer called']}/calls")
    for key in ("counts", LONG):
        alice.open(f"{WORKFLOW}/reducers/{ids[f'reducer {key}']}")
    own = f"{WORKFLOW}/reducers/{ids['reducer counts']}"
    alice.open(f"{own}/remove")
    alice.send(own, {"try": "1", "latest": "1"}, status=200)
    home = f"{PROJECT}/reducers"
    alice.open(home, f"{home}/new", f"{home}/{ids['reducer all']}")
    alice.open(f"{home}/{ids['reducer all']}/remove")


def _rules(alice: Tour, ids: dict[str, Any]) -> None:
    rule, simple = (f"{WORKFLOW}/subject_rules/{id}" for id in ids["rule"])
    alice.open(f"{WORKFLOW}/rules", f"{OTHER}/rules", NEW_RULE, rule, f"{rule}/remove")
    alice.open(f"{WORKFLOW}/user_rules/new", f"{WORKFLOW}/user_rules/{ids['user_rule'][0]}")
    alice.open(f"{NEW_RULE}?recipe=first_say&people=2&answer=0&task_key=T0&reason=blank")
    alice.send(rule, {"why": "1"}, status=200)
    alice.send(simple, {"condition": f'["gt" "{LONG}"]'})
    alice.send(simple, {"condition": '["gt", ["lookup", "counts.lion"], ["const", 4]]'})
    alice.send(simple, {"condition": "['gt', ['lookup', 'counts.lion', 0], ['const', 4]]"})
    alice.send(simple, {"c.2:value": LONG})
    alice.send(simple, {"c:kind": "not"}, status=200)
    alice.send(simple, {"do": "effect-add:external_with_basic_auth"}, status=200)
    alice.send(simple, {"save": "1", "effect-0-subject_set_id-other": "8"})


def _results(alice: Tour, ids: dict[str, Any]) -> None:
    for of, id, key in (("subjects", 1, LONG), ("users", 3, "seen")):
        home = f"{WORKFLOW}/{of}"
        alice.open(home, f"{home}/{id}", f"{home}/{id}/reducers/{ids[f'reducer {key}']}")
        alice.open(f"{home}?id={LONG}", status=422)
        alice.open(f"{WORKFLOW}/activity/{of}/1")
    alice.open(f"{WORKFLOW}/activity", f"{WORKFLOW}/activity?status=failed")
    alice.open(f"{WORKFLOW}/history", f"{WORKFLOW}/history/{ids['revision']}/restore")


def _runs(alice: Tour, ids: dict[str, Any]) -> None:
    home = f"{WORKFLOW}/runs"
    alice.open(home, f"{home}/new", f"{OTHER}/runs", f"{home}?before=1")
    for kind in ("backfill", "backfill_user", "reextract", "rereduce", "import"):
        alice.open(f"{home}/new?kind={kind}")
    first, *_ = runs = ids["runs of Workflow"]
    for run_id in runs:
        alice.open(f"{home}/{run_id}", f"{home}/{run_id}/repeat")
    alice.open(f"{home}/{first}?failures=1", f"{home}/{first}/apply")
    wrong = {"scope": "listed", "subjects": f"1 {LONG}", "rate": LONG}
    alice.send(f"{home}/new?kind=backfill", wrong)
    alice.send(f"{home}/new?kind=backfill_user", {"user": LONG})
    alice.send(f"{home}/new?kind=reextract", {"scope": "since", "since": LONG})
    alice.send(f"{home}/new?kind=backfill", {"effects": "act"}, status=200)
    home, (first, *_) = f"{PROJECT}/runs", ids["runs of Project"]
    alice.open(home, f"{home}/new", f"{home}/new?kind=rereduce")
    alice.open(f"{home}/{first}", f"{home}/{first}/repeat")


def _operations(root: Tour) -> None:
    home = "/operations"
    root.open(home, f"{home}/queues", f"{home}/failures", f"{home}/rejected")
    key = key_of("subject_actions", "add subject to set", cause_of(f"It broke: {LONG}"))
    failure = f"{home}/failures/subject_actions/{key}"
    root.open(failure, f"{home}/failures/runs/none", f"{home}/rejected?reason=none")
    root.send(failure, {"do": "discard"}, status=200)
    root.send(f"{home}/queues", {"id": LONG})
    root.open("/graphiql")
    root.send("/graphiql", {"query": f"{{ {LONG} }}"}, status=200)
