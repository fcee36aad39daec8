"""A server that speaks as S3 and SQS do, on this machine, for tests of buckets and queues."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

BUCKET = "exports-of-tests"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "an-id-of-tests",
    "AWS_SECRET_ACCESS_KEY": "a secret of tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def aws_server() -> Iterator[str]:
    """The server with nothing in it, which the environment names to boto3; gives its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        # What it has is the process's, whichever server it was made with.
        requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)
        try:
            yield f"http://{host}:{port}"
        finally:
            server.stop()


@contextmanager
def bucket_server() -> Iterator[str]:
    """The same, with an empty bucket."""
    with aws_server() as url:
        client().create_bucket(Bucket=BUCKET)
        yield url


def client() -> Any:
    """The bucket as its owner sees it."""
    return boto3.client("s3")


def keys() -> list[str]:
    """What is in the bucket."""
    return [one["Key"] for one in client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]
