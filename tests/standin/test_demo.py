"""The sample stream against a real stand-in and a real ingest server that comes and goes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest

from caesar_web import config
from caesar_web.config import Config
from caesar_web.standin import demo, volunteers
from tests.standin.server import StandinServer
from tests.standin.test_forwarder import CREDENTIALS, Ingest, serving
from tests.standin.test_volunteers import check_shape

DEADLINE_SECONDS = 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(demo, "LOOK_SECONDS", 0.05)


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with serving() as started:
        yield started


def configured(tmp_path: Path, standin_url: str, ingest: Ingest, rate: str = "200") -> Config:
    return config.load(
        {
            "CAESAR_HOME": str(tmp_path),
            "PANOPTES_URL": standin_url,
            "PANOPTES_PUBLIC_KEY": "unused",
            "PORT": ingest.url.rpartition(":")[2],
            "KINESIS_STREAM_USERNAME": CREDENTIALS[0],
            "KINESIS_STREAM_PASSWORD": CREDENTIALS[1],
            "CAESAR_DEMO_RATE": rate,
        }
    )


@contextmanager
def streaming(settings: Config) -> Iterator[Signal]:
    stop = Signal()
    thread = Thread(target=demo.stream, args=(settings,), kwargs={"stop": stop})
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def taken(ingest: Ingest) -> list[Any]:
    return [event for payload in ingest.payloads for event in payload]


def test_classifications_of_all_projects_arrive_and_the_stand_in_knows_them_too(
    tmp_path: Path, standin: StandinServer, ingest: Ingest
) -> None:
    with streaming(configured(tmp_path, standin.url, ingest)):
        wait_for(lambda: len(taken(ingest)) >= 60)
    events = taken(ingest)
    for event in events:
        check_shape(event)
    workflows = {event["data"]["links"]["workflow"] for event in events}
    assert workflows == set(map(str, demo.WORKFLOW_IDS))
    ids = [int(event["data"]["id"]) for event in events]
    assert ids == sorted(set(ids))
    assert known_to(standin) >= set(ids)


def known_to(standin: StandinServer) -> set[int]:
    token = standin.token(1)
    known: set[int] = set()
    page: int | None = 1
    while page is not None:
        path = f"/classifications/project?admin=true&page_size=100&page={page}"
        document = standin.api("GET", path, token=token).json()
        known |= {int(row["id"]) for row in document["classifications"]}
        page = document["meta"]["classifications"]["next_page"]
    return known


def test_nothing_is_lost_while_either_server_is_away(
    tmp_path: Path, standin: StandinServer, ingest: Ingest
) -> None:
    ingest.answers = [503, 401, 500]
    standin.fail("^/_stub/classifications", status=500, times=2)
    standin.fail("^/api/workflows", status=503, times=1)
    with streaming(configured(tmp_path, standin.url, ingest)):
        wait_for(lambda: len(ingest.requests) >= 8)
    first, *_ = ingest.payloads
    assert ingest.payloads[:4] == [first] * 4  # the same batch until it is taken
    delivered = {int(event["data"]["id"]) for event in taken(ingest)}
    assert delivered == known_to(standin)


def test_it_passes_on_from_what_is_retired(
    tmp_path: Path, standin: StandinServer, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volunteers, "LOOKS", 1_000_000)  # nothing else makes it pass on
    with streaming(configured(tmp_path, standin.url, ingest)):
        wait_for(lambda: len(shown(taken(ingest))) == volunteers.WINDOW)
        retired = shown(taken(ingest))
        body = {
            "admin": True,
            "subject_ids": [int(subject) for subject in retired],
            "retirement_reason": "consensus",
        }
        path = "/workflows/300/retired_subjects"
        assert standin.api("POST", path, token=standin.token(1), json=body).ok
        wait_for(lambda: len(shown(taken(ingest))) == 2 * volunteers.WINDOW)
        wait_for(lambda: len(shown(taken(ingest)[-30:])) == volunteers.WINDOW)
        wait_for(lambda: retired.isdisjoint(shown(taken(ingest)[-30:])))
    assert len(shown(taken(ingest))) == 2 * volunteers.WINDOW


def shown(events: list[Any]) -> set[str]:
    """The subjects of the workflow without training subjects."""
    return {
        event["data"]["links"]["subjects"][0]
        for event in events
        if event["data"]["links"]["workflow"] == "300"
    }


def test_told_to_end_it_ends_even_while_it_waits(
    tmp_path: Path, standin: StandinServer, ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.answers = [503] * 100_000
    with streaming(configured(tmp_path, standin.url, ingest)):
        wait_for(lambda: len(ingest.requests) >= 2)
    assert "were not taken" in caplog.text


def test_it_ends_before_the_stand_in_was_ever_there(
    tmp_path: Path, ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    with serving() as gone:
        pass
    with streaming(configured(tmp_path, gone.url, ingest)):
        wait_for(lambda: "Waiting for the stand-in" in caplog.text)
    assert ingest.requests == []


def test_the_process_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with serving() as gone:
        pass
    program = "import os; from caesar_web import config; from caesar_web.standin import demo; "
    environ = os.environ | {"CAESAR_HOME": str(tmp_path), "PANOPTES_URL": gone.url}
    environ["PANOPTES_PUBLIC_KEY"] = "unused"
    process = subprocess.Popen(
        [sys.executable, "-c", program + "demo.run(config.load(os.environ))"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(demo.__file__).parents[2],
    )
    assert process.stderr is not None
    assert "Waiting for the stand-in" in process.stderr.readline()
    process.terminate()
    process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0


def test_a_rate_of_zero_does_nothing(
    tmp_path: Path, standin: StandinServer, ingest: Ingest
) -> None:
    standin.clear_log()
    demo.stream(configured(tmp_path, standin.url, ingest, "0"), stop=Signal())
    assert (standin.log(), ingest.requests) == ([], [])


def test_ids_rise_over_restarts_even_when_the_clock_stands_still() -> None:
    before = list(islice(demo.rising_ids(lambda: 1_800_000_000.0), 1_000))
    after = list(islice(demo.rising_ids(lambda: 1_800_000_001.0), 1_000))
    assert before + after == sorted(set(before + after))
    assert after[-1] < 2**53


def test_the_pace_follows_the_rate_and_makes_up_for_little() -> None:
    moments = iter([0.0, 0.5, 1.0, 1.5, 2.0, 100.0, 100.5])

    class Ticking(Signal):
        def wait(self, timeout: float | None = None) -> bool:
            return False

    paces = demo.beats(5, stop=Ticking(), now=lambda: next(moments))
    assert list(islice(paces, 6)) == [2, 3, 2, 3, 10, 2]
