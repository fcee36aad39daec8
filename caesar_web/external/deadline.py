"""An end to a connection that its other side does not bring to an end."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class Deadline:
    """Cuts the watched connections off when the time is over, whatever they wait for.

    Timeouts do not do that: they count anew with each byte.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._watched:
                connection.close()
            self._watched.clear()

    def watching(self, kind: Any) -> Any:
        """The same kind of urllib3 connection, but watched from before its first byte."""

        def new_connection(connection: Any) -> socket.socket:
            made: socket.socket = kind._new_conn(connection)
            self._watch(made)
            return made

        return type("Watched", (kind,), {"_new_conn": new_connection})

    def _watch(self, connection: socket.socket) -> None:
        with self._lock:
            # A duplicate, as TLS takes the socket itself over.
            self._watched.append(connection.dup())
        if self.is_over:
            self._cut()

    def _cut(self) -> None:
        self.is_over = True
        with self._lock:
            for connection in self._watched:
                with suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RDWR)
