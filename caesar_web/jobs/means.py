"""By what means extracts and reductions are made elsewhere: a body goes, and something comes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import current_app

from caesar_web.domain.aggregation import Kind, query
from caesar_web.domain.extractors import Extractor
from caesar_web.domain.hosts import host_of
from caesar_web.domain.library_options import MEANS as AGGREGATION
from caesar_web.domain.library_options import LibraryCall
from caesar_web.domain.secrets import Destination, SecretLost, destination
from caesar_web.domain.series import Reducer
from caesar_web.domain.services import queue_of
from caesar_web.domain.values import DomainError, check_storable
from caesar_web.external import aggregation
from caesar_web.external.aggregation import AggregationMissing
from caesar_web.external.answers import read_answer
from caesar_web.external.http import ExternalError, GuardedClient
from caesar_web.external.sqs import Message, Queues
from caesar_web.jobs import queues, tasks
from caesar_web.store.db import dump_json
from caesar_web.store.sealing import Sealer, Unopenable

MOST_SHOWN = 20_000  # characters of a body, for those who look at an exchange
DISPATCHED = "dispatched"
IN_MESSAGES = (
    "id",
    "classification_id",
    "classification_at",
    "extractor_key",
    "workflow_id",
    "user_id",
    "subject_id",
    "data",
    "project_id",
    "workflow_version",
    "machine_data",
)

Part = Extractor | Reducer


@dataclass(frozen=True)
class Exchange:
    """A body that was sent, and what came of it: a value, None for no data, or a problem."""

    sent: str
    seconds: float
    value: Any = None
    status: int | None = None
    received: str | None = None
    problem: ExternalError | None = None

    @property
    def error(self) -> str | None:
        """What went wrong, in a sentence."""
        return None if self.problem is None else self.problem.message

    def row(self, kind: str, owner_id: int, *, now: datetime) -> dict[str, Any]:
        """The exchange as it is kept, for those who look at an extractor or reducer."""
        return {
            "kind": kind,
            "owner_id": owner_id,
            "status": self.status,
            "seconds": self.seconds,
            "sent": self.sent,
            "received": self.received,
            "error": self.error,
            "created_at": now,
        }


Call = Callable[[Part, Any], Exchange]


def call_by(means: str) -> Call:
    """How to call by these means. Raises KeyError for others."""
    config = current_app.extensions["caesar_config"]
    url = config.aggregation_url
    if means == AGGREGATION and url:
        return partial(_post_to_library, tasks.external(), url.rstrip("/"))
    of_sqs = tasks.once(Queues, lambda: Queues(config.sqs_queues))
    calls: dict[str, Call] = {
        queues.EXTERNAL: _by_service(tasks.external(), tasks.sealer(), of_sqs),
        AGGREGATION: _library,
    }
    return calls[means]


def _by_service(client: GuardedClient, sealer: Sealer, of_sqs: Queues) -> Call:
    def call(part: Part, body: Any) -> Exchange:
        return _send(of_sqs, part, body) if queue_of(part) else _post(client, sealer, part, body)

    return call


def _send(of_sqs: Queues, part: Part, body: Any) -> Exchange:
    """Sends each extract as a message; the data says no more than that."""
    started = time.monotonic()
    extracts = body["extracts"] if isinstance(body, dict) else body
    messages = [_message(one) for one in extracts]
    sent = "\n".join(one.body for one in messages)[:MOST_SHOWN]
    try:
        of_sqs.send(messages, name=part.options["queue_name"], url=part.options["queue_url"])
    except ExternalError as problem:
        return _failed(sent, started, problem)
    return Exchange(sent, time.monotonic() - started, DISPATCHED)


def _message(extract: dict[str, Any]) -> Message:
    body = dump_json({name: extract[name] for name in IN_MESSAGES})
    id = f"{extract['id']}-{extract['updated_at']}"
    return Message(id, str(extract["subject_id"]), body)


def _post(client: GuardedClient, sealer: Sealer, part: Part, body: Any) -> Exchange:
    try:
        to = destination(part.options, sealer.open_secrets(part.secrets))
    except (SecretLost, Unopenable) as problem:  # a missing key may come back
        refusal = ExternalError(str(problem), permanent=isinstance(problem, SecretLost))
        return Exchange(dump_json(body)[:MOST_SHOWN], 0.0, problem=refusal)
    return _posted(client, to, body)


def _post_to_library(client: GuardedClient, url: str, part: Part, body: Any) -> Exchange:
    """Asks an online application of the library at that address."""
    name, parameters = _call_of(part)
    url = f"{url}/{_kind(part)}/{name}?{urlencode(query(parameters))}"
    return _posted(client, Destination(url), body)


def _library(part: Part, body: Any) -> Exchange:
    """Calls the library in this process."""
    (name, parameters), started = _call_of(part), time.monotonic()
    sent = dump_json(body)[:MOST_SHOWN]
    try:
        value = _of_library(part, name, parameters, body)
        check_storable(value)
    except DomainError as problem:
        # What it cannot do now, it cannot do later, unless somebody installs it meanwhile.
        permanent = not isinstance(problem, AggregationMissing)
        return _failed(sent, started, ExternalError(str(problem), permanent=permanent))
    received = dump_json(value)[:MOST_SHOWN]
    return Exchange(sent, time.monotonic() - started, value, received=received)


def _of_library(part: Part, name: str, parameters: dict[str, Any], body: Any) -> Any:
    if isinstance(part, Extractor):
        return aggregation.extract(name, parameters, body)
    if part.is_running:
        extracts, store = body["extracts"], body["store"]
        data, store = aggregation.reduce(name, parameters, extracts, store=store, is_running=True)
    else:
        data, store = aggregation.reduce(name, parameters, body)
    return {"data": data, "store": store}


def _kind(part: Part) -> Kind:
    if isinstance(part, Extractor):
        return "extractors"
    return "running_reducers" if part.is_running else "reducers"


def _call_of(part: Part) -> LibraryCall:
    if part.type.call is None:
        raise LookupError(f"{part.key} calls nothing in the library")
    return part.type.call(part.options)


def _failed(sent: str, started: float, problem: ExternalError) -> Exchange:
    return Exchange(sent, time.monotonic() - started, status=problem.status, problem=problem)


def _posted(client: GuardedClient, to: Destination, body: Any) -> Exchange:
    sent, started = dump_json(body)[:MOST_SHOWN], time.monotonic()
    try:
        answer = client.post(to.url, body, auth=to.credentials, secret=to.secret)
    except ExternalError as problem:
        return _failed(sent, started, problem)
    received = answer.body[:MOST_SHOWN].decode("utf-8", "replace").replace("\0", "�")
    came = partial(Exchange, sent, answer.seconds, status=answer.status, received=received)
    try:
        return came(value=read_answer(answer, host=host_of(to.url)))
    except ExternalError as problem:
        return came(problem=problem)
