"""The aggregation library's own online application, as external extractor and reducer of ours.

It is installed by `make drill` alone, as that needs the network. What it makes over HTTP is what
the same parameters make in process, of the payloads of `tests/golden/aggregation.json`.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.domain.aggregation import query
from caesar_web.domain.annotations import by_task
from caesar_web.domain.library_options import MEANS
from caesar_web.jobs import asking, queues
from caesar_web.pipeline.pushing import (
    PushedExtract,
    PushedReduction,
    push_extract,
    push_reduction,
)
from caesar_web.store.activity import ExternalWork
from caesar_web.store.db import db
from caesar_web.store.result_statements import SUBJECT, USER
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.snapshot import Reducible
from tests.aggregation_online import application
from tests.domain.making import golden
from tests.factories import JSON, START, make_event, make_workflow
from tests.jobs.test_asking_library import app, config, needs_library
from tests.jobs.test_tess import check, play
from tests.pipeline.steps import process, receive

__all__ = ["app", "config"]

if "DRILL_TIMES" not in os.environ:
    pytest.skip("make drill installs what this needs", allow_module_level=True)

pytestmark = [
    pytest.mark.drill,
    needs_library,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


def listed(payload: JSON) -> list[Any]:
    """The annotations of a classification's document as the stream brings them."""
    return [one for of_task in payload["annotations"].values() for one in of_task]


CASES = golden("aggregation")
OF_EXTRACTORS = [
    one
    for one in CASES
    if one["path"].startswith("/extractors/")
    # The stream gives a dropdown's selections as annotations of their own, which the library's
    # extractor of them does not read.
    and by_task(listed(one["payload"])) == one["payload"]["annotations"]
]
OF_REDUCERS = [one for one in CASES if "reducers/" in one["path"] and one["payload"]]
EXTRACTS, KNOWN = "marks", "known"


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with application(tmp_path_factory.mktemp("online")) as url:
        yield url


def over_http(url: str, kind: str, name: str, **parameters: Any) -> JSON:
    return {"type": "external", "url": f"{url}/{kind}/{name}?{urlencode(query(parameters))}"}


def both(url: str, case: JSON) -> dict[str, JSON]:
    """The same of the library in process, and at its own address."""
    path = urlsplit(case["path"])
    parameters = dict(parse_qsl(path.query))
    name = path.path.rpartition("/")[2]
    return {
        "ours": {"type": "aggregation", "name": name, "parameters": parameters},
        "theirs": {"type": "external", "url": f"{url}{case['path']}"},
    }


def ask() -> None:
    for means in (MEANS, queues.EXTERNAL):
        asking.ask(means)
    left = [one.last_error for one in db.session.scalars(select(ExternalWork))]
    db.session.remove()
    assert left == []


def plain(data: Any) -> Any:
    """A list stands by itself in what a service answers."""
    is_list = isinstance(data, dict) and data.keys() == {"results"}
    return data["results"] if is_list else data


@pytest.mark.parametrize("case", OF_EXTRACTORS, ids=lambda case: case["why"])
def test_extractors(app: Flask, online: str, case: JSON) -> None:
    payload = case["payload"]
    with db.session.begin():
        make_workflow(db.session(), extractors_config=both(online, case))
    db.session.remove()
    event = make_event(
        payload["id"],
        user=payload["user_id"],
        annotations=listed(payload),
        metadata=payload["metadata"],
        gold_standard=payload["gold_standard"],
        subject_metadata=payload["subject"]["metadata"],
    )
    receive([event])
    process()
    ask()
    made = {row.extractor_key: row.data for row in db.session.scalars(select(Extract))}
    db.session.remove()
    assert made["ours"]
    assert plain(made["ours"]) == made["theirs"]


@pytest.mark.parametrize("case", OF_REDUCERS, ids=lambda case: case["why"])
def test_reducers(app: Flask, online: str, case: JSON) -> None:
    is_running = case["path"].startswith("/running")
    payload = case["payload"]["extracts"] if is_running else case["payload"]
    by_user = {one["user_id"] for one in payload} == {payload[0]["user_id"]} != {None}
    configure(online, case, is_running=is_running, by_user=by_user)
    for extract in {one["classification_id"]: one for one in payload}.values():
        carry(extract, by_user=by_user)
        with db.session.begin():
            push_extract(db.session(), 100, _pushed(extract), now=START)
        db.session.remove()
        if is_running:
            ask()
    ask()
    rows: Any = db.session.scalars(select(UserReduction if by_user else SubjectReduction)).all()
    made = {row.reducer_key: (row.data, row.store) for row in rows if row.reducer_key != KNOWN}
    db.session.remove()
    assert made["ours"][0]
    assert plain(made["ours"][0]) == made["theirs"][0]
    assert made["ours"][1] == made["theirs"][1]


def configure(url: str, case: JSON, *, is_running: bool, by_user: bool) -> None:
    told = {
        "topic": "reduce_by_user" if by_user else "reduce_by_subject",
        "reduction_mode": "running_reduction" if is_running else "default_reduction",
        "filters": {"repeated_classifications": "keep_all"},
        ("subject_reducer_keys" if by_user else "user_reducer_keys"): [KNOWN],
    }
    other = "reduce_by_subject" if by_user else "reduce_by_user"
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={EXTRACTS: {"type": "external"}},
            reducers_config={
                KNOWN: {"type": "placeholder", "topic": other},
                **{key: {**one, **told} for key, one in both(url, case).items()},
            },
        )
    db.session.remove()


def carry(extract: JSON, *, by_user: bool) -> None:
    """Pushes in what the extract is to have beside it, of its subject or its volunteer."""
    target = extract["subject_id" if by_user else "user_id"]
    if extract["relevant_reduction"] is None or target is None:
        return
    known = PushedReduction(KNOWN, target, "_default", extract["relevant_reduction"]["data"])
    topic = SUBJECT if by_user else USER
    with db.session.begin():
        push_reduction(db.session(), Reducible("Workflow", 100), topic, known, now=START)
    db.session.remove()


def _pushed(extract: JSON) -> PushedExtract:
    return PushedExtract(
        EXTRACTS,
        extract["subject_id"],
        extract["data"],
        extract["classification_id"],
        datetime.fromisoformat(extract["classification_at"]),
        extract["user_id"],
    )


def test_the_pattern_of_tess(app: Flask, online: str) -> None:
    check(*play(partial(over_http, online)))
