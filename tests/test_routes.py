"""Every route as everybody: golden tables of what there is, and of who gets which answer."""

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from caesar_web.access.permissions import PERMISSIONS, declared
from caesar_web.api import openapi
from caesar_web.domain.causes import NO_MESSAGE, key_of
from caesar_web.jobs import tasks
from caesar_web.pipeline.runs import Order, start
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Project, Reducer, SubjectRule, UserRule
from caesar_web.store.db import db
from caesar_web.store.inbox import Subject
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.store.runs import DataRequest, Run
from caesar_web.store.snapshot import Reducible
from tests.conftest import plain_config
from tests.factories import START, make_workflow
from tests.people import (
    ALICE,
    ARCHIVE,
    BOB,
    BROWSER,
    CAROL,
    CSRF,
    DAVE,
    ROOT,
    StoppedTime,
    application,
    at_panoptes,
    bearer,
    csrf_token,
    sign_in,
)
from tests.standin.server import StandinServer

pytestmark = pytest.mark.long

REGENERATES = os.environ.get("REGENERATE_GOLDEN") == "1"
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GOLDEN = Path(__file__).parent / "golden"
OF_PROJECT = 77  # the id of its reducer
PRIVATE, UNKNOWN, PUBLIC_EXTRACTS, PUBLIC_REDUCTIONS, PUBLIC = 300, 999, 301, 302, 303
ASK_FOR_BOTH = {"nobody", "bob", "dave", "root as administrator"}
KINDS = {"JSON": {"Accept": "application/json"}, "page": BROWSER}
PEOPLE = {
    "bob": BOB,
    "carol": CAROL,
    "alice": ALICE,
    "dave": DAVE,
    "city-archive": ARCHIVE,
    "root": ROOT,
}
RETIRE = {"action": "retire_subject", "reason": "consensus"}
PROMOTE = {"action": "promote_user", "workflow_id": PRIVATE}
RULES = {
    "rules_config": [{"if": ["const", True], "then": [RETIRE]}],
    "user_rules_config": [{"if": ["const", True], "then": [PROMOTE]}],
    "extractors_config": {"any": {"type": "who"}},
    "reducers_config": {"counts": {"type": "stats"}},
}
EFFECTS = {
    "subject": {"action": "retire_subject", "config": {"reason": "other"}},
    "user": {"action": "promote_user", "config": {"workflow_id": PRIVATE}},
}
ALWAYS = '["const", true]'
FORMS: dict[str, dict[str, str]] = {
    "sign_in.admin": {"on": "1"},
    "workflows.new": {"id": str(PRIVATE)},
    "workflows.settings": {"status": "paused", "rules_applied": "no_rules"},
    "activity.retry": {"retry": "these"},
    "activity.again": {"do": "again"},
    "hosts.try_again": {"host": "example.org"},
    "freezes.of_workflow": {"do": "freeze"},
    "freezes.of_project": {"do": "freeze"},
    "freezes.everywhere": {"do": "freeze"},
    "history.restore": {},
    "runs.new": {"subjects": "1", "scope": "listed"},
    "runs.change": {"do": "stop"},
    "runs.repeat": {},
    "runs.apply": {"number": "0"},
    "project_runs.new": {"subjects": "1", "scope": "listed"},
    "project_runs.change": {"do": "stop"},
    "project_runs.repeat": {},
    "projects.settings": {"status": "halted"},
    "configuration.edit": {"document": '{"status": "paused"}'},
    "proposals.propose": {"offer": "extractor:who"},
    "extractors.edit": {"key": "other"},
    "reducers.edit": {"key": "other"},
    "project_reducers.edit": {"key": "other"},
    "subjects.refresh": {},
    "rules.new": {"base": ALWAYS, "condition": ALWAYS, "save": "1"},
    "rules.edit": {"base": ALWAYS, "condition": ALWAYS, "save": "1"},
    "rules.move": {"step": "1"},
    "rules.remove": {},
    "data_requests.create": {"requested_data": "extracts", "format": "csv"},
    "data_requests.change": {"do": "cancel"},
    "project_data_requests.create": {"requested_data": "subject_reductions", "format": "csv"},
    "project_data_requests.change": {"do": "cancel"},
    "rules.state": {"status": "halted"},
    "extractors.state": {"status": "halted"},
    "reducers.state": {"status": "halted"},
    "calls.of_extractor": {"do": "again"},
    "calls.of_reducer": {"do": "again"},
    "project_calls.of_project_reducer": {"do": "again"},
    "project_reducers.state": {"status": "halted"},
    "operations.choose_queue": {"of": "workflow", "id": str(PRIVATE), "queue": "classifications"},
    "graphql_page.ask": {"query": "{ me { isLoggedIn } }"},
    "failures.act": {"do": "retry"},
    "rejected.act": {"do": "discard"},
}
PAGES_THAT_REFUSE = {  # what is asked of them here
    "GET /auth/zooniverse/callback",
    "GET /exports/<token>",
    "POST /theme",
    "POST /workflows/<workflow_id>/<kind>/<rule_id>/move",
    "POST /workflows/<workflow_id>/subjects/<subject_id>",
    *(
        f"{method} /{path}/<part_id>/calls"
        for method in ("GET", "POST")
        for path in (
            "workflows/<workflow_id>/extractors",
            "workflows/<workflow_id>/reducers",
            "projects/<project_id>/reducers",
        )
    ),
    "GET /workflows/<workflow_id>/users/<user_id>",
    "GET /workflows/<workflow_id>/users/<user_id>/reducers/<reducer_id>",
}
BODIES: dict[str, Any] = {
    "workflows.create": {"id": PRIVATE},
    "workflows.update": {"status": "paused"},
    "projects.create": {"id": 30},
    "projects.update": {"status": "halted"},
    "graphql.ask": {"query": "{ workflow(id: 300) { id } }"},
    "parts_api.create_extractor": {"type": "who", "key": "new"},
    "parts_api.update_extractor": {"key": "other"},
    "parts_api.create_reducer": {"type": "count", "key": "new"},
    "parts_api.update_reducer": {"key": "other"},
    "parts_api.create_reducer_of_project": {"type": "count", "key": "new"},
    "parts_api.update_reducer_of_project": {"key": "other"},
    "rules_api.create": {"condition": ["const", True]},
    "rules_api.update": {"condition": ["const", False]},
    "extracts.write": {"classification_id": 5, "data": {"a": 1}},
    "extracts.import_predictions": {"file": "https://example.org/a.csv"},
    "reductions.write_of_subject": {"data": {"a": 1}},
    "reductions.write_of_subject_in_project": {"data": {"a": 1}},
    "reductions.write_of_user": {"data": {"a": 1}},
    "reductions.write_of_user_in_project": {"data": {"a": 1}},
}


