"""Asking elsewhere for what pages show beside their own: kept for a minute, never an error."""

import logging
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

from flask import g

from caesar_web.access import parts
from caesar_web.access.renewal import PanoptesAway
from caesar_web.external.http import ExternalError
from caesar_web.jobs import tasks
from caesar_web.panoptes.errors import PanoptesError

REMEMBERED_FOR = timedelta(minutes=1)
FAILURES_REMEMBERED_FOR = timedelta(seconds=10)
MOST_ANSWERS = 200

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class Memory:
    """Answers of this process, each until it is too old or the newest need its room.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Hashable, tuple[datetime, Any]] = {}

    def find(self, key: Hashable, *, now: datetime) -> Any:
        """What was kept under the key; None where it is not, or too old."""
        with self._lock:
            until, answer = self._kept.get(key, (now, None))
        return answer if until > now else None

    def keep(self, key: Hashable, answer: Any, *, now: datetime, until: datetime) -> None:
        with self._lock:
            self._kept.pop(key, None)
            fresh = [(known, kept) for known, kept in self._kept.items() if kept[0] > now]
            self._kept = {**dict(fresh[1 - MOST_ANSWERS :]), key: (until, answer)}


def asked(
    key: Hashable, ask: Callable[[], Answer], *, otherwise: Answer, of: str = "Panoptes"
) -> Answer:
    """What Panoptes says, or said within the last minute; `otherwise` where it cannot be asked.

    The key must name the person too, wherever the answer is theirs. `of` is who is asked.
    """
    memory, now = tasks.once(Memory, Memory), parts.now()
    known: Answer | None = memory.find(key, now=now)
    if known is not None:
        return known
    away: set[str] = g.setdefault("away", set())
    if of in away:  # a page must not wait for one list after the other
        return otherwise
    try:
        answer, kept_for = ask(), REMEMBERED_FOR
    except (PanoptesError, PanoptesAway, ExternalError) as problem:
        log.info("a page does without what %s was asked for: %s", of, problem)
        if getattr(problem, "status", None) is None:
            away.add(of)
        answer, kept_for = otherwise, FAILURES_REMEMBERED_FOR
    memory.keep(key, answer, now=now, until=now + kept_for)
    return answer
