"""Asking something that may hang: one thread asks for all, and nobody waits longer than wanted."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Inquiry(Generic[Found]):
    """A question. Whoever asks while it is being answered waits for the same answer.

    So what hangs costs one thread, however often somebody asks.
    """

    def __init__(self, ask: Callable[[], Found]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._asked: Future[Found] | None = None

    def begin(self) -> Future[Found]:
        """The answer to come. Its `result(seconds)` raises TimeoutError, or what asking raised."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                Thread(target=self._answer, args=(self._asked,), daemon=True).start()
            return self._asked

    def _answer(self, asked: Future[Found]) -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as problem:
            asked.set_exception(problem)
