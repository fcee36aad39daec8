"""POST /kinesis: the stream of classification events, from the Lambda forwarder."""

import hmac
import json
import math
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from caesar_web.access.permissions import permit
from caesar_web.api.rendering import refused
from caesar_web.config import Config
from caesar_web.jobs import queues
from caesar_web.jobs.tasks import queue_of
from caesar_web.pipeline.ingest import take_in
from caesar_web.store.db import db

MOST_EVENTS = 10_000
MOST_BYTES = 16 * 1024 * 1024
LONGEST_NUMBER = 1000  # digits; a longer one is read as infinity, and its event rejected

blueprint = Blueprint("stream", __name__)


@blueprint.post("/kinesis")
@permit("post to the stream")
def kinesis() -> Response:
    """Takes in a list of events; 204 once they are durable, whatever became of each."""
    config: Config = current_app.extensions["caesar_config"]
    if not _is_forwarder(config):
        return Response(status=401, headers={"WWW-Authenticate": 'Basic realm="stream"'})
    body = _body()
    if body is None:
        return refused(413, f"a request may have {MOST_BYTES} bytes; send fewer events at a time")
    try:
        payload = read_json(body)["payload"]
    except (ValueError, RecursionError) as problem:
        return refused(400, f"the body is not JSON: {problem}")
    except (TypeError, KeyError):
        return refused(400, 'the body must be an object {"payload": [event, ...]}')
    if not isinstance(payload, list):
        return refused(400, "payload must be a list of events")
    if len(payload) > MOST_EVENTS:
        return refused(413, f"a request may have {MOST_EVENTS} events, not {len(payload)}")
    with db.session.begin():
        taken = take_in(db.session(), payload, now=datetime.now(UTC))
        to_ring = [(id, queue_of(db.session(), id)) for id in taken.workflows]
    for workflow_id, queue in to_ring:
        if not queues.ring_classifications(config.redis_url, workflow_id, queue=queue):
            break  # a queue that hangs must not hold up the answer once for each workflow
    return Response(status=204)


def _body() -> bytes | None:
    """The request's body; None where it is too long, also when it did not say so beforehand."""
    request.max_content_length = MOST_BYTES + 1  # without a length, reading ends there in silence
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return None
    return body if len(body) <= MOST_BYTES else None


def read_json(body: bytes) -> Any:
    """The body's JSON; what orjson refuses in one event must not refuse the others."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body, parse_int=_whole_number)


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_NUMBER else math.inf


def _is_forwarder(config: Config) -> bool:
    given = request.authorization
    if given is None or given.type != "basic":
        return False
    pairs = (
        (given.username or "", config.stream_username),
        (given.password or "", config.stream_password),
    )
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs]
    return all(matches)
