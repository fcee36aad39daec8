"""The public status page: whether classifications come in and effects go out."""

from flask import Blueprint, Response, request

from caesar_web.access import parts
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.api.rendering import as_response
from caesar_web.domain.classification import timestamp
from caesar_web.jobs import queues
from caesar_web.store import queries
from caesar_web.store.queries import reading
from caesar_web.web.pages import page

MOST_COUNTED = 100_000

blueprint = Blueprint("status", __name__)


@blueprint.get("/")
@permit("see the status")
def status() -> Response:
    """Whether work comes in and goes out: a page for browsers, JSON for those who monitor."""
    if wants_page():
        return _page()
    return _summary()


def _summary() -> Response:
    with reading() as session:
        newest = queries.newest(session)
    queued = _queued()
    body = {
        "sidekiq_queue_size": sum(queued.values()) if queued is not None else 0,
        "newest_extract_date": timestamp(newest.extract),
        "newest_reduction_date": timestamp(newest.reduction),
        "newest_action_date": timestamp(newest.action),
        "commit_id": parts.config().commit_id,
    }
    return as_response(body)


def _page() -> Response:
    with reading() as session:
        return page(
            "_status.html" if request.args.get("part") == "status" else "status.html",
            newest=queries.newest(session),
            queued=_queued(),
            waiting=queries.waiting_classifications(session, most=MOST_COUNTED),
            most_counted=MOST_COUNTED,
            performed=queries.performed(session),
            totals=queries.totals(session),
            commit_id=parts.config().commit_id,
        )


def _queued() -> dict[str, int] | None:
    config = parts.config()
    return queues.sizes(config.redis_url, [name for name, _ in config.queues])
