"""Migrations: one way up, the models' own schema at its end, and down again, with data."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, select

from caesar_web.core import ROOT
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from tests.factories import make_event, make_workflow
from tests.pipeline.steps import process, receive

FOLDER = str(ROOT / "migrations")
FILES = sorted((ROOT / "migrations" / "versions").glob("*.py"))
NAME = re.compile(r"(\d{4})_[a-z0-9_]+")
CONFIGURATION: dict[str, Any] = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {"counts": {"type": "stats", "reduction_mode": "running_reduction"}},
    "rules_config": [{"if": ["const", True], "then": [{"action": "retire_subject"}]}],
    "user_rules_config": [{"if": ["const", True], "then": []}],
}


@pytest.fixture
def migrated(app: Flask) -> Iterator[Flask]:
    """An application whose database is at the newest schema."""
    flask_migrate.Migrate(app, db)
    yield app
    db.session.remove()


@pytest.fixture
def scripts() -> ScriptDirectory:
    config = AlembicConfig()
    config.set_main_option("script_location", FOLDER)
    return ScriptDirectory.from_config(config)


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def fill() -> None:
    with db.session.begin():
        make_workflow(db.session(), **CONFIGURATION)
    receive([make_event(1, user=1, choice="lion"), None])
    process()


def test_there_is_one_way_up(scripts: ScriptDirectory) -> None:
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_files_are_numbered_and_say_what_they_do(file: Path) -> None:
    named = NAME.fullmatch(file.stem)
    assert named
    source = file.read_text("utf-8")
    assert f'revision = "{named.group(1)}"' in source
    summary = source.removeprefix('"""').splitlines()[0]
    assert len(summary) > 10
    assert summary.endswith(".")
    assert "Safe to run beside the previous release" in source


def test_the_models_are_what_the_migrations_make(migrated: Flask) -> None:
    with db.engine.connect() as connection:
        options = {"compare_type": _same_type, "compare_server_default": False}
        differences = compare_metadata(
            MigrationContext.configure(connection, opts=options), db.metadata
        )
    assert differences == []
    assert tables() == set(db.metadata.tables)
    assert not _is_postgresql() or "inbox_positions" in inspect(db.engine).get_sequence_names()


def test_down_and_up_again_with_data(migrated: Flask) -> None:
    fill()
    assert db.session.scalars(select(SubjectAction)).all()
    db.session.remove()
    flask_migrate.downgrade(directory=FOLDER, revision="base")
    assert tables() == set()
    assert not _is_postgresql() or inspect(db.engine).get_sequence_names() == []
    flask_migrate.upgrade(directory=FOLDER)
    assert tables() == set(db.metadata.tables)
    assert db.session.scalars(select(Workflow)).all() == []
    db.session.remove()
    fill()
    assert len(db.session.scalars(select(SubjectAction)).all()) == 1


def test_up_again_changes_nothing(migrated: Flask) -> None:
    fill()
    flask_migrate.upgrade(directory=FOLDER)
    assert len(db.session.scalars(select(SubjectAction)).all()) == 1


def _is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"


def _same_type(
    context: Any, inspected: Any, declared: Any, inspected_type: Any, declared_type: Any
) -> bool:
    """Whether the types differ, as the database writes them."""
    dialect = db.engine.dialect
    return bool(inspected_type.compile(dialect) != declared_type.compile(dialect))
