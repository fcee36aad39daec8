"""How gunicorn runs: one process with threads; several where CPU is to be had (WEB_CONCURRENCY)."""

from typing import Any

from caesar_web import lifeline
from caesar_web.app import collect_seldom

worker_class = "gthread"
keepalive = 5
graceful_timeout = 10
timeout = 60
control_socket_disable = True


def post_fork(server: Any, worker: Any) -> None:
    """A worker does not outlive its master, even one that was killed."""
    lifeline.die_with_parent(worker.ppid)
    collect_seldom()
