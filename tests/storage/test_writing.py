"""Files that are written bit by bit: what was not noted is cut off, and one process writes."""

import gzip
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from caesar_web.storage import writing

HOLD = """
import sys
from pathlib import Path
from caesar_web.storage import writing
with writing.locked(Path(sys.argv[1]), length=0, is_new=False):
    print("locked", flush=True)
    sys.stdin.read()
"""


def add(path: Path, text: str, *, at: int, is_gzip: bool = False) -> int:
    with writing.locked(path, length=at, is_new=at == 0) as file:
        with writing.appended(file, at=at, is_gzip=is_gzip) as into:
            into.write(text)
        return file.tell()


@pytest.mark.parametrize("is_gzip", [False, True])
def test_what_was_not_noted_is_cut_off(tmp_path: Path, is_gzip: bool) -> None:
    path = tmp_path / "folder" / "part"
    first = add(path, "one\r\n", at=0, is_gzip=is_gzip)
    add(path, "lost " * 10_000, at=first, is_gzip=is_gzip)
    length = add(path, "zwei 🦁\n", at=first, is_gzip=is_gzip)
    body = path.read_bytes()
    assert len(body) == length
    assert (gzip.decompress(body) if is_gzip else body).decode() == "one\r\nzwei 🦁\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_same_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        add(tmp_path / name, "x" * 1000, at=0, is_gzip=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_absent_or_too_short_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "part"
    with pytest.raises(writing.Gone):
        add(path, "x", at=5)
    assert not path.exists()
    path.write_text("abcd")
    with pytest.raises(writing.Gone):
        add(path, "x", at=5)
    assert path.read_text() == "abcd"


def test_one_process_writes_and_its_lock_dies_with_it(tmp_path: Path) -> None:
    path = tmp_path / "part"
    add(path, "abc", at=0)
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == "locked\n"
        with pytest.raises(writing.Busy):
            add(path, "x", at=3)
        holding.kill()
    assert add(path, "d", at=3) == 4
