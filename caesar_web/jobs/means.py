"""By what means extracts and reductions are made elsewhere: a body goes, and something comes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from caesar_web.domain.extractors import Extractor
from caesar_web.domain.hosts import host_of
from caesar_web.domain.series import Reducer
from caesar_web.external.answers import read_answer
from caesar_web.external.http import ExternalError, GuardedClient
from caesar_web.jobs import queues, tasks
from caesar_web.store.db import dump_json

MOST_SHOWN = 20_000  # characters of a body, for those who look at an exchange

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


Call = Callable[[Part, Any], Exchange]


def call_by(means: str) -> Call:
    """How to call by these means. Raises KeyError for others."""
    return {queues.EXTERNAL: lambda: partial(_post, tasks.external())}[means]()


def _post(client: GuardedClient, part: Part, body: Any) -> Exchange:
    url = part.options["url"]
    sent, started = dump_json(body)[:MOST_SHOWN], time.monotonic()
    try:
        answer = client.post(url, body)
    except ExternalError as problem:
        seconds = time.monotonic() - started
        return Exchange(sent, seconds, status=problem.status, problem=problem)
    received = answer.body[:MOST_SHOWN].decode("utf-8", "replace").replace("\0", "�")
    came = partial(Exchange, sent, answer.seconds, status=answer.status, received=received)
    try:
        return came(value=read_answer(answer, host=host_of(url)))
    except ExternalError as problem:
        return came(problem=problem)
