"""Secrets of extractors and reducers: kept sealed, shown as masks, and never for another server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.config import Config
from caesar_web.domain.documents import read_document, read_extractor, read_reducer
from caesar_web.domain.options import MASK
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import tasks
from caesar_web.pipeline.configuring import configure, restore
from caesar_web.pipeline.part_saving import save_extractor, save_reducer
from caesar_web.store import transfer
from caesar_web.store.configuration import Extractor, Project, Reducer, Revision, Workflow
from caesar_web.store.db import db
from caesar_web.store.snapshot import Reducible
from tests.conftest import plain_config
from tests.factories import JSON, SEALER, make_workflow
from tests.pipeline.test_configuring import change, refused, revisions
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

URL = "https://eve:pa55word@example.org/extract"
MASKED_URL = f"https://{MASK}@example.org/extract"
THEIRS: JSON = {"type": "external", "url": URL, "secret": "s3cret"}
MASKED: JSON = {"type": "external", "url": MASKED_URL, "secret": MASK}
KEPT = {"url": "eve:pa55word", "secret": "s3cret"}
Save = Callable[[JSON], None]


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture(autouse=True)
def workflows(app: Flask) -> Iterator[None]:
    with db.session.begin():
        make_workflow(db.session(), 100)
        make_workflow(db.session(), 101)
    db.session.remove()
    yield
    tasks.panoptes().close()


def as_extractor(entry: JSON) -> None:
    known = "theirs" if kept(Extractor) else None
    save_extractor(change(), 100, known, read_extractor("theirs", entry))


def as_reducer(entry: JSON) -> None:
    known = "theirs" if kept(Reducer) else None
    reducible = Reducible("Workflow", 100)
    save_reducer(change(), reducible, known, read_reducer("theirs", entry))


def in_a_document(entry: JSON) -> None:
    configure(change(), 100, read_document({"extractors_config": {"theirs": entry}}))


def reducer_in_a_document(entry: JSON) -> None:
    configure(change(), 100, read_document({"reducers_config": {"theirs": entry}}))


WAYS: dict[Save, Any] = {
    as_extractor: Extractor,
    as_reducer: Reducer,
    in_a_document: Extractor,
    reducer_in_a_document: Reducer,
}
every_way = pytest.mark.parametrize(("save", "table"), WAYS.items())


def kept(table: Any) -> dict[str, Any]:
    """Its config, and its secrets as they are when they are opened."""
    row = db.session.scalars(select(table)).one_or_none()
    found = {} if row is None else {"config": row.config, "sealed": row.secrets}
    db.session.remove()
    if found:
        found["secrets"] = SEALER.open(found["sealed"]) if found["sealed"] else {}
    return found


@every_way
def test_they_are_sealed_and_nowhere_in_clear(save: Save, table: Any) -> None:
    save(THEIRS)
    found = kept(table)
    assert found["secrets"] == KEPT
    assert found["config"] == {"url": MASKED_URL, "secret": MASK}
    everything = everything_kept()
    assert not [secret for secret in ("pa55word", "s3cret") if secret in everything]


@every_way
def test_masks_that_are_sent_back_change_nothing(save: Save, table: Any) -> None:
    save(THEIRS)
    before = revisions(), kept(table)
    save(MASKED)
    assert (revisions(), kept(table)) == before


@every_way
def test_another_secret_is_another_revision_though_it_looks_alike(save: Save, table: Any) -> None:
    save(THEIRS)
    before = revisions()
    save({**MASKED, "secret": "other"})
    assert revisions() == (before[0] + 1, before[1] + 1)
    assert kept(table)["secrets"] == {**KEPT, "secret": "other"}
    save({"type": "external", "url": "https://example.org/extract"})
    assert kept(table)["sealed"] is None


@every_way
@pytest.mark.parametrize("name", ["url", "secret"])
def test_a_mask_stands_for_nothing_where_nothing_is_kept(save: Save, table: Any, name: str) -> None:
    (problem,) = refused(lambda: save({**THEIRS, name: MASKED[name]}))
    place, _, message = problem.partition(": ")
    within = ("", "extractors_config.theirs.", "reducers_config.theirs.")
    assert place in [f"at {one}{name}" for one in within]
    assert message == "must be given: there is nothing kept that the mask could stand for"


@every_way
def test_a_mask_is_never_for_another_server(save: Save, table: Any) -> None:
    save(THEIRS)
    problems = refused(lambda: save({**MASKED, "url": "https://evil.example/extract"}))
    assert len(problems) == 1
    assert "must be given again: what is kept belongs to another server" in problems[0]


def test_one_of_another_type_has_nothing_kept() -> None:
    in_a_document(THEIRS)
    in_a_document({"type": "survey"})
    assert refused(lambda: in_a_document(MASKED))


def test_another_workflow_gets_no_secret_of_ours() -> None:
    in_a_document(THEIRS)
    shown = transfer.show(db.session(), db.session.get_one(Workflow, 100))
    db.session.remove()
    with pytest.raises(InvalidConfiguration):
        configure(change(), 101, read_document(shown))


def test_an_earlier_revision_gets_what_is_kept() -> None:
    in_a_document(THEIRS)
    first = db.session.scalars(select(Revision.id).order_by(Revision.id.desc())).first()
    db.session.remove()
    in_a_document({**MASKED, "minimum_version": "2.1"})
    assert restore(change(), 100, first or 0)
    assert kept(Extractor)["secrets"] == KEPT


def test_a_reducer_of_a_project() -> None:
    reducible = Reducible("Project", 10)
    save_reducer(change(), reducible, None, read_reducer("theirs", THEIRS))
    before = db.session.get_one(Project, 10).revision
    db.session.remove()
    save_reducer(change(), reducible, "theirs", read_reducer("theirs", {**MASKED, "secret": "x"}))
    assert kept(Reducer)["secrets"] == {**KEPT, "secret": "x"}
    assert db.session.get_one(Project, 10).revision == before + 1
    db.session.remove()
