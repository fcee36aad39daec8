"""What every process has of the application: its settings, the database, the clock."""

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from caesar_web.config import Config
from caesar_web.store import (  # noqa: F401  # all tables
    activity,
    configuration,
    inbox,
    results,
    runs,
)
from caesar_web.store.db import db, engine_options, prepare_engine

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "migrations"


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_core(
    config: Config, *, pool_size: int, clock: Callable[[], datetime] = utc_now
) -> Flask:
    """The application without pages and routes; `pool_size` threads will use the database."""
    app = Flask("caesar_web", root_path=str(ROOT))
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(
        config.database_url, pool_size=pool_size
    )
    app.extensions["caesar_config"] = config
    app.extensions["caesar_clock"] = clock
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    return app


def migrate(app: Flask) -> None:
    """Brings the database to the newest schema."""
    import flask_migrate  # only here, as it is slow to import and all processes import this

    flask_migrate.Migrate(app, db, directory=str(MIGRATIONS))
    with app.app_context():
        flask_migrate.upgrade(directory=str(MIGRATIONS))


def collect_seldom() -> None:
    """For processes that make many short-lived values: a fifth less CPU (bench/README.md)."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
