"""The stream of sample classifications: volunteers at work on the stand-in's projects."""

import logging
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from threading import Event as Signal
from typing import Any

import requests

from caesar_web.config import Config
from caesar_web.standin.forwarding import post_events
from caesar_web.standin.stream_events import Event, Page, Row, api_row
from caesar_web.standin.volunteers import classifications

WORKFLOW_IDS = (100, 102, 103, 200, 201, 300, 301)
ADMIN_ID = 1
TOKEN_SECONDS = 120
BEAT_SECONDS = 0.5
LOOK_SECONDS = 3.0
MOST_IN_BATCH = 500
LONGEST_CATCH_UP_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 5.0
ID_EPOCH = 1_577_836_800  # 2020: keeps the ids short

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workflow:
    """One workflow of the stand-in, and which of its subjects are retired by now."""

    page: Page
    subjects: Sequence[Row]
    retired: set[str] = field(default_factory=set)


class Standin:
    """The few calls of the stand-in that the stream needs."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._url = url
        self._session = session
        self._headers = {"Accept": "application/vnd.api+json; version=1"}

    def sign_in(self) -> None:
        """Take a fresh administrator's token: private projects are hidden from everybody else."""
        asked = {"user_id": ADMIN_ID, "ttl": TOKEN_SECONDS}
        answer = self._session.post(f"{self._url}/_stub/token", json=asked, timeout=10)
        answer.raise_for_status()
        self._headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def workflow(self, workflow_id: int) -> Workflow:
        """A workflow with its project and all its subjects."""
        workflow = self._one("workflows", workflow_id)
        project = self._one("projects", workflow["links"]["project"])
        return Workflow(Page(project=project, workflow=workflow), self.subjects(workflow_id))

    def subjects(self, workflow_id: int) -> list[Row]:
        return list(self._all("subjects", workflow_id))

    def retired(self, workflow_id: int) -> set[str]:
        """The ids of the subjects that are retired from the workflow."""
        statuses = self._all("subject_workflow_statuses", workflow_id)
        return {row["links"]["subject"] for row in statuses if row.get("retired_at")}

    def keep(self, events: Sequence[Event]) -> None:
        """Tell the stand-in of classifications, as if they had been made there."""
        answer = self._session.post(
            f"{self._url}/_stub/classifications",
            json=[api_row(event) for event in events],
            timeout=30,
        )
        answer.raise_for_status()

    def _one(self, kind: str, id: int | str) -> Row:
        row: Row = self._get(f"/{kind}/{id}", {})[kind][0]
        return row

    def _all(self, kind: str, workflow_id: int) -> Iterator[Row]:
        page: int | None = 1
        while page is not None:
            query = {"workflow_id": workflow_id, "page": page, "page_size": 100}
            document = self._get(f"/{kind}", query)
            yield from document[kind]
            page = document["meta"][kind]["next_page"]

    def _get(self, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._session.get(
            f"{self._url}/api{path}",
            params={"admin": "true", **query},
            headers=self._headers,
            timeout=10,
        )
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document


def run(config: Config) -> None:
    """Post sample classifications to our own ingest route until the process is told to end."""
    stop = Signal()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stream(config, stop=stop)


def stream(config: Config, *, stop: Signal, now: Callable[[], float] = time.time) -> None:
    """The same until `stop` is set. A server that is away is waited for; no event is left out."""
    if config.demo_rate == 0:
        return
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment is not for loopback
        standin = Standin(config.panoptes_url, session)
        workflows: list[Workflow] = []
        if not _persist("the stand-in", lambda: _begin(standin, workflows), stop=stop):
            return
        events = interleaved(workflows, seed=int(now()), now=now)
        looked_at = now()
        for count in beats(config.demo_rate, stop=stop, now=now):
            batch = [next(events) for _ in range(count)]
            if not _deliver(batch, config, standin=standin, session=session, stop=stop):
                logger.warning("Told to end; %d sample classifications were not taken", count)
                return
            if now() - looked_at >= LOOK_SECONDS:
                _look(standin, workflows)
                looked_at = now()


def interleaved(
    workflows: Sequence[Workflow], *, seed: int, now: Callable[[], float]
) -> Iterator[Event]:
    """The classifications of all workflows, in turn, with ids that rise even over restarts."""
    ids = rising_ids(now)
    streams = [
        classifications(
            workflow.page,
            _from_another_start(workflow.subjects, seed),
            seed,
            ids=ids,
            clock=lambda: datetime.fromtimestamp(now(), UTC),
            retired=workflow.retired,
        )
        for workflow in workflows
    ]
    for one in cycle(streams):
        yield next(one)


def rising_ids(now: Callable[[], float]) -> Iterator[int]:
    """Ids from the clock: a later start gives larger ones than any earlier start did."""
    last = 0
    while True:
        last = max(last + 1, int((now() - ID_EPOCH) * 10_000))
        yield last


def beats(rate: float, *, stop: Signal, now: Callable[[], float]) -> Iterator[int]:
    """How many classifications are due, twice a second at most, until `stop` is set.

    What was missed while a server was slow is made up for; a long outage is not.
    """
    due, before = 0.0, now()
    while not stop.wait(BEAT_SECONDS):
        moment = now()
        due += rate * min(max(moment - before, 0.0), LONGEST_CATCH_UP_SECONDS)
        before = moment
        count = min(int(due), MOST_IN_BATCH)
        due = min(due - count, float(MOST_IN_BATCH))
        if count:
            yield count


def _begin(standin: Standin, workflows: list[Workflow]) -> None:
    standin.sign_in()
    workflows[:] = [standin.workflow(workflow_id) for workflow_id in WORKFLOW_IDS]
    _look(standin, workflows)


def _look(standin: Standin, workflows: Sequence[Workflow]) -> None:
    """Learn which subjects were retired; if the stand-in is away, later."""
    try:
        standin.sign_in()  # each time: an expired token would silently see less
        for workflow in workflows:
            retired = standin.retired(int(workflow.page.workflow["id"]))
            workflow.retired.clear()
            workflow.retired.update(retired)
    except requests.RequestException as problem:
        logger.info("Could not learn what is retired: %s", problem)


def _deliver(
    batch: Sequence[Event],
    config: Config,
    *,
    standin: Standin,
    session: requests.Session,
    stop: Signal,
) -> bool:
    """As in life: first Panoptes has a classification, then the stream tells of it."""
    url, username, password = _ingest(config)
    return _persist("the stand-in", lambda: standin.keep(batch), stop=stop) and _persist(
        url, lambda: post_events(batch, url, username, password, session), stop=stop
    )


def _ingest(config: Config) -> tuple[str, str, str]:
    return f"http://127.0.0.1:{config.port}", config.stream_username, config.stream_password


def _persist(name: str, step: Callable[[], None], *, stop: Signal) -> bool:
    """Try until it works, always the same. False: we were told to end before it did."""
    wait = BEAT_SECONDS
    while True:
        try:
            step()
        except requests.RequestException as problem:
            logger.warning("Waiting for %s: %s", name, problem)
        else:
            return True
        if stop.wait(wait):
            return False
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def _from_another_start(subjects: Sequence[Row], seed: int) -> list[Row]:
    """After a restart other subjects come first: the stand-in may have forgotten the retired."""
    start = seed % max(1, len(subjects))
    return [*subjects[start:], *subjects[:start]]
