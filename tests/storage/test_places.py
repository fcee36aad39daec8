"""Where finished exports are kept: a folder, and a bucket over real HTTP."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from caesar_web.storage.places import (
    Bucket,
    Folder,
    Shown,
    Storage,
    StorageProblem,
    place_of,
    remove_stale_parts,
)
from tests.storage.bucket import BUCKET, bucket_server, client, keys

NAME = "0f0f0f0f-0000-4000-8000-000000000001"
BODY = b"id,data\n1,\xf0\x9f\xa6\x81\n" * 1000
SHOWN = Shown("workflow-100-extracts-2026-01-01.csv", "text/csv; charset=utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with bucket_server() as url:
        yield url


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return place_of("", tmp_path)
    request.getfixturevalue("server")
    return place_of(f"s3://{BUCKET}/below/this", tmp_path)


def part(storage: Storage) -> Path:
    file = storage.parts / f"{NAME}.1"
    file.write_bytes(BODY)
    return file


def test_kept_measured_and_removed(storage: Storage) -> None:
    assert storage.size(NAME) is None
    file = part(storage)
    storage.keep(file, NAME, SHOWN.content_type)
    assert not file.exists()
    assert storage.size(NAME) == len(BODY)
    storage.remove(NAME)
    storage.remove(NAME)
    assert storage.size(NAME) is None


def test_a_folder_has_paths_and_no_addresses(tmp_path: Path) -> None:
    folder = place_of(str(tmp_path / "kept"), tmp_path / "unused")
    assert isinstance(folder, Folder)
    folder.parts.mkdir()
    folder.keep(part(folder), NAME, SHOWN.content_type)
    assert folder.path(NAME) == tmp_path / "kept" / NAME
    assert folder.path("another") is None
    assert folder.url(NAME, SHOWN, seconds=60) is None


def test_anybody_fetches_from_a_bucket_by_an_address_that_ends(server: str, tmp_path: Path) -> None:
    bucket = place_of(f"s3://{BUCKET}/below", tmp_path)
    assert isinstance(bucket, Bucket)
    bucket.keep(part(bucket), NAME, SHOWN.content_type)
    assert f"below/{NAME}" in keys()
    assert bucket.path(NAME) is None
    url = bucket.url(NAME, SHOWN, seconds=10**9)
    assert url is not None
    assert url.startswith(server)
    assert "X-Amz-Expires=604800&" in url
    answer = requests.get(url, timeout=10)
    assert answer.content == BODY
    assert answer.headers["Content-Type"] == SHOWN.content_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{SHOWN.name}"'


def test_a_large_file_goes_in_parts(server: str, tmp_path: Path) -> None:
    bucket = place_of(f"s3://{BUCKET}", tmp_path)
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(20 * 1024 * 1024)
    bucket.keep(file, "large", "application/gzip")
    head = client().head_object(Bucket=BUCKET, Key="large")
    assert head["ContentLength"] == 20 * 1024 * 1024
    assert head["ETag"].strip('"').endswith("-3")


def test_a_bucket_that_is_not_there(server: str, tmp_path: Path) -> None:
    bucket = place_of("s3://nobodys-bucket", tmp_path)
    file = part(bucket)
    with pytest.raises(StorageProblem, match=r"the bucket cannot be used: .*NoSuchBucket"):
        bucket.keep(file, NAME, SHOWN.content_type)
    assert file.exists()


def test_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = Bucket("s3://any-bucket", tmp_path)
    with pytest.raises(StorageProblem, match="the bucket cannot be used") as problem:
        bucket.size(NAME)
    assert not problem.value.permanent


def test_parts_that_nobody_writes_go_and_nothing_else(tmp_path: Path) -> None:
    old = time.time() - 1000
    ours = [tmp_path / f"{NAME}.{turn}" for turn in range(5)]
    others = [tmp_path / NAME, tmp_path / "caesar.db", tmp_path / f"{NAME}.csv"]
    fresh = tmp_path / f"{NAME}.99"
    for file in (*ours, *others):
        file.touch()
        os.utime(file, (old, old))
    fresh.touch()
    remove_stale_parts(tmp_path, older_than=900, most=3)
    assert sum(file.exists() for file in ours) == 2
    remove_stale_parts(tmp_path, older_than=900, most=3)
    assert sorted(tmp_path.iterdir()) == sorted([*others, fresh])
    remove_stale_parts(tmp_path / "absent", older_than=0, most=1)
