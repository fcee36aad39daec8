"""All that one stand-in holds: settings, the world, OAuth grants, and what tests asked for."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flask import current_app

from caesar_web.standin import grants
from caesar_web.standin.classifications import BOUND
from caesar_web.standin.grants import Grants
from caesar_web.standin.seed import ROOT, seeded_world
from caesar_web.standin.tokens import Keys
from caesar_web.standin.world import JSON, World

LOG_BOUND = 10_000
HOOK_BOUND = 1_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a stand-in is started with."""

    client_id: str
    client_secret: str
    keys: Keys
    now: Callable[[], float] = time.time
    classification_bound: int = BOUND


@dataclass
class Fault:
    """What to do instead of answering, or before, to the next `times` requests (-1: to all)."""

    path_regex: str
    method: str | None
    status: int | None
    message: str
    times: int
    delay: float
    drop: bool


@dataclass
class Testing:
    """What tests asked for and what they may look at."""

    log: deque[JSON] = field(default_factory=lambda: deque(maxlen=LOG_BOUND))
    hooks: deque[JSON] = field(default_factory=lambda: deque(maxlen=HOOK_BOUND))
    hook_answers: dict[str, JSON] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    legacy_duplicates: bool = False


class State:
    """The mutable whole; its one lock guards everything but settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """The seeded world again, and nothing that tests asked for. Codes and refresh tokens go."""
        with self.lock:
            self.world: World = seeded_world(
                classification_bound=self.settings.classification_bound
            )
            self.grants = Grants(
                grants.applications(
                    client_id=self.settings.client_id,
                    client_secret=self.settings.client_secret,
                    owner_id=ROOT,
                )
            )
            self.testing = Testing()

    def now(self) -> float:
        return self.settings.now()

    def timestamp(self) -> str:
        text = datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")


def current_state() -> State:
    """The state of the stand-in that answers this request."""
    state: State = current_app.extensions["standin"]
    return state


@contextmanager
def locked_world() -> Iterator[World]:
    """The world, for as long as nobody else may touch it."""
    state = current_state()
    with state.lock:
        yield state.world