@dataclass(frozen=True)
class Caller:
    """Somebody, and the headers with which they come."""

    name: str
    by: str
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class World:
    """The application, everybody who calls, and the database as it was before they did."""

    app: Flask
    callers: list[Caller]
    database: Path
    before: Path
    ids: dict[str, dict[str, int]]

    def ask(
        self, caller: Caller, rule: Rule, method: str, kind: str, *, workflow_id: int
    ) -> TestResponse:
        """One request, after which nobody has changed anything."""
        topic = (rule.defaults or {}).get("topic", "subject")
        values = {
            "filename": "style.css",
            "workflow_id": workflow_id,
            "project_id": 30,
            "extractor_key": "all",
            "reducer_key": "all" if "project_id" in rule.arguments else "counts",
            "subject_id": 1,
            "user_id": 1,
            "of": "subjects",
            "action_id": 1,
            "revision_id": 1,
            "reducer_id": 1,
            "recipe_key": "seen",
            "request_id": _request_id(30 if "project_id" in rule.arguments else workflow_id),
            "token": "unsigned",
            "kind": "subject_rules",
            "part_id": OF_PROJECT if "project_id" in rule.arguments else 1,
            "run_id": self.ids["runs"]["Project" if "project_id" in rule.arguments else "Workflow"],
            "failure_sort": "subject_actions",
            "cause_key": key_of("subject_actions", "retire subject", NO_MESSAGE),
            **self.ids[topic],
        }
        built = rule.build({name: values[name] for name in rule.arguments if name in values})
        assert built is not None
        body: dict[str, Any] = {}
        if method not in ("GET", "DELETE"):
            given = BODIES.get(rule.endpoint, EFFECTS[topic] if "effects" in rule.endpoint else {})
            is_form = rule.endpoint in FORMS
            body = {"data": FORMS[rule.endpoint]} if is_form else {"json": given}
        client = self.app.test_client(use_cookies=False)
        headers = {**KINDS[kind], **caller.headers, "X-Request-Id": "the-same-for-all"}
        asks_for_one = rule.endpoint.startswith(("extracts.", "reductions."))
        path = f"{built[1]}?subject_id=1&user_id={DAVE}" if asks_for_one else built[1]
        response = client.open(path, method=method, headers=headers, buffered=True, **body)
        if method != "GET" and response.status_code < 400:  # what is refused has changed nothing
            self.restore()
        return response

    def restore(self) -> None:
        with (
            closing(sqlite3.connect(self.before)) as source,
            closing(sqlite3.connect(self.database)) as target,
        ):
            source.backup(target)


