"""Where finished files are kept: a folder of this machine, or a bucket of S3."""

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

S3 = "s3://"
LONGEST_URL_SECONDS = 7 * 24 * 3600
CONNECT_SECONDS, READ_SECONDS, MOST_RETRIES = 5, 30, 2

_PART = re.compile(r"[0-9a-f-]{36}\.\d+")


class StorageProblem(Exception):
    """A file cannot be kept or had now; later it may."""

    permanent = False

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class Shown(NamedTuple):
    """How somebody gets a file: under which name, and as what."""

    name: str
    content_type: str


class Storage(Protocol):
    """A place for finished files, each of which has a name without any folder in it.

    `parts` is the folder for what is not finished.
    """

    parts: Path

    def keep(self, file: Path, name: str, content_type: str) -> None:
        """Takes a file over, which goes from where it is. Raises StorageProblem, as all do."""

    def size(self, name: str) -> int | None:
        """How long a file is; None where it is not kept."""

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""

    def path(self, name: str) -> Path | None:
        """Where a file is on this machine; None where it is not."""

    def url(self, name: str, shown: Shown, *, seconds: int) -> str | None:
        """Where anybody can have a file for so long; None where that is for us to serve."""


class Folder:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.parts = folder

    def keep(self, file: Path, name: str, content_type: str) -> None:
        try:
            file.replace(self.folder / name)
        except OSError as problem:
            raise StorageProblem(f"the file could not be kept: {problem.strerror}") from problem

    def size(self, name: str) -> int | None:
        try:
            return (self.folder / name).stat().st_size
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as problem:
            raise StorageProblem(f"a file could not be removed: {problem.strerror}") from problem

    def path(self, name: str) -> Path | None:
        file = self.folder / name
        return file if file.is_file() else None

    def url(self, name: str, shown: Shown, *, seconds: int) -> str | None:
        return None


class Bucket:
    """Files in a bucket of S3, or of what speaks as it does, below a prefix."""

    def __init__(self, address: str, parts: Path) -> None:
        self.parts = parts
        bucket, _, prefix = address.removeprefix(S3).partition("/")
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @cached_property
    def client(self) -> Any:
        """Credentials, region and server are those of the environment, as boto3 reads them."""
        import boto3
        from botocore.config import Config

        options = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"max_attempts": MOST_RETRIES, "mode": "standard"},
            signature_version="s3v4",
        )
        return boto3.client("s3", config=options)

    def keep(self, file: Path, name: str, content_type: str) -> None:
        given = {"ContentType": content_type}
        key = self._key(name)
        self._ask(lambda: self.client.upload_file(str(file), self.bucket, key, ExtraArgs=given))
        file.unlink()

    def size(self, name: str) -> int | None:
        try:
            head = self._ask(
                lambda: self.client.head_object(Bucket=self.bucket, Key=self._key(name))
            )
        except StorageProblem as problem:
            answer: Any = getattr(problem.__cause__, "response", {})
            if answer.get("Error", {}).get("Code") == "404":
                return None
            raise
        length: int = head["ContentLength"]
        return length

    def remove(self, name: str) -> None:
        self._ask(lambda: self.client.delete_object(Bucket=self.bucket, Key=self._key(name)))

    def path(self, name: str) -> Path | None:
        return None

    def url(self, name: str, shown: Shown, *, seconds: int) -> str | None:
        given = {
            "Bucket": self.bucket,
            "Key": self._key(name),
            "ResponseContentDisposition": f'attachment; filename="{shown.name}"',
            "ResponseContentType": shown.content_type,
        }
        made: str = self._ask(
            lambda: self.client.generate_presigned_url(
                "get_object", Params=given, ExpiresIn=min(seconds, LONGEST_URL_SECONDS)
            )
        )
        return made

    def _key(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def _ask(self, call: Callable[[], Any]) -> Any:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except (Boto3Error, BotoCoreError, ClientError, OSError) as problem:
            raise StorageProblem(f"the bucket cannot be used: {problem}") from problem


@lru_cache(maxsize=8)
def place_of(setting: str, folder: Path) -> Storage:
    """Where the setting says that files are kept; by default in the folder."""
    if setting.startswith(S3):
        return Bucket(setting, folder)
    return Folder(Path(setting) if setting else folder)


def remove_stale_parts(folder: Path, *, older_than: float, most: int) -> None:
    """Removes parts that nobody has written for so many seconds, a few at a time."""
    removed = 0
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            with suppress(FileNotFoundError):
                age = time.time() - entry.stat().st_mtime
                if _PART.fullmatch(entry.name) and age > older_than and removed < most:
                    Path(entry.path).unlink()
                    removed += 1
