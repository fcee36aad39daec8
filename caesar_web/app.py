"""Building the Flask application."""

import gc
import logging
from pathlib import Path

from flask import Flask, Response
from flask_migrate import Migrate
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from caesar_web.api import reads, stream
from caesar_web.api.rendering import as_response
from caesar_web.config import Config
from caesar_web.store import activity, configuration, inbox, results  # noqa: F401  # all tables
from caesar_web.store.db import db, engine_options, prepare_engine
from caesar_web.web import status

ROOT = Path(__file__).resolve().parent.parent
DATABASE_AWAY = (OperationalError, InterfaceError, NoConnectionFree)

log = logging.getLogger(__name__)


def create_app(config: Config, *, pool_size: int | None = None) -> Flask:
    """The application; `pool_size` is the number of threads that will use the database."""
    app = Flask("caesar_web", root_path=str(ROOT))
    app.config["SECRET_KEY"] = config.secret_key
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(
        config.database_url, pool_size=pool_size or config.web_threads
    )
    app.extensions["caesar_config"] = config
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    with app.app_context():
        prepare_engine(db.engine)
    for blueprint in (status.blueprint, reads.blueprint, stream.blueprint):
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _error)
    for trouble in DATABASE_AWAY:
        app.register_error_handler(trouble, _database_away)
    app.after_request(_with_headers)
    return app


def collect_seldom() -> None:
    """For processes that make many short-lived values: a fifth less CPU (bench/README.md)."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _error(problem: HTTPException) -> Response:
    """Errors as clients know them, as JSON."""
    body = {"status": problem.code, "error": problem.name}
    return as_response(body, status=problem.code or 500)


def _database_away(problem: SQLAlchemyError) -> Response:
    """Nothing was written, so that whoever sent something may send it again."""
    log.error("the database is away: %s", getattr(problem, "orig", None) or problem)
    return _error(ServiceUnavailable())


def _with_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