@pytest.fixture(scope="module")
def world(
    standin_server: StandinServer, new_database: Callable[[str], str], tmp_path_factory: Any
) -> Iterator[World]:
    standin_server.reset()
    url = new_database("sqlite")
    home = tmp_path_factory.mktemp("before")
    config = at_panoptes(plain_config(database_url=url, home=home), standin_server)
    before = home / "caesar.db"
    with application(config, StoppedTime()) as app:
        ids = _configured(app)
        callers = [_with_token(app, standin_server, name) for name in PEOPLE]
        callers += [_with_cookie(app, name) for name in PEOPLE]
        callers += [_with_cookie(app, "root", acts_as_admin=True)]
        database = Path(url.removeprefix("sqlite:///"))
        with (
            closing(sqlite3.connect(database)) as source,
            closing(sqlite3.connect(before)) as target,
        ):
            source.backup(target)
        yield World(app, [Caller("nobody", "nothing", {}), *callers], database, before, ids)


def _configured(app: Flask) -> dict[str, dict[str, int]]:
    """Workflows of the private project, by what of them is public; the ids of the first's rules."""
    flags = {
        PRIVATE: (False, False),
        PUBLIC_EXTRACTS: (True, False),
        PUBLIC_REDUCTIONS: (False, True),
        PUBLIC: (True, True),
    }
    ids = {}
    with app.app_context(), db.session.begin():
        for id, (extracts, reductions) in flags.items():
            shown = {"public_extracts": extracts, "public_reductions": reductions}
            make_workflow(db.session(), id, project_id=30, **RULES, **shown)
            _add_results(id)
            _add_request(Reducible("Workflow", id), is_public=extracts)
        _add_reducer_of_project()
        db.session.add(Subject(id=1, metadata_={}))
        _add_request(Reducible("Project", 30), is_public=False)
        for topic, table in {"subject": SubjectRule, "user": UserRule}.items():
            rule: Any = db.session.scalars(select(table).filter_by(workflow_id=PRIVATE)).one()
            ids[topic] = {"rule_id": rule.id, "effect_id": rule.effects[0].id}
        _add_action(**ids["subject"])
        ids["runs"] = {
            reducible.type: start(
                db.session(), Order("rereduce", reducible), by="dave", now=START
            ).run_id
            for reducible in (Reducible("Workflow", PRIVATE), Reducible("Project", 30))
        }
    return ids


def _add_reducer_of_project() -> None:
    db.session.add(Project(id=30, created_at=START, updated_at=START))
    own: dict[str, Any] = {"reducible_type": "Project", "reducible_id": 30, "key": "all"}
    at = {"created_at": START, "updated_at": START}
    db.session.add(Reducer(id=OF_PROJECT, type="stats", **own, **at))


def _add_action(rule_id: int, effect_id: int) -> None:
    """An action that failed."""
    effect = {"effect_revision": 1, "occurrence": 0, "effect_type": "retire_subject", "config": {}}
    at = {"not_before": START, "created_at": START, "updated_at": START}
    where = {"workflow_id": PRIVATE, "rule_id": rule_id, "effect_id": effect_id, "subject_id": 1}
    db.session.add(SubjectAction(**where, **effect, **at, status="failed"))


def _add_results(workflow_id: int) -> None:
    """An extract and a reduction of subject 1."""
    common: dict[str, Any] = {"subject_id": 1, "data": 1, "created_at": START, "updated_at": START}
    extract = {"workflow_id": workflow_id, "extractor_key": "any", "classification_at": START}
    reduction = {"reducible_type": "Workflow", "reducible_id": workflow_id, "reducer_key": "counts"}
    db.session.add(Extract(**extract, **common))
    db.session.add(SubjectReduction(**reduction, **common))


def _request_id(exportable_id: int) -> str:
    """Of a data request of theirs, whose text has the id of what it is of."""
    return f"00000000-0000-4000-8000-{exportable_id:012}"


