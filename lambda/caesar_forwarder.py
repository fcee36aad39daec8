"""AWS Lambda: sends the classifications of a Kinesis batch to Caesar, or fails so that AWS retries.

Deploy this file alone, with `requests`. It reads CAESAR_URL, KINESIS_STREAM_USERNAME and
KINESIS_STREAM_PASSWORD. Records that can never succeed are logged (without their content, which
may hold personal data) and dropped, because one of them would otherwise block its shard.
"""

import base64
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import requests

# Caesar refuses requests of more than 10,000 events or 16 MB with 413. AWS hands over 6 MB at most,
# so that what it hands over is normally one POST.
MOST_EVENTS = 10_000
MOST_BYTES = 15_000_000

# Well below the function's own limit of 60 s: AWS should see our failure, not kill us silently.
CONNECT_SECONDS = 5
READ_SECONDS = 40

OPENING, CLOSING = b'{"payload":[', b"]}"

logger = logging.getLogger(__name__)

Event = Mapping[str, Any]


def lambda_handler(event: Mapping[str, Any], context: object) -> None:
    """Forward one batch of Kinesis records. Raises where Caesar did not take all of them."""
    logger.setLevel(logging.INFO)
    records = event["Records"]
    classifications = [found for record in records if (found := _classification(record))]
    post_events(
        classifications,
        os.environ["CAESAR_URL"],
        os.environ["KINESIS_STREAM_USERNAME"],
        os.environ["KINESIS_STREAM_PASSWORD"],
    )
    logger.info("%d records, %d classifications forwarded", len(records), len(classifications))


def post_events(
    events: Sequence[Event],
    url: str,
    username: str,
    password: str,
    session: requests.Session | None = None,
) -> None:
    """POST `events` to the Caesar at the base address `url`; raises requests.RequestException.

    A failure in the middle of several requests leaves the first ones done. Sending all of them
    again is harmless: an event that Caesar knows does nothing.
    """
    if session is None:
        with requests.Session() as own:
            post_events(events, url, username, password, own)
        return
    for body in _bodies(events):
        response = session.post(
            url.rstrip("/") + "/kinesis",
            data=body,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            auth=(_as_utf8(username), _as_utf8(password)),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,  # followed, the POST would become a GET and look like success
        )
        if not 200 <= response.status_code < 300:
            answer = f"{response.status_code}: {response.text[:200]!r}"
            raise requests.HTTPError(f"{url}/kinesis answered {answer}", response=response)


def _as_utf8(text: str) -> str:
    """Credentials that requests, which encodes them as latin-1, sends as the UTF-8 we expect."""
    return text.encode().decode("latin-1")


def _classification(record: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        event = json.loads(base64.b64decode(record["kinesis"]["data"]))
    except (ValueError, RecursionError) as problem:
        logger.error("Dropped %s, which is not JSON: %s", _name(record), type(problem).__name__)
        return None
    if not isinstance(event, dict):
        return None
    wanted = event.get("source") == "panoptes" and event.get("type") == "classification"
    return event if wanted else None


def _name(record: Mapping[str, Any]) -> str:
    return f"record {record.get('eventID', 'without eventID')}"


def _bodies(events: Iterable[Event]) -> Iterator[bytes]:
    """Request bodies, each below both limits unless a single event is larger than that."""
    parts: list[bytes] = []
    size = 0
    for event in events:
        part = json.dumps(event, separators=(",", ":")).encode()
        if parts and (len(parts) == MOST_EVENTS or size + len(part) + 1 > MOST_BYTES):
            yield OPENING + b",".join(parts) + CLOSING
            parts, size = [], 0
        parts.append(part)
        size += len(part) + 1
    if parts:
        yield OPENING + b",".join(parts) + CLOSING
