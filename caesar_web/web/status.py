"""The public status page: whether classifications come in and effects go out."""

from flask import Blueprint, Response, current_app, render_template, request

from caesar_web.config import Config
from caesar_web.domain.classification import timestamp
from caesar_web.jobs import queues
from caesar_web.store import queries
from caesar_web.store.db import db, dump_json

MOST_COUNTED = 100_000

blueprint = Blueprint("status", __name__)


@blueprint.get("/")
def status() -> Response | str:
    """As JSON for those who monitor, as a page for everybody else."""
    config: Config = current_app.extensions["caesar_config"]
    session = db.session()
    queries.begin_reading(session)
    newest = queries.newest(session)
    queued = queues.sizes(config.redis_url, [name for name, _ in config.queues])
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) != "text/html":
        body = {
            "sidekiq_queue_size": sum(queued.values()) if queued is not None else 0,
            "newest_extract_date": timestamp(newest.extract),
            "newest_reduction_date": timestamp(newest.reduction),
            "newest_action_date": timestamp(newest.action),
            "commit_id": config.commit_id,
        }
        return Response(dump_json(body), content_type="application/json; charset=utf-8")
    return render_template(
        "status.html",
        newest=newest,
        queued=queued,
        waiting=queries.waiting_classifications(session, most=MOST_COUNTED),
        most_counted=MOST_COUNTED,
        performed=queries.performed(session),
        workflows=queries.workflows(session) if config.development else None,
        totals=queries.totals(session),
        commit_id=config.commit_id,
    )
