"""A stand-in Panoptes on a free loopback port, in a thread, for the tests of every layer."""

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from types import TracebackType
from typing import Any, Self

import requests

from caesar_web.standin.app import create_standin
from caesar_web.standin.classifications import BOUND
from caesar_web.standin.server import listen
from caesar_web.standin.state import Settings
from caesar_web.standin.tokens import Keys, new_keys

JSON = dict[str, Any]
ACCEPT = "application/vnd.api+json; version=1"
PATIENCE = 60.0  # seconds; a machine that others use too may stand still for ten


class Clock:
    """Seconds since 1970; they pass only when told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class StandinServer:
    """Start it with `with StandinServer() as standin`; `reset()` gives the seeded world again."""

    client_id = "caesar"
    client_secret = "the secret of caesar"

    def __init__(
        self,
        *,
        keys: Keys | None = None,
        now: Callable[[], float] = time.time,
        classification_bound: int = BOUND,
    ) -> None:
        settings = Settings(
            client_id=self.client_id,
            client_secret=self.client_secret,
            keys=keys or new_keys(),
            now=now,
            classification_bound=classification_bound,
        )
        self.public_key_pem = settings.keys.public_pem
        self._server = listen(create_standin(settings), 0)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def token(
        self,
        user_id: int,
        ttl: float = 7200,
        *,
        scope: str | None = None,
        foreign: bool = False,
    ) -> str:
        """A token of the user's; expired with a `ttl` below 0, wrongly signed if `foreign`."""
        wish: JSON = {"user_id": user_id, "ttl": ttl, "foreign": foreign}
        if scope is not None:
            wish["scope"] = scope
        text: str = self._control("POST", "token", wish).json()["access_token"]
        return text

    def revoke(self, *, token: str | None = None, user_id: int | None = None) -> int:
        """Revokes a token, or all of a user; how many."""
        answer = self._control("POST", "revoke", {"token": token, "user_id": user_id})
        count: int = answer.json()["revoked"]
        return count

    def reset(self) -> None:
        self._control("POST", "reset", {})

    def log(self, path: str = "", method: str = "") -> list[JSON]:
        """The requests so far; `path` is a regular expression."""
        answer = self._control("GET", "log", params={"path": path, "method": method})
        entries: list[JSON] = answer.json()
        return entries

    def clear_log(self) -> None:
        self._control("DELETE", "log")

    def fail(
        self,
        path_regex: str,
        *,
        status: int | None = None,
        message: str = "",
        times: int = 1,
        method: str | None = None,
        delay: float = 0,
        drop: bool = False,
    ) -> None:
        """Makes the next `times` requests (-1: all) fail, be late, or lose their connection."""
        fault = {
            "path_regex": path_regex,
            "method": method,
            "status": status,
            "message": message,
            "times": times,
            "delay": delay,
            "drop": drop,
        }
        self._control("POST", "fail", fault)

    def lift_faults(self) -> None:
        self._control("DELETE", "fail")

    def add_subjects(self, subject_set_id: int, *, first_id: int, count: int) -> None:
        """Makes subjects in a set, with ids from `first_id` on."""
        wish = {"subject_set_id": subject_set_id, "first_id": first_id, "count": count}
        self._control("POST", "subjects", wish)

    def switch(self, **switches: bool | int) -> None:
        """Sets `service_account_admin`, `legacy_duplicates` or `token_seconds`."""
        self._control("POST", "switches", switches)

    def add_classifications(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._control("POST", "classifications", list(rows))

    def hooks(self) -> list[JSON]:
        """What came in at `/hook/...`."""
        requests_seen: list[JSON] = self._control("GET", "hooks").json()
        return requests_seen

    def answer_hook(self, name: str, **answer: Any) -> None:
        """What `/hook/<name>` answers: `json` or `text`, with `status`, after `delay` seconds."""
        self._control("POST", "hooks", {"name": name, **answer})

    def api(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> requests.Response:
        """One request to the API, with the headers that it wants."""
        sent = {"Accept": ACCEPT, **({"Authorization": f"Bearer {token}"} if token else {})}
        url = f"{self.url}/api{path}"
        with requests.Session() as session:
            return session.request(
                method, url, headers={**sent, **(headers or {})}, json=json, timeout=PATIENCE
            )

    def _control(
        self, method: str, name: str, json: Any = None, params: Mapping[str, str] | None = None
    ) -> requests.Response:
        with requests.Session() as session:
            answer = session.request(
                method, f"{self.url}/_stub/{name}", json=json, params=params, timeout=PATIENCE
            )
        answer.raise_for_status()
        return answer
