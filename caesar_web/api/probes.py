"""GET /healthz and GET /readyz: for whoever starts processes and sends requests to them."""

import logging
import time
from collections.abc import Callable

from flask import Blueprint, Response, current_app
from sqlalchemy.orm import Session

from caesar_web import logs
from caesar_web.access import parts
from caesar_web.access.permissions import permit
from caesar_web.api.rendering import as_response
from caesar_web.core import MIGRATIONS
from caesar_web.jobs import monitor, tasks
from caesar_web.jobs.inquiries import Inquiry
from caesar_web.store import schema
from caesar_web.store.queries import reading

MOST_SECONDS = 1.0  # for all checks together

log = logging.getLogger(__name__)
blueprint = Blueprint("probes", __name__)


class Checks(dict[str, Inquiry[bool]]):
    """What must be there, by name; one of these for each process."""


@blueprint.get("/healthz")
@permit("probe the service")
def healthz() -> Response:
    """That this process answers, whatever else is away."""
    return as_response({"status": "ok"})


@blueprint.get("/readyz")
@permit("probe the service")
def readyz() -> Response:
    """Whether all is there that requests need: 503 with the names of what is not."""
    until = time.monotonic() + MOST_SECONDS
    begun = [(name, check.begin()) for name, check in _checks().items()]
    failing = []
    for name, answer in begun:
        try:
            is_well = answer.result(max(0.0, until - time.monotonic()))
        except Exception as problem:
            log.warning("the check %s failed: %s", name, logs.said(problem))
            is_well = False
        if not is_well:
            failing.append(name)
    body = {"status": "failing" if failing else "ok", "failing": failing}
    return as_response(body, status=503 if failing else 200)


def _checks() -> Checks:
    return tasks.once(Checks, _new_checks)


def _new_checks() -> Checks:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # for other threads
    redis_url = parts.config().redis_url

    def in_database(check: Callable[[Session], bool]) -> bool:
        with app.app_context(), reading() as session:
            return check(session)

    return Checks(
        database=Inquiry(lambda: in_database(schema.is_answering)),
        schema=Inquiry(lambda: in_database(lambda one: schema.is_new_enough(one, MIGRATIONS))),
        redis=Inquiry(lambda: monitor.redis_answers(redis_url)),
    )
