"""As Planet Hunters TESS has it: what volunteers are worth comes from subjects with known answers.

Training subjects have a reducer of their own; a running one of the volunteers has its reduction
beside each extract; and one that finds columns has theirs beside each, of previous subjects too.
"""

from collections.abc import Callable
from math import log10
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.domain.library_options import MEANS
from caesar_web.jobs import asking, queues
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction, UserReduction
from tests.factories import JSON, make_event, make_workflow
from tests.jobs.test_asking_library import app, config, needs_library
from tests.pipeline.steps import process, receive

__all__ = ["app", "config"]

Library = Callable[..., JSON]
RUNNING = {"reduction_mode": "running_reduction"}
TRAINING = {"extractor_keys": ["feedback"], "training_behavior": "training_only"}
KNOWN, EARLIER, LATER = 1, 10, 11
METADATA: dict[int, JSON] = {
    KNOWN: {"#training_subject": "true"},
    EARLIER: {},
    LATER: {"previous_subject_ids": f"[{EARLIER}]"},
}
# Of each volunteer: which of the two transits of the known subject they found.
FOUND = {1: [True, True], 2: [True, False], 3: [False, False]}
# Who marks which column of which subject; volunteer 4 has seen no known one.
MARKS = [(1, EARLIER, 50.0), (2, LATER, 50.5), (3, LATER, 80.0), (4, LATER, 51.0)]
ONE = 1 + log10(2)  # what a volunteer's skill is a power of, after two transits


def in_process(kind: str, name: str, **parameters: Any) -> JSON:
    return {"type": "aggregation", "name": name, "parameters": parameters}


def configure(library: Library) -> None:
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={
                "feedback": {
                    "type": "pluck_field",
                    "field_map": {"feedback": "$.metadata.feedback.T0"},
                    "if_missing": "reject",
                },
                "columns": library("extractors", "shape_extractor", shape="column", task="T0"),
            },
            reducers_config={
                "difficulty": {
                    **library("running_reducers", "tess_gold_standard_reducer"),
                    **RUNNING,
                    "filters": TRAINING,
                },
                "skill": {
                    **library("running_reducers", "tess_user_reducer"),
                    **RUNNING,
                    "topic": "reduce_by_user",
                    "filters": TRAINING,
                    "subject_reducer_keys": ["difficulty"],
                },
                "transits": {
                    **library("reducers", "tess_reducer_column", eps=5.0, min_samples=2),
                    "filters": {
                        "extractor_keys": ["columns"],
                        "training_behavior": "experiment_only",
                    },
                    "user_reducer_keys": ["skill"],
                },
            },
        )
    db.session.remove()


def classify(id: int, *, user: int, subject: int, marks: list[float], **metadata: Any) -> None:
    columns = [{"tool": 0, "frame": 0, "x": x, "width": 2.0, "details": []} for x in marks]
    event = make_event(
        id,
        user=user,
        subject=subject,
        annotations=[{"task": "T0", "value": columns}],
        metadata={"workflow_version": "1.1", **metadata},
        subject_metadata=METADATA[subject],
    )
    receive([event])
    process()
    for means in (MEANS, queues.EXTERNAL) * 2:  # the extract, and then what follows from it
        asking.ask(means)


def play(library: Library) -> tuple[JSON, dict[int, JSON]]:
    """What is found on the later subject, and what the volunteers are worth."""
    configure(library)
    for user, found in FOUND.items():
        feedback = {"T0": [{"success": success} for success in found]}
        classify(user, user=user, subject=KNOWN, marks=[5.0], feedback=feedback)
    for id, (user, subject, x) in enumerate(MARKS, start=10):
        classify(id, user=user, subject=subject, marks=[x])
    of_subjects = select(SubjectReduction).filter_by(reducer_key="transits", subject_id=LATER)
    transits: Any = db.session.scalars(of_subjects).one().data
    skills: dict[int, Any] = {
        row.user_id: row.data for row in db.session.scalars(select(UserReduction))
    }
    known = db.session.scalars(select(SubjectReduction).filter_by(reducer_key="difficulty")).one()
    assert known.subject_id == KNOWN, "only training subjects have one"
    difficulty: Any = known.data
    assert difficulty["difficulty"] == [2 / 3, 1 / 3]
    db.session.remove()
    return transits, skills


@needs_library
def test_what_volunteers_are_worth_weighs_what_they_mark(app: Flask) -> None:
    check(*play(in_process))


def check(transits: JSON, skills: dict[int, JSON]) -> None:
    """By hand: the difficulty is what it was when the volunteer answered.

    The first one's subject had none: 0. The second one's was [1, 1], of which they found the
    first: (2 - 1) / 2. The third one's was [1, 0.5], and they found none: (-1 - 0.5) / 2.
    """
    expected = {1: 1.0, 2: ONE**0.5, 3: ONE**-0.75}
    assert {user: data["skill"] for user, data in skills.items()} == pytest.approx(expected)
    assert transits["counts"] == [3]
    assert transits["centers"] == pytest.approx([(50.0 + 50.5 + 51.0) / 3])
    assert transits["user_ids"] == [[1, 2, 4]]
    assert transits["weighted_counts"] == pytest.approx([1.0 + ONE**0.5 + 1.0])
