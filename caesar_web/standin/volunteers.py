"""Made-up volunteers and the endless stream of what they classify, the same for each seed."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any

from caesar_web.standin.answers import annotations, truths
from caesar_web.standin.stream_events import Event, Page, Row, Visit, Volunteer, event

FIRST_USER_ID = 1000
CHANCE_ANONYMOUS = 0.2
CHANCE_REPEAT = 0.03
CHANCE_TRAINING = 0.15
CHANCE_COMBO = 0.05
CHANCE_OLD_PAGE = 0.02

# Volunteers look at few subjects at a time, as the queues of Panoptes make them: so subjects
# gather answers quickly, and leave after so many looks even if nothing retires them.
WINDOW = 3
LOOKS = 20

ADJECTIVES = (
    "amber",
    "brisk",
    "calm",
    "dusky",
    "eager",
    "fleet",
    "gentle",
    "hazel",
    "ivory",
    "jolly",
)
ANIMALS = ("badger", "curlew", "heron", "lynx", "otter", "wren")
LANGUAGES = ("en", "en", "en", "en", "de", "fr", "es", "pt-br", "zh-cn")
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/139.0.0.0 Mobile Safari/537.36",
)


@dataclass(frozen=True)
class People:
    """Those who are signed in, and those who are not."""

    registered: tuple[Volunteer, ...]
    anonymous: tuple[Volunteer, ...]


@dataclass
class _Shown:
    """A subject, how often it was shown since it came up, and who has ever answered it."""

    subject: Row
    looks: int = 0
    seen_by: dict[int, Volunteer] = field(default_factory=dict)


def people(*, registered: int = 60, anonymous: int = 25) -> People:
    """The volunteers, always the same: user ids from 1000 on, a few doing most of the work."""
    return People(
        tuple(_volunteer(FIRST_USER_ID + place, place) for place in range(registered)),
        tuple(_volunteer(None, registered + place) for place in range(anonymous)),
    )


def login(user_id: int) -> str:
    """The login name of a made-up volunteer, as the stand-in knows it."""
    turn, place = divmod(user_id - FIRST_USER_ID, len(ADJECTIVES) * len(ANIMALS))
    adjective, animal = divmod(place, len(ANIMALS))
    name = f"{ADJECTIVES[adjective]}-{ANIMALS[animal]}"
    return name if turn == 0 else f"{name}-{user_id}"


def classifications(
    page: Page,
    subjects: Sequence[Row],
    seed: int,
    *,
    ids: Iterator[int],
    clock: Callable[[], datetime],
    retired: Collection[str] = frozenset(),
) -> Iterator[Event]:
    """The classifications of one workflow, for ever; each made only when it is asked for.

    The seed decides who comes when and errs where; what is on a subject is the same for every
    seed. `subjects` and `retired` (subject ids) may change in between. Raises ValueError where
    there is nothing to classify.
    """
    if not subjects:
        raise ValueError(f"workflow {page.workflow['id']} has no subjects")
    if not truths(page.workflow["tasks"], {}, Random(0)):
        raise ValueError(f"workflow {page.workflow['id']} has no task that volunteers can answer")
    random = Random(f"{seed}/{page.workflow['id']}")
    return _classifications(page, subjects, random, ids=ids, clock=clock, retired=retired)


def _classifications(
    page: Page,
    subjects: Sequence[Row],
    random: Random,
    *,
    ids: Iterator[int],
    clock: Callable[[], datetime],
    retired: Collection[str],
) -> Iterator[Event]:
    crowd = people()
    for shown in _shown(subjects, random, retired=retired):
        volunteer, seen_before = who_comes(crowd, shown.seen_by, random)
        looked = visit(page, volunteer, seen_before=seen_before, at=clock(), random=random)
        yield classification(next(ids), page, shown.subject, visit=looked, random=random)


def who_comes(
    crowd: People, seen_by: dict[int, Volunteer], random: Random
) -> tuple[Volunteer, bool]:
    """Somebody to answer a subject, and whether they did so before; notes them in `seen_by`."""
    if random.random() < CHANCE_ANONYMOUS:
        return random.choice(crowd.anonymous), False
    fresh = [volunteer for volunteer in crowd.registered if volunteer.id not in seen_by]
    if not fresh or (seen_by and random.random() < CHANCE_REPEAT):
        return random.choice(list(seen_by.values())), True
    volunteer = random.choices(fresh, [volunteer.activity for volunteer in fresh])[0]
    if volunteer.id is not None:
        seen_by[volunteer.id] = volunteer
    return volunteer, False


def classification(id: int, page: Page, subject: Row, *, visit: Visit, random: Random) -> Event:
    """What one volunteer makes of one subject."""
    tasks = page.workflow["tasks"]
    nature = nature_of(page.workflow["id"], subject["id"])
    right = truths(tasks, subject.get("metadata") or {}, nature)
    difficulty = nature.betavariate(1, 9)
    accuracy = visit.volunteer.skill * (1 - difficulty)
    given = annotations(tasks, right, accuracy=accuracy, random=random)
    return event(id, page, subject, visit=visit, annotations=_as_sent(given, tasks, visit, random))


def nature_of(workflow_id: int | str, subject_id: int | str) -> Random:
    """What decides what is on a subject: the same for every volunteer and each time."""
    return Random(f"truth/{workflow_id}/{subject_id}")


def visit(
    page: Page, volunteer: Volunteer, *, seen_before: bool, at: datetime, random: Random
) -> Visit:
    """When and with which software a volunteer looks at a subject."""
    version = str(page.workflow["version"])
    major, _, minor = version.partition(".")
    if major.isdigit() and int(major) > 1 and random.random() < CHANCE_OLD_PAGE:
        version = f"{int(major) - 1}.{minor}"  # a browser tab that was left open
    kinds = {task.get("type") for task in page.workflow["tasks"].values()}
    modern = "drawing" not in kinds and "Mac OS" not in volunteer.browser
    return Visit(
        volunteer=volunteer,
        created_at=at,
        seconds=round(random.lognormvariate(2.2, 0.6), 3),
        seen_before=seen_before,
        workflow_version=version,
        classifier_version="2.0" if modern else None,
    )


def _volunteer(user_id: int | None, place: int) -> Volunteer:
    random = Random(f"volunteer/{place}")
    careless = random.random() < 0.1
    network = "203.0.113" if user_id is not None else "198.51.100"  # reserved for examples
    return Volunteer(
        id=user_id,
        login=None if user_id is None else login(user_id),
        skill=random.uniform(0.45, 0.65) if careless else random.uniform(0.82, 0.99),
        activity=random.paretovariate(1.2),
        ip=f"{network}.{place % 254 + 1}",
        session=sha256(f"session/{place}".encode()).hexdigest(),
        browser=random.choice(BROWSERS),
        language=random.choice(LANGUAGES),
        utc_offset=random.choice((-3600, 0, 0, 14400, 18000, 25200)),
    )


def _shown(
    subjects: Sequence[Row], random: Random, *, retired: Collection[str]
) -> Iterator[_Shown]:
    """Which subject comes up next, for ever: a moving window, and training subjects between."""
    known: dict[str, _Shown] = {}
    window: list[_Shown] = []
    position = 0
    while True:
        window = [
            shown
            for shown in window
            if shown.looks < LOOKS and str(shown.subject["id"]) not in retired
        ]
        for _ in range(WINDOW - len(window)):
            position, subject = _next_subject(subjects, position, window=window, retired=retired)
            if subject is None:
                break
            window.append(known.setdefault(str(subject["id"]), _Shown(subject)))
            window[-1].looks = 0
        training = [subject for subject in subjects if is_training(subject)]
        if training and (not window or random.random() < CHANCE_TRAINING):
            subject = random.choice(training)
            yield known.setdefault(str(subject["id"]), _Shown(subject))
        else:
            shown = random.choice(window)
            shown.looks += 1
            yield shown


def _next_subject(
    subjects: Sequence[Row], position: int, *, window: Sequence[_Shown], retired: Collection[str]
) -> tuple[int, Row | None]:
    """The next subject of the queue and the place after it; retired ones when no other is left."""
    shown = {str(entry.subject["id"]) for entry in window}
    places = [(position + step) % len(subjects) for step in range(len(subjects))]
    free = [
        place
        for place in places
        if str(subjects[place]["id"]) not in shown and not is_training(subjects[place])
    ]
    live = [place for place in free if str(subjects[place]["id"]) not in retired]
    for place in (live or free)[:1]:
        return place + 1, subjects[place]
    return position, None


def is_training(subject: Row) -> bool:
    """Whether the right answer is known and volunteers are told."""
    marked = (subject.get("metadata") or {}).get("#training_subject")
    return str(marked).lower() == "true"


def _as_sent(
    given: list[dict[str, Any]], tasks: Mapping[str, Any], visit: Visit, random: Random
) -> list[dict[str, Any]]:
    """The modern page tells the task type, and takes a combo task for a step of several tasks.

    The old one sometimes asks all in one combo task.
    """
    if visit.classifier_version is not None:
        return [
            {"task": one["task"], "taskType": tasks[one["task"]]["type"], "value": one["value"]}
            for one in _apart(given, tasks)
        ]
    if len(given) > 1 and random.random() < CHANCE_COMBO:
        return [{"task": f"T{len(tasks)}", "value": given}]
    return given


def _apart(given: list[dict[str, Any]], tasks: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in given:
        if tasks[one["task"]]["type"] == "combo":
            yield from _apart(one["value"], tasks)
        else:
            yield one
