"""Things are killed and frozen in the middle of the stream: nothing is lost, nothing done twice."""

import os
import signal
from collections import Counter

import pytest
from sqlalchemy import text

from caesar_web.jobs import queues
from caesar_web.store.db import db
from tests.jobs import stream
from tests.jobs.conftest import Expected
from tests.jobs.running import WORKERS, Installation, Poster, children, gone, posting
from tests.services import RedisServer
from tests.standin.server import StandinServer

pytestmark = pytest.mark.drill

EVENTS = 2_000
BATCH = 20


def test_workers_are_killed_in_the_middle_of_turns(
    installation: Installation, standin: StandinServer, expected: Expected
) -> None:
    installation.start()
    with posting(installation, stream.events(EVENTS), batch=BATCH):
        for progress in (100, 600, 1100):
            wait_until_processed(installation, progress)
            installation.eventually(a_turn_is_open)
            installation.kill_and_revive(*WORKERS)
    settle(installation, standin, expected(EVENTS))


def test_the_web_server_is_killed(
    installation: Installation, standin: StandinServer, expected: Expected
) -> None:
    installation.start()
    with posting(installation, stream.events(EVENTS), batch=BATCH) as poster:
        for taken in (300, 1100):
            wait_until_taken(installation, poster, taken)
            forked = children(installation.pid("web"))
            assert forked, "gunicorn has no worker"
            installation.kill_and_revive("web")
            wait_until_gone(installation, forked)
        for taken in (700, 1500):
            wait_until_taken(installation, poster, taken)
            for pid in children(installation.pid("web")):  # its master forks another
                os.kill(pid, signal.SIGKILL)
    assert poster.refusals > 0, "no request was disturbed"
    settle(installation, standin, expected(EVENTS))


@pytest.mark.parametrize("with_its_data", [True, False])
def test_redis_is_killed(
    installation: Installation,
    standin: StandinServer,
    expected: Expected,
    own_redis: RedisServer,
    with_its_data: bool,
) -> None:
    installation.start()
    with posting(installation, stream.events(EVENTS), batch=BATCH) as poster:
        for taken in (300, 1000, 1700):
            wait_until_taken(installation, poster, taken)
            own_redis.kill()
            wait_until_taken(installation, poster, taken + 5 * BATCH)  # without any queue
            if not with_its_data:
                own_redis.wipe()
            own_redis.start()
    assert poster.refusals == 0, "ingest must not need Redis"
    settle(installation, standin, expected(EVENTS))


def test_everything_is_killed_at_once(
    installation: Installation,
    standin: StandinServer,
    expected: Expected,
    own_redis: RedisServer,
) -> None:
    installation.start()
    with posting(installation, stream.events(EVENTS), batch=BATCH) as poster:
        wait_until_taken(installation, poster, 1000)
        installation.eventually(a_turn_is_open)
        own_redis.kill()
        own_redis.wipe()
        installation.kill("scheduler", "web", "actions", *WORKERS)
        own_redis.start()
        installation.start()
    settle_with_repeats(installation, standin, expected(EVENTS))


def test_the_worker_of_actions_is_killed_in_the_middle_of_calls(
    installation: Installation, standin: StandinServer, expected: Expected
) -> None:
    standin.fail("^/api/", method="POST", times=-1, delay=0.2)
    installation.start()
    with posting(installation, stream.events(EVENTS), batch=BATCH):
        for asked in (3, 9, 15):
            wait_until_asked(installation, standin, asked)
            installation.kill_and_revive("actions")
        standin.lift_faults()
    settle_with_repeats(installation, standin, expected(EVENTS))
    assert max(stream.performed(standin).values()) > 1, "no call was disturbed"


def test_redis_hangs(
    installation: Installation, standin: StandinServer, expected: Expected, own_redis: RedisServer
) -> None:
    count = 200
    installation.start()
    own_redis.freeze()
    try:
        with posting(installation, stream.events(count), batch=BATCH) as poster:
            pass
    finally:
        own_redis.thaw()
    assert poster.refusals == 0
    assert poster.slowest < 5, "a request waited for Redis"
    settle(installation, standin, expected(count))


def test_a_worker_dies_between_ring_and_job(
    installation: Installation, standin: StandinServer, expected: Expected, own_redis: RedisServer
) -> None:
    """Redis hands the job to a worker that is too dead to take it; the sweep rings again."""
    installation.start("web", "classifications-1")
    installation.eventually(lambda: waits_for_a_job(own_redis))
    installation.freeze("classifications-1")
    with posting(installation, stream.events(BATCH), batch=BATCH):
        pass
    assert queues.sizes(own_redis.url, [queues.CLASSIFICATIONS]) == {queues.CLASSIFICATIONS: 0}
    installation.kill("classifications-1")
    assert stream.progress() == 0
    installation.start("classifications-2", "actions", "scheduler")
    settle(installation, standin, expected(BATCH))


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_a_worker_and_the_web_server_are_killed_on_sqlite(
    installation: Installation, standin: StandinServer, expected: Expected
) -> None:
    count = 200
    installation.start()
    with posting(installation, stream.events(count), batch=5) as poster:
        wait_until_taken(installation, poster, 50)
        installation.kill_and_revive(*WORKERS)
        wait_until_taken(installation, poster, 100)
        installation.kill_and_revive("web")
    settle(installation, standin, expected(count))


def settle(installation: Installation, standin: StandinServer, expected: stream.Facts) -> None:
    """Waits until nothing is left to do, and compares all that became of the stream."""
    settle_with_repeats(installation, standin, expected)
    assert stream.performed(standin) == stream.decided()


def settle_with_repeats(
    installation: Installation, standin: StandinServer, expected: stream.Facts
) -> None:
    """The same where those who called Panoptes were killed, so that calls were made again."""
    count = expected["classifications"].total()
    installation.eventually(lambda: stream.is_settled(count))
    stream.assert_same(stream.facts(), expected)
    assert stream.retired(standin) == targets(stream.decided(), "retire_subject")
    calls = stream.performed(standin)
    assert calls.keys() == stream.decided().keys()
    # Where one of several is in the collection already, none is added and each is asked for again.
    repeated = {
        call
        for call, times in calls.items()
        if times > 1 and call[0] != "add_subject_to_collection"
    }
    assert repeated <= stream.decided(least_attempts=2).keys()


def targets(actions: Counter[tuple[str, int]], effect_type: str) -> set[int]:
    return {target for effect, target in actions if effect == effect_type}


def wait_until_taken(installation: Installation, poster: Poster, count: int) -> None:
    installation.eventually(lambda: poster.taken >= count)


def wait_until_processed(installation: Installation, count: int) -> None:
    installation.eventually(lambda: stream.progress() >= count)


def wait_until_asked(installation: Installation, standin: StandinServer, count: int) -> None:
    """Until Panoptes was asked for so many effects; it is busy with the last."""
    installation.eventually(lambda: stream.performed(standin).total() >= count)


def wait_until_gone(installation: Installation, pids: list[int]) -> None:
    installation.eventually(lambda: all(gone(pid) for pid in pids))


def a_turn_is_open() -> bool:
    """Whether a worker holds the lock of a lane, in the database where the test is."""
    held = db.session.scalar(
        text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
    )
    db.session.remove()
    return bool(held)


def waits_for_a_job(server: RedisServer) -> bool:
    """Whether a worker is blocked in Redis until a job comes."""
    commands = [client["cmd"] for client in queues.connection(server.url).client_list()]
    return any(command in ("blmove", "brpoplpush", "blpop") for command in commands)