def _add_request(reducible: Reducible, *, is_public: bool) -> None:
    """An export of extracts whose file can be had."""
    order, id = Order("export", reducible, about=str(reducible.id)), _request_id(reducible.id)
    run_id = start(db.session(), order, by="somebody", now=START).run_id
    now = datetime.now(UTC)
    row = DataRequest(
        id=UUID(id),
        exportable_type=reducible.type,
        exportable_id=reducible.id,
        requested_data="extracts",
        is_public=is_public,
        run_id=run_id,
        file=id,
        rows=0,
        size=0,
        expires_at=now + timedelta(days=7),
        created_at=START,
        updated_at=START,
    )
    db.session.add(row)
    run = db.session.get_one(Run, run_id)
    run.status, run.finished_at = "finished", now
    folder = tasks.storage().parts
    folder.mkdir(exist_ok=True)
    (folder / id).touch()


def _with_token(app: Flask, standin: StandinServer, name: str) -> Caller:
    headers = bearer(standin, PEOPLE[name])
    assert app.test_client().get("/workflows", headers=headers).status_code == 200
    return Caller(name, "token", headers)


def _with_cookie(app: Flask, name: str, *, acts_as_admin: bool = False) -> Caller:
    client = app.test_client()
    sign_in(client, name)
    token = csrf_token(client)
    if acts_as_admin:
        client.post("/session/admin", data={"on": "1", "csrf_token": token})
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    assert client.get("/workflows").status_code == 200
    cookie = client.get_cookie("caesar_session")
    assert cookie is not None
    headers = {"Cookie": f"caesar_session={cookie.value}", "X-CSRFToken": token}
    return Caller(f"{name} as administrator" if acts_as_admin else name, "cookie", headers)


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every rule with every method that it declares."""
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    yield from sorted(found, key=lambda each: (each[0].rule, each[1]))


def path_of(rule: Rule) -> str:
    """The rule without what its parts are made of."""
    return re.sub(r"<[^>]+:", "<", rule.rule)


def is_of_workflow(rule: Rule) -> bool:
    return "workflow_id" in rule.arguments


def outcome(response: TestResponse) -> str:
    """The status, and where a redirect leads; an empty list is one too."""
    if response.text == "[]":
        return f"{response.status_code} []"
    where = UUID_TEXT.sub("<id>", response.headers.get("Location", "").partition("?")[0])
    if "/oauth/authorize" in where:
        where = "Panoptes"
    return f"{response.status_code} {where}".strip()


def asks(caller: Caller, kind: str) -> bool:
    """Scripts want JSON and browsers pages; some of them also ask for the other."""
    return caller.name in ASK_FOR_BOTH or (kind == "JSON") == (caller.by == "token")


def compare(name: str, found: list[dict[str, str]]) -> None:
    """Holds a table against the golden one; writes it only when told to."""
    file = GOLDEN / f"{name}.json"
    if REGENERATES:
        lines = ",\n".join(json.dumps(row) for row in found)
        file.write_text(f"[\n{lines}\n]\n", "utf-8")
        pytest.fail(f"{file.name} is written anew: review it, and run without REGENERATE_GOLDEN")
    assert found == json.loads(file.read_text("utf-8")), (
        f"{file.name} says otherwise; if this is meant, run with REGENERATE_GOLDEN=1"
    )


def test_the_routes_and_what_each_declares(world: World) -> None:
    with world.app.app_context():
        found = [
            {"route": f"{method} {path_of(rule)}", "permission": declared(rule.endpoint)}
            for rule, method in routes(world.app)
        ]
    compare("routes", found)


def test_everybody_on_every_route(world: World) -> None:
    found: list[dict[str, str]] = []
    for rule, method in routes(world.app):
        opened = is_of_workflow(rule) and PERMISSIONS[_declared(world, rule)].public
        ids = [PRIVATE, *([PUBLIC_EXTRACTS, PUBLIC_REDUCTIONS] if opened else [])]
        for kind in KINDS:
            for id in ids:
                found += _rows(world, rule, method, kind, id)
    assert not [row for row in found if "500" in row.values()]
    compare("access", found)


def _declared(world: World, rule: Rule) -> str:
    with world.app.app_context():
        return declared(rule.endpoint)


def _rows(world: World, rule: Rule, method: str, kind: str, id: int) -> Iterator[dict[str, str]]:
    """What everybody gets, in a row for those who sign in and one for the others."""
    route = f"{method} {path_of(rule).replace('<workflow_id>', str(id))}"
    for by in (("nothing", "token"), ("cookie",)):
        row = {"route": route, "as": kind, "by": by[-1]}
        for caller in world.callers:
            if caller.by in by and asks(caller, kind):
                response = world.ask(caller, rule, method, kind, workflow_id=id)
                row[caller.name] = outcome(response)
        yield row


def test_what_is_not_yours_looks_like_what_is_not_there(world: World) -> None:
    """And what is not there has the same status for those who may see everything."""
    strangers = ("nobody", "bob", "alice")
    compared = 0
    for rule, method in routes(world.app):
        if not is_of_workflow(rule):
            continue
        for kind in KINDS:
            of_stranger = 0
            for caller in [one for one in world.callers if asks(one, kind)]:
                if caller.name not in (*strangers, "dave") and caller.by != "cookie":
                    continue  # access.json says what they get
                unknown = _seen(world, caller, rule, method, kind, UNKNOWN)
                if caller.name in strangers or (caller.name, caller.by) == ("root", "cookie"):
                    hidden = _seen(world, caller, rule, method, kind, PRIVATE)
                    for part in hidden:  # one by one, so that a failure shows what differs
                        where = f"{part} of {method} {rule.rule} as {caller}"
                        assert hidden[part] == unknown[part], where
                    compared += 1
                    of_stranger = unknown["status"]
                assert caller.name == "nobody" or unknown["status"] == of_stranger
    assert compared > 300


def _seen(
    world: World, caller: Caller, rule: Rule, method: str, kind: str, workflow_id: int
) -> dict[str, Any]:
    """All of an answer, with the workflow's id taken out."""
    response = world.ask(caller, rule, method, kind, workflow_id=workflow_id)
    passing = ("Set-Cookie", "Date")
    headers = {name: text for name, text in response.headers if name not in passing}
    cookie = response.headers.get("Set-Cookie", "")
    seen = {
        "status": response.status_code,
        "body": CSRF.sub("", response.text),
        "headers": headers,
        "cookie": cookie.partition(";")[2],
        "session": _session(world.app, cookie),
    }
    plain: dict[str, Any] = json.loads(json.dumps(seen).replace(str(workflow_id), "ID"))
    return plain


