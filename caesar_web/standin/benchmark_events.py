"""The events of the benchmark and the configuration that they are processed with."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from caesar_web.standin.stream_events import Event, Page, Row, Volunteer
from caesar_web.standin.volunteers import classification, people, visit

WORKFLOW_ID = 200
PROJECT_ID = 20
EVENTS = 10_000
BATCH = 100
WIDE_SUBJECTS = 1_000
DEEP_SUBJECTS = 20
VOLUNTEERS = 500
ANONYMOUS = 100
REPEATS = 200

FIRST_EVENT_ID = 1_000_000
FIRST_SUBJECT_ID = 10_000
BEGINS_AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
BETWEEN = timedelta(milliseconds=137)
ROW_AT = "2026-01-01T00:00:00.000Z"

SPECIES = (
    *("LION", "ELEPHANT", "ZEBRA", "GIRAFFE", "BUFFALO", "IMPALA"),
    *("WARTHOG", "HYENA", "LEOPARD", "BABOON", "HUMAN", "NOTHINGHERE"),
)

CONFIGURATION: dict[str, Any] = {
    "status": "active",
    "public_extracts": False,
    "public_reductions": False,
    "rules_applied": "all_matching_rules",
    "extractors_config": {
        "species": {"type": "survey", "task_key": "T0", "if_missing": "ignore"},
        "young": {"type": "question", "task_key": "T1", "if_missing": "ignore"},
        "who": {"type": "who"},
    },
    "reducers_config": {
        "consensus": {"type": "consensus", "filters": {"extractor_keys": ["species"]}},
        "count": {"type": "count", "filters": {"extractor_keys": ["species"]}},
        "counts": {"type": "stats", "filters": {"extractor_keys": ["species"]}},
    },
    "rules_config": [
        {
            "if": [
                "and",
                ["gte", ["lookup", "consensus.num_votes", 0], ["const", 5]],
                ["gte", ["lookup", "consensus.agreement", 0], ["const", 0.7]],
            ],
            "then": [{"action": "retire_subject", "reason": "consensus"}],
        }
    ],
    "user_rules_config": [],
}


def wide(seed: int) -> Iterator[list[Event]]:
    """10,000 classifications, ten of each of 1,000 subjects, in batches of 100."""
    return _batches(seed, subjects=WIDE_SUBJECTS)


def deep(seed: int) -> Iterator[list[Event]]:
    """10,000 classifications, 500 of each of 20 subjects, in batches of 100."""
    return _batches(seed, subjects=DEEP_SUBJECTS)


def _batches(seed: int, *, subjects: int) -> Iterator[list[Event]]:
    random = Random(f"benchmark/{seed}")
    crowd = _crowd()
    page = _page()
    rows = [_subject(FIRST_SUBJECT_ID + place) for place in range(subjects)]
    seen: set[tuple[int, int]] = set()
    batch: list[Event] = []
    for place, (volunteer_at, subject_at) in enumerate(_pairs(random, subjects=subjects)):
        volunteer = crowd[volunteer_at]
        before = volunteer.id is not None and (volunteer_at, subject_at) in seen
        seen.add((volunteer_at, subject_at))
        at = BEGINS_AT + place * BETWEEN
        looked = visit(page, volunteer, seen_before=before, at=at, random=random)
        batch.append(
            classification(
                FIRST_EVENT_ID + place, page, rows[subject_at], visit=looked, random=random
            )
        )
        if len(batch) == BATCH:
            yield batch
            batch = []


def _pairs(random: Random, *, subjects: int) -> list[tuple[int, int]]:
    """Who looks at what, in order: all at twenty subjects, a few at one of them twice."""
    order = [
        subject
        for _ in range(EVENTS // subjects)
        for subject in random.sample(range(subjects), subjects)
    ]
    each = EVENTS // VOLUNTEERS  # divides `subjects`: nobody meets a subject twice by accident
    pairs = [(place // each, subject) for place, subject in enumerate(order)]
    seen_by: dict[int, list[int]] = defaultdict(list)
    for volunteer, subject in pairs:
        seen_by[subject].append(volunteer)
    random.shuffle(pairs)
    for place in random.sample(range(EVENTS), REPEATS):
        subject = pairs[place][1]
        pairs[place] = (random.choice(seen_by[subject]), subject)
    return pairs


def _crowd() -> list[Volunteer]:
    """Every fifth volunteer is anonymous."""
    crowd = people(registered=VOLUNTEERS - ANONYMOUS, anonymous=ANONYMOUS)
    registered, anonymous = iter(crowd.registered), iter(crowd.anonymous)
    return [next(anonymous if place % 5 == 4 else registered) for place in range(VOLUNTEERS)]


def _page() -> Page:
    dates = {"created_at": ROW_AT, "updated_at": ROW_AT}
    project = {"id": str(PROJECT_ID), "display_name": "Camera Survey", **dates}
    workflow = {
        "id": str(WORKFLOW_ID),
        "display_name": "Which animals are here?",
        "version": "45.112",
        "retirement": {"criteria": "never_retire", "options": {}},
        "tasks": {
            "T0": {
                "type": "survey",
                "choices": {name: {"label": name.title()} for name in SPECIES},
                "choicesOrder": list(SPECIES),
                "questions": {},
            },
            "T1": {"type": "single", "answers": [{"label": "Yes"}, {"label": "No"}]},
        },
        "href": f"/workflows/{WORKFLOW_ID}",
        **dates,
    }
    return Page(project=project | {"href": f"/projects/{PROJECT_ID}"}, workflow=workflow)


def _subject(subject_id: int) -> Row:
    return {
        "id": str(subject_id),
        "locations": [{"image/jpeg": f"https://example.org/{subject_id}.jpg"}],
        "metadata": {"#filename": f"{subject_id}.jpg", "site": f"S{subject_id % 40:02}"},
        "created_at": ROW_AT,
        "updated_at": ROW_AT,
        "href": f"/subjects/{subject_id}",
    }
