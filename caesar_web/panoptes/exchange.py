"""One exchange with Panoptes: bounded, without redirects, and with one kind of error."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from caesar_web.panoptes.errors import PanoptesError, refusal, seconds_to_wait

BODY_LIMIT = 16 * 1024 * 1024
CHUNK_SIZE = 64 * 1024

Timeout = tuple[float, float]  # seconds to connect, seconds to wait for each piece of the answer


@dataclass(frozen=True)
class Answer:
    """A success of Panoptes. `about` names the request that it answers."""

    status: int
    body: bytes
    about: str

    def json(self) -> dict[str, Any]:
        """The document in the body. Raises PanoptesError where there is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise PanoptesError(
                f"Panoptes answered {self.about} with something that is not a JSON object",
                permanent=False,
                status=self.status,
                of_server=True,
            )
        return document


def read_answer(response: requests.Response, now: float) -> Answer:
    """The answer, read to its end. Raises PanoptesError unless it is a success."""
    about = f"{response.request.method} {urlsplit(response.url).path}"
    with response:
        body = _bounded_body(response, about)
    if 200 <= response.status_code < 300:
        return Answer(response.status_code, body, about)
    wait = seconds_to_wait(response.headers.get("Retry-After"), now)
    raise refusal(response.status_code, body, about=about, retry_after=wait)


def _bounded_body(response: requests.Response, about: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(CHUNK_SIZE):
        body += chunk
        if len(body) > BODY_LIMIT:
            raise PanoptesError(
                f"Panoptes answered {about} with more than {BODY_LIMIT} bytes",
                permanent=False,
                status=response.status_code,
            )
    return bytes(body)


@contextmanager
def failures_named(about: str) -> Iterator[None]:
    """Turn what the network does into a PanoptesError that says it in a sentence."""
    try:
        yield
    except requests.Timeout as problem:
        text = f"Panoptes did not answer {about} in time"
        raise PanoptesError(text, permanent=False, of_server=True) from problem
    except requests.ConnectionError as problem:
        text = f"The connection to Panoptes failed for {about}"
        raise PanoptesError(text, permanent=False, of_server=True) from problem
    except requests.RequestException as problem:
        text = f"The exchange with Panoptes failed for {about} ({type(problem).__name__})"
        raise PanoptesError(text, permanent=False, of_server=True) from problem