def _session(app: Flask, cookie: str) -> dict[str, Any]:
    """What a cookie holds, so that only its signature may differ."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    text = cookie.partition("=")[2].partition(";")[0]
    held = serializer.loads(text) if text else {}
    return {name: value for name, value in held.items() if name != "csrf_token"}


def test_flags_open_nothing_but_what_they_name(world: World) -> None:
    nobody, bob = world.callers[0], world.callers[1]
    for rule, method in routes(world.app):
        if not is_of_workflow(rule) or PERMISSIONS[_declared(world, rule)].public:
            continue
        for caller in (nobody, bob):
            answer = world.ask(caller, rule, method, "JSON", workflow_id=PUBLIC)
            assert answer.status_code == (401 if caller is nobody else 404), rule


def test_what_answers_json_is_in_the_description_of_the_api(world: World) -> None:
    """And nothing else; of what refuses even an administrator, nobody can say what it answers."""
    with world.app.app_context():
        described = {f"{one.method} {path_of(one.rule)}" for one in openapi.routes()}
    (root,) = [one for one in world.callers if (one.name, one.by) == ("root", "token")]
    answering, refused = set(), set()
    for rule, method in routes(world.app):
        response = world.ask(root, rule, method, "JSON", workflow_id=PRIVATE)
        name = f"{method} {path_of(rule)}"
        if response.status_code >= 400:
            refused.add(name)
        elif response.mimetype == "application/json":
            answering.add(name)
    assert answering - described == set()
    assert refused - described == PAGES_THAT_REFUSE
    assert described - answering - refused == {"GET /metrics"}


def test_every_permission_is_used(world: World) -> None:
    used = {_declared(world, rule) for rule, _ in routes(world.app)}
    assert used == set(PERMISSIONS)


def test_a_route_that_declares_nothing_is_never_run(config_of_scratch: Any) -> None:
    with application(config_of_scratch) as scratch:
        ran = []

        @scratch.get("/forgotten")
        def forgotten() -> str:
            ran.append(request.path)
            return ""

        scratch.testing = True
        with pytest.raises(LookupError, match="the route forgotten declares no permission"):
            scratch.test_client().get("/forgotten")
        with scratch.app_context(), pytest.raises(LookupError):
            declared("forgotten")
        scratch.testing = False
        scratch.config["PROPAGATE_EXCEPTIONS"] = False
        assert scratch.test_client().get("/forgotten").status_code == 500
        assert ran == []


@pytest.fixture
def config_of_scratch() -> Any:
    return plain_config(database_url="sqlite://")
