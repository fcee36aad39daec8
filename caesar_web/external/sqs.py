"""Queues of SQS, to which extracts are sent as messages."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import Any

from caesar_web.domain.services import queue_name
from caesar_web.external.http import ExternalError

MOST_AT_ONCE = 10  # messages, and bytes, of one request; SQS takes no more
MOST_BYTES = 256 * 1024
CONNECT_SECONDS, READ_SECONDS, MOST_RETRIES = 5, 20, 2
FIFO = ".fifo"


@dataclass(frozen=True)
class Message:
    """A text for a queue. A queue that keeps an order does so within a group, and once by id."""

    id: str
    group: str
    body: str


class Queues:
    """The queues of this server's account. Safe to share between threads.

    `allowed` are the names of those that may be used, in which `*` stands for any text.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = allowed
        self._lock = threading.Lock()
        self._url_of = cache(lambda name: self._client.get_queue_url(QueueName=name)["QueueUrl"])

    def send(self, messages: Sequence[Message], *, name: str | None, url: str | None) -> None:
        """Sends all of them, in their order; `url` counts more than `name`.

        After an ExternalError some may have been sent.
        """
        self._check_allowed(queue_name(url or name or ""))
        with self._lock:
            client = self._client
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            to = url or self._url_of(name)
            for batch in batches(messages):
                entries = [_entry(at, one, to) for at, one in enumerate(batch)]
                _check(client.send_message_batch(QueueUrl=to, Entries=entries), batch)
        except ClientError as problem:
            status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            raise ExternalError(f"SQS: {problem}", permanent=False, status=status) from problem
        except BotoCoreError as problem:
            raise ExternalError(f"SQS: {problem}", permanent=False) from problem

    def _check_allowed(self, name: str) -> None:
        if not any(fnmatchcase(name, pattern) for pattern in self._allowed):
            text = f"SQS_QUEUES of this server does not name the queue {name!r:.100}"
            raise ExternalError(text, permanent=False)  # it may be named tomorrow

    @cached_property
    def _client(self) -> Any:
        """Credentials, region and server are those of the environment, as boto3 reads them."""
        try:
            import boto3
            from botocore.config import Config
        except ImportError as problem:
            text = f'boto3 is not installed: pip install "caesar-web[aws]" ({problem})'
            raise ExternalError(text, permanent=False) from problem
        options = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"max_attempts": MOST_RETRIES, "mode": "standard"},
        )
        return boto3.client("sqs", config=options)


def batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """The messages as requests take them. Raises ExternalError for one that is too large alone."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        length = len(message.body.encode())
        if length > MOST_BYTES:
            text = f"extract {message.id} is larger than a message of SQS may be: {length} bytes"
            raise ExternalError(text, permanent=True)
        if batch and (len(batch) == MOST_AT_ONCE or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def _entry(at: int, message: Message, url: str) -> dict[str, str]:
    entry = {"Id": str(at), "MessageBody": message.body}
    if url.endswith(FIFO):
        entry |= {"MessageGroupId": message.group, "MessageDeduplicationId": message.id}
    return entry


def _check(answer: Mapping[str, Any], batch: Sequence[Message]) -> None:
    refused = answer.get("Failed", ())
    if refused:
        told = refused[0].get("Message") or refused[0].get("Code")
        text = f"SQS refused {len(refused)} of {len(batch)} messages: {told}"
        raise ExternalError(text, permanent=False)
