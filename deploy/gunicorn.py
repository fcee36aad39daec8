"""How gunicorn runs: one process with threads; several where CPU is to be had (WEB_CONCURRENCY)."""

import os
from typing import Any

from gunicorn.glogging import Logger

from caesar_web import lifeline, logs
from caesar_web.config import load
from caesar_web.core import collect_seldom

worker_class = "gthread"
keepalive = 5
graceful_timeout = 10
timeout = 60
control_socket_disable = True


class logger_class(Logger):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn itself logs, in the format of all else; it writes down no requests."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for written in self.error_log.handlers:
            written.setFormatter(logs.formatter(load(os.environ)))


def post_fork(server: Any, worker: Any) -> None:
    """A worker does not outlive its master, even one that was killed."""
    lifeline.die_with_parent(worker.ppid)
    collect_seldom()
