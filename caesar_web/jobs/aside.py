"""Work that may take long, aside of what a worker does: calls to hosts that have just failed."""

import logging
from collections.abc import Callable, Hashable
from threading import Lock, Thread

from flask import Flask

MOST = 2  # at a time where nobody says more, each with a connection to the database

log = logging.getLogger(__name__)


class Aside:
    """Threads with a context of the application each; one at most for each that it is about."""

    def __init__(self, app: Flask, *, most: int = MOST) -> None:
        self._app = app
        self._most = most
        self._lock = Lock()
        self._busy: dict[Hashable, Thread] = {}

    def begin(self, about: Hashable, step: Callable[[], object]) -> bool:
        """Begins a step; False where this, or too much else, is under way already."""
        with self._lock:
            if about in self._busy or len(self._busy) >= self._most:
                return False
            # As a daemon it ends with the process, like all that a worker does: its lease ends too.
            thread = Thread(target=self._run, args=(about, step), daemon=True)
            self._busy[about] = thread
        thread.start()
        return True

    def finish(self, seconds: float) -> None:
        """Waits so long at most for each that is not over."""
        for thread in list(self._busy.values()):
            thread.join(seconds)

    def _run(self, about: Hashable, step: Callable[[], object]) -> None:
        try:
            with self._app.app_context():
                step()
        except Exception:
            log.exception("what was done aside for %s failed", about)
        finally:
            with self._lock:
                del self._busy[about]
