"""Work that may take long, aside of what a worker does: calls to hosts that have just failed."""

import logging
from collections.abc import Callable
from threading import Lock, Thread

from flask import Flask

MOST = 2  # at a time, each with a connection to the database

log = logging.getLogger(__name__)


class Aside:
    """Threads with a context of the application each; one at most for each workflow."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = Lock()
        self._busy: dict[int, Thread] = {}

    def begin(self, workflow_id: int, step: Callable[[], object]) -> bool:
        """Begins a step; False where the same workflow, or too many others, are at it already."""
        with self._lock:
            if workflow_id in self._busy or len(self._busy) >= MOST:
                return False
            # As a daemon it ends with the process, like all that a worker does: its lease ends too.
            thread = Thread(target=self._run, args=(workflow_id, step), daemon=True)
            self._busy[workflow_id] = thread
        thread.start()
        return True

    def finish(self, seconds: float) -> None:
        """Waits so long at most for each that is not over."""
        for thread in list(self._busy.values()):
            thread.join(seconds)

    def _run(self, workflow_id: int, step: Callable[[], object]) -> None:
        try:
            with self._app.app_context():
                step()
        except Exception:
            log.exception("what was done aside for workflow %s failed", workflow_id)
        finally:
            with self._lock:
                del self._busy[workflow_id]
