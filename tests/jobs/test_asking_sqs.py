"""The reducer `sqs`: each extract is a message, against a server that speaks as SQS does."""

import builtins
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.config import Config
from caesar_web.external.http import ExternalError
from caesar_web.external.sqs import MOST_BYTES, Message, Queues, batches
from caesar_web.jobs import asking, queues
from caesar_web.store.activity import ExternalWork
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction
from tests.conftest import plain_config
from tests.factories import JSON, make_event, make_workflow
from tests.jobs.test_asking import let_retries_be_due
from tests.people import application, at_panoptes
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer
from tests.storage.bucket import aws_server

NAME = "galaxies"
MEMBERS = {
    "id",
    "classification_id",
    "classification_at",
    "extractor_key",
    "workflow_id",
    "user_id",
    "subject_id",
    "data",
    "project_id",
    "workflow_version",
    "machine_data",
}


@pytest.fixture
def sqs() -> Iterator[Any]:
    """The owner's own client."""
    with aws_server():
        yield boto3.client("sqs")


@pytest.fixture
def app(
    sqs: Any, database_url: str, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    monkeypatch.setattr(asking, "retry_after", lambda *_: timedelta(hours=1))
    config: Config = plain_config(database_url=database_url)
    allowed = (f"{NAME}*", "*.fifo")
    config = at_panoptes(replace(config, action_attempts=2, sqs_queues=allowed), standin)
    with application(config) as app, app.app_context():
        yield app


def configure(**config: Any) -> None:
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"survey": {"type": "survey"}, "who": {"type": "who"}},
            reducers_config={"sent": {"type": "sqs", **config}},
        )
    db.session.remove()


def come_in(*ids: int) -> None:
    receive([make_event(id, subject=1, user=id, choice="lion") for id in ids])
    process()
    asking.ask(queues.EXTERNAL)


def messages(sqs: Any, name: str = NAME) -> list[Any]:
    """What is in a queue, which is empty then."""
    url, found = sqs.get_queue_url(QueueName=name)["QueueUrl"], []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for one in batch:
            found.append(json.loads(one["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return sorted(found, key=lambda one: one["id"])


def data() -> Any:
    found = db.session.scalars(select(SubjectReduction.data)).all()
    db.session.remove()
    return found


def left() -> list[tuple[str, str | None]]:
    rows = db.session.scalars(select(ExternalWork)).all()
    found = [(row.status, row.last_error) for row in rows]
    db.session.remove()
    return found


@pytest.mark.parametrize("by_url", [False, True])
def test_each_extract_is_a_message_b68(app: Flask, sqs: Any, by_url: bool) -> None:
    url = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    configure(**({"queue_url": url} if by_url else {"queue_name": NAME}))
    come_in(1, 2)
    found = messages(sqs)
    assert [(one["classification_id"], one["extractor_key"]) for one in found] == [
        (1, "survey"),
        (1, "who"),
        (2, "survey"),
        (2, "who"),
    ]
    assert all(one.keys() == MEMBERS for one in found)
    assert (found[0]["workflow_id"], found[0]["data"]) == (100, {"lion": 1})
    assert (data(), left()) == (["dispatched"], [])


def test_only_the_environment_says_which_server_is_called(app: Flask, sqs: Any) -> None:
    sqs.create_queue(QueueName=NAME)
    configure(queue_url=f"https://elsewhere.example/123456789012/{NAME}")
    come_in(1)
    assert (data(), len(messages(sqs))) == (["dispatched"], 2)


def test_by_default_all_are_sent_again(app: Flask, sqs: Any) -> None:
    sqs.create_queue(QueueName=NAME)
    configure(queue_name=NAME, filters={"extractor_keys": ["survey"]})
    for id in (1, 2, 3):
        come_in(id)
    assert [one["classification_id"] for one in messages(sqs)] == [1, 1, 1, 2, 2, 3]


def test_running_mode_sends_each_once(app: Flask, sqs: Any) -> None:
    sqs.create_queue(QueueName=NAME)
    configure(
        queue_name=NAME,
        reduction_mode="running_reduction",
        filters={"extractor_keys": ["survey"]},
    )
    come_in(1)
    come_in(2, 3)
    assert [one["classification_id"] for one in messages(sqs)] == [1, 2, 3]


def test_a_queue_with_an_order_keeps_it(app: Flask, sqs: Any) -> None:
    attributes = {"FifoQueue": "true"}
    sqs.create_queue(QueueName="ordered.fifo", Attributes=attributes)
    configure(queue_name="ordered.fifo", filters={"extractor_keys": ["survey"]})
    come_in(1, 2)
    come_in(3)  # the first two again, which the queue knows by their ids
    assert [one["classification_id"] for one in messages(sqs, "ordered.fifo")] == [1, 2, 3]


def test_a_queue_that_is_not_there_is_told_and_can_come(app: Flask, sqs: Any) -> None:
    configure(queue_name=NAME)
    come_in(1)
    ((status, error),) = left()
    assert status == "waiting"
    assert error is not None
    assert error.startswith("SQS: ")
    assert "NonExistentQueue" in error or "does not exist" in error
    sqs.create_queue(QueueName=NAME)
    let_retries_be_due()
    asking.ask(queues.EXTERNAL)
    assert (data(), left(), len(messages(sqs))) == (["dispatched"], [], 2)


@pytest.mark.parametrize(
    "config",
    [{"queue_name": "payroll"}, {"queue_url": f"https://sqs.example/123456789012/{NAME}/payroll"}],
)
def test_a_queue_that_the_server_does_not_name_gets_nothing(
    app: Flask, sqs: Any, config: JSON
) -> None:
    sqs.create_queue(QueueName="payroll")
    configure(**config)
    come_in(1)
    refusal = "SQS_QUEUES of this server does not name the queue 'payroll'"
    assert (left(), messages(sqs, "payroll")) == ([("waiting", refusal)], [])


def test_without_boto3_it_says_what_to_install(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name.startswith("boto"):
            raise ImportError(f"No module named {name!r}")
        return imported(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    configure(queue_name=NAME)
    come_in(1)
    ((_, error),) = left()
    assert error is not None
    assert 'pip install "caesar-web[aws]"' in error


class Refusing:
    """A client of which a queue takes some messages and not others."""

    def send_message_batch(self, **given: Any) -> Any:
        return {"Failed": [{"Id": "1", "Code": "InternalError", "Message": "try again"}]}


def test_what_is_refused_in_part_is_told() -> None:
    queues_of_sqs = Queues(["*"])
    queues_of_sqs.__dict__["_client"] = Refusing()
    with pytest.raises(ExternalError, match="SQS refused 1 of 2 messages: try again") as told:
        queues_of_sqs.send([message(), message()], name=None, url="https://a.example/q")
    assert not told.value.permanent


def message(size: int = 10) -> Message:
    return Message("1", "1", "x" * size)


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([], []),
        ([1] * 25, [10, 10, 5]),
        ([MOST_BYTES], [1]),
        ([MOST_BYTES - 1, 1, 1], [2, 1]),
        ([100_000] * 5, [2, 2, 1]),
    ],
)
def test_batches(sizes: list[int], lengths: list[int]) -> None:
    assert [len(batch) for batch in batches([message(size) for size in sizes])] == lengths


def test_a_message_that_is_too_large_is_told() -> None:
    with pytest.raises(ExternalError, match="extract 1 is larger than a message") as told:
        list(batches([message(), message(MOST_BYTES + 1)]))
    assert told.value.permanent
