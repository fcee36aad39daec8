"""An application in which two owners have something of everything, which they alone may see."""

import base64
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from caesar_web.api import openapi
from caesar_web.api.openapi import Route
from caesar_web.pipeline.runs import Order, start
from caesar_web.store.configuration import (
    Extractor,
    Project,
    Reducer,
    SubjectRule,
    SubjectRuleEffect,
    UserRule,
    UserRuleEffect,
)
from caesar_web.store.db import db
from caesar_web.store.inbox import Subject
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.runs import DataRequest
from caesar_web.store.snapshot import Reducible
from tests.factories import JSON, START
from tests.people import ALICE, BOB, StoppedTime, bearer
from tests.served import ADD, PROMOTE, three_projects
from tests.standin.server import StandinServer

SUBJECT, USER = 1001, 1000
CONDITION = '["gte", ["lookup", "walrus.LION", 0], ["const", 3]]'


@dataclass(frozen=True)
class Owned:
    """What is somebody's: a workflow and its project, of which all ids and texts can be told."""

    workflow_id: int
    project_id: int
    word: str  # in every text
    ids: str  # what every id begins with

    @property
    def id(self) -> int:
        """The id of the first of everything that they have."""
        return int(f"{self.ids}01")

    @property
    def reducibles(self) -> tuple[Reducible, Reducible]:
        return Reducible("Workflow", self.workflow_id), Reducible("Project", self.project_id)

    def is_in(self, text: str) -> bool:
        return self.ids in text or self.word in text


# Rows that are added later have the next larger ids: so hers begin with a larger number than his.
OF_ALICE, OF_DAVE = Owned(100, 10, "walrus", "7135792"), Owned(300, 30, "narwhal", "6135792")


@dataclass(frozen=True)
class Sample:
    """The application, its database and how that was at first, and with what people come."""

    app: Flask
    database: Path
    before: Path
    tokens: dict[int, dict[str, str]]

    def ask(
        self, route: Route, user_id: int = ALICE, *, path: str = "", **sent: Any
    ) -> TestResponse:
        """One request, to what is Alice's, by somebody with a token; to the stream by that."""
        headers = self.tokens[user_id]
        if route.path == "/kinesis":
            pair = base64.b64encode(b"kinesis:the secret of the stream").decode()
            headers = {"Authorization": f"Basic {pair}"}
        client = self.app.test_client(use_cookies=False)
        there = address(path or route.path)
        return client.open(there, method=route.method, headers=headers, **sent)

    def restore(self) -> None:
        """Takes back whatever was changed."""
        _copy(self.before, self.database)


@contextmanager
def sample(url: str, standin: StandinServer, redis_url: str, home: Path) -> Iterator[Sample]:
    """On SQLite; Alice and Bob have been here before, so that Panoptes is not asked about them."""
    over: JSON = {"clock": StoppedTime(), "redis_url": redis_url, "home": home}
    with three_projects(url, standin, **over) as app:
        with app.app_context():
            with db.session.begin():
                for owned in (OF_DAVE, OF_ALICE):
                    _fill(db.session(), owned)
                db.session.add(Subject(id=SUBJECT, metadata_={}))
            db.session.remove()
        tokens = {user_id: bearer(standin, user_id) for user_id in (ALICE, BOB)}
        for token in tokens.values():
            assert app.test_client().get("/workflows", headers=token).status_code == 200
        database, before = Path(url.removeprefix("sqlite:///")), home / "before.db"
        _copy(database, before)
        yield Sample(app, database, before, tokens)


def routes(app: Flask) -> list[Route]:
    """The routes for programs, in the order of their paths."""
    with app.app_context():
        return sorted(openapi.routes(), key=lambda one: (one.path, one.method))


def values(path: str) -> dict[str, Any]:
    """Of what Alice has, what the placeholders of a path stand for."""
    word, is_of_project = OF_ALICE.word, path.startswith("/projects")
    return {
        "workflow_id": OF_ALICE.workflow_id,
        "project_id": OF_ALICE.project_id,
        "part_id": OF_ALICE.id + is_of_project,
        "rule_id": OF_ALICE.id,
        "effect_id": OF_ALICE.id,
        "subject_id": SUBJECT,
        "user_id": USER,
        "extractor_key": word,
        "reducer_key": f"{word}-of-user" if "user_reductions" in path else word,
        "request_id": _request_id(OF_ALICE.id + is_of_project),
    }


def address(path: str) -> str:
    """The path with what Alice has in it."""
    return re.sub(r"{([a-z_]+)}", lambda found: str(values(path)[found[1]]), path)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def _fill(session: Session, owned: Owned) -> None:
    """One of everything in a workflow, and reducers with their reductions in its project too."""
    at: JSON = {"created_at": START, "updated_at": START}
    session.add(Project(id=owned.project_id, display_name=owned.word, **at))
    workflow = {"workflow_id": owned.workflow_id}
    session.add(Extractor(id=owned.id, key=owned.word, type="survey", **workflow, **at))
    for number, reducible in enumerate(owned.reducibles):
        _add_reducers(session, owned, reducible, owned.id + number)
        _add_request(session, owned, reducible, owned.id + number)
    session.add(SubjectRule(id=owned.id, condition=CONDITION, **workflow, **at))
    session.add(UserRule(id=owned.id, condition=CONDITION, **workflow, **at))
    session.flush()
    for table, effect, rule in (
        (SubjectRuleEffect, ADD, {"subject_rule_id": owned.id}),
        (UserRuleEffect, PROMOTE, {"user_rule_id": owned.id}),
    ):
        config = {name: value for name, value in effect.items() if name != "action"}
        session.add(table(id=owned.id, action=effect["action"], config=config, **rule, **at))
    extract = {"subject_id": SUBJECT, "user_id": USER, "data": {owned.word: 1}}
    key = {"extractor_key": owned.word, "classification_id": owned.id, "classification_at": START}
    of: JSON = {"id": owned.id, "project_id": owned.project_id}
    session.add(Extract(**of, **workflow, **key, **extract, **at))


def _add_reducers(session: Session, owned: Owned, reducible: Reducible, id: int) -> None:
    """One for subjects and one for users, with a reduction each."""
    of: JSON = {"reducible_type": reducible.type, "reducible_id": reducible.id}
    at: JSON = {"created_at": START, "updated_at": START}
    of_user = f"{owned.word}-of-user"
    session.add(Reducer(id=id, key=owned.word, type="stats", **of, **at))
    own = {"key": of_user, "type": "stats", "topic": "reduce_by_user"}
    session.add(Reducer(id=id + 10, **own, **of, **at))
    data = {"data": {owned.word: 1}}
    session.add(
        SubjectReduction(id=id, subject_id=SUBJECT, reducer_key=owned.word, **data, **of, **at)
    )
    session.add(UserReduction(id=id, user_id=USER, reducer_key=of_user, **data, **of, **at))


def _request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _add_request(session: Session, owned: Owned, reducible: Reducible, id: int) -> None:
    order = Order("export", reducible, about=owned.word)
    run_id = start(session, order, by=owned.word, now=START).run_id
    what: JSON = {"requested_data": "user_reductions", "subgroup": owned.word, "run_id": run_id}
    of = {"exportable_type": reducible.type, "exportable_id": reducible.id}
    at: JSON = {"created_at": START, "updated_at": START}
    session.add(DataRequest(id=UUID(_request_id(id)), **what, **of, **at))
