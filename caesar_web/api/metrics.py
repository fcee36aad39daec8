"""GET /metrics: how the system fares, for Prometheus."""

import hmac
import ipaddress
import logging
from collections.abc import Iterable
from concurrent.futures import Future
from typing import TypeVar

from flask import Blueprint, Response, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from werkzeug.exceptions import NotFound

from caesar_web import logs
from caesar_web.access import parts
from caesar_web.access.permissions import permit
from caesar_web.api import metric_families
from caesar_web.jobs import monitor, tasks
from caesar_web.jobs.inquiries import Inquiry
from caesar_web.jobs.monitor import QueueState
from caesar_web.store import operation_statements
from caesar_web.store.operation_statements import Operation
from caesar_web.store.queries import reading

MOST_SECONDS = 5.0  # Prometheus waits for ten
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")

Found = TypeVar("Found")

log = logging.getLogger(__name__)
blueprint = Blueprint("metrics", __name__)


class Database(Inquiry[Operation]):
    """What the database tells; one of these for each process."""


class Queues(Inquiry["list[QueueState] | None"]):
    """What Redis tells; one of these for each process."""


class _Scrape(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


@blueprint.get("/metrics")
@permit("read the metrics")
def metrics() -> Response:
    """What the database and Redis say at this moment, or that they say nothing."""
    config = parts.config()
    if not (_has_token(config.metrics_token) or _is_local()):
        if config.metrics_token:
            return Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
        raise NotFound
    of_database, of_queues = _database().begin(), _queues().begin()
    families = metric_families.families(
        _answer(of_database, "database"),
        _answer(of_queues, "queues"),
        served=[name for name, _ in config.queues],
        commit_id=config.commit_id,
        now=parts.now(),
    )
    registry = CollectorRegistry()
    registry.register(_Scrape(families))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


def _has_token(token: str) -> bool:
    given = request.authorization
    if not token or given is None or given.type != "bearer":
        return False
    return hmac.compare_digest((given.token or "").encode(), token.encode())


def _is_local() -> bool:
    """Whether this machine asks, and not for somebody else as a proxy that nobody told us of."""
    if parts.config().trusted_proxies or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _answer(asked: "Future[Found]", name: str) -> Found | None:
    try:
        return asked.result(MOST_SECONDS)
    except Exception as problem:
        log.warning("the metrics of the %s are missing: %s", name, logs.said(problem))
        return None


def _database() -> Database:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # for another thread

    def ask() -> Operation:
        with app.app_context(), reading() as session:
            return operation_statements.operation(session, now=parts.now())

    return tasks.once(Database, lambda: Database(ask))


def _queues() -> Queues:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # for another thread

    def ask() -> list[QueueState] | None:
        with app.app_context():
            config = parts.config()
            names = [name for name, _ in config.queues]
            return monitor.queue_states(config.redis_url, names, now=parts.now())

    return tasks.once(Queues, lambda: Queues(ask))
