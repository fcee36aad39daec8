"""A file that is written bit by bit, by one process at a time, and that crashes cut off at most.

What was written after the length that the writer has noted elsewhere is thrown away by the next
one. Compressed files are gzip members, one after the other, one for each bit.
"""

import fcntl
import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

COMPRESSION = 6


class Gone(Exception):
    """The file is not here, or shorter than it was."""


class Busy(Exception):
    """Another process writes the file at this moment."""


@contextmanager
def locked(path: Path, *, length: int, is_new: bool) -> Iterator[BinaryIO]:
    """The file, for this process alone; its lock ends with the process. Raises Gone and Busy."""
    if is_new:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if is_new else 0), 0o600)
    except FileNotFoundError:
        raise Gone from None
    with os.fdopen(handle, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        if os.fstat(handle).st_size < length:
            raise Gone
        yield file


@contextmanager
def appended(file: BinaryIO, *, at: int, is_gzip: bool) -> Iterator[TextIO]:
    """What is written goes behind the first `at` bytes, and is durable when the block ends."""
    file.truncate(at)
    file.seek(at)
    if is_gzip:
        member = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=COMPRESSION, mtime=0)
        with member, io.TextIOWrapper(member, "utf-8", newline="") as text:
            yield text
    else:
        plain = io.TextIOWrapper(file, "utf-8", newline="")
        yield plain
        plain.detach()  # flushes, and leaves the file open
    file.flush()
    os.fsync(file.fileno())
