"""The public status page: whether classifications come in and effects go out."""

from flask import Blueprint, Response, current_app, render_template, request
from sqlalchemy.orm import Session

from caesar_web.config import Config
from caesar_web.domain.classification import timestamp
from caesar_web.jobs import queues
from caesar_web.store import queries
from caesar_web.store.db import db, dump_json

MOST_COUNTED = 100_000
JSON_TYPES = ("application/json", "application/vnd.api+json")

blueprint = Blueprint("status", __name__)


@blueprint.get("/")
def status() -> Response:
    """As a page for browsers, as JSON for those who monitor."""
    response = (
        Response(_page(), content_type="text/html; charset=utf-8") if _wants_page() else _summary()
    )
    response.vary.add("Accept")
    return response


def _summary() -> Response:
    config, session = _config(), _reading()
    newest = queries.newest(session)
    queued = queues.sizes(config.redis_url, [name for name, _ in config.queues])
    body = {
        "sidekiq_queue_size": sum(queued.values()) if queued is not None else 0,
        "newest_extract_date": timestamp(newest.extract),
        "newest_reduction_date": timestamp(newest.reduction),
        "newest_action_date": timestamp(newest.action),
        "commit_id": config.commit_id,
    }
    return Response(dump_json(body), content_type="application/json; charset=utf-8")


def _page() -> str:
    config, session = _config(), _reading()
    return render_template(
        "status.html",
        newest=queries.newest(session),
        queued=queues.sizes(config.redis_url, [name for name, _ in config.queues]),
        waiting=queries.waiting_classifications(session, most=MOST_COUNTED),
        most_counted=MOST_COUNTED,
        performed=queries.performed(session),
        workflows=queries.workflows(session) if config.development else None,
        totals=queries.totals(session),
        commit_id=config.commit_id,
    )


def _reading() -> Session:
    session = db.session()
    queries.begin_reading(session)
    return session


def _config() -> Config:
    config: Config = current_app.extensions["caesar_config"]
    return config


def _wants_page() -> bool:
    """Only browsers name HTML; clients and monitors name JSON, anything, or nothing."""
    named = dict(request.accept_mimetypes)
    return named.get("text/html", 0) > max(map(named.get, JSON_TYPES, (0, 0)))
