"""A database as after some years: one busy workflow, filled by statements, without any turns."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from caesar_web.domain.conditions import parse
from caesar_web.domain.evaluation import trace, trace_as_json
from caesar_web.domain.scope import ReductionScope
from caesar_web.pipeline.workflows import Description, add
from caesar_web.standin import demo
from caesar_web.store.configuration import SubjectRuleEffect, UserRuleEffect
from caesar_web.store.db import db
from tests.factories import give

WORKFLOW_ID, PROJECT_ID, OTHER_WORKFLOW_ID = 100, 10, 200
CONFIGURATION = Path(demo.__file__).parent / "configurations" / "100.json"
SUBJECTS, USERS, CLASSIFICATIONS = 50_000, 10_000, 300_000
NEWER_CLASSIFICATIONS = 20_000  # of the other workflow, so that ours has none among the last
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
BUSIEST_SUBJECT, BUSIEST_USER = 1, 1
COUNTS = {"extracts": 1_000_000, "reductions": 200_000, "actions": 100_000}

# What each row is follows from its number: every 300th classification is of the busiest subject.
_SUBJECT = f"CASE WHEN n % 300 = 0 THEN {BUSIEST_SUBJECT} ELSE n % {SUBJECTS} + 1 END"
_USER = f"CASE WHEN n % 5 = 0 THEN NULL ELSE n % {USERS} + 1 END"
_AT = "timestamptz '2024-01-01' + n * interval '3 minutes'"
_ANSWER = "(n % 3)::text"
_MAGNITUDE = "(14 + n % 80 / 10.0)::text"
_ANNOTATIONS = """jsonb_build_object('T0', jsonb_build_array(
    jsonb_build_object('task', 'T0', 'value', n % 3)))"""
_STATUS = "CASE WHEN n > {} THEN 'pending' WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END"
_EXTRACTS = {
    "galaxy": (CLASSIFICATIONS, f"jsonb_build_object({_ANSWER}, 1)"),
    "answer": (CLASSIFICATIONS, f"jsonb_build_object('value', {_ANSWER})"),
    "sky": (CLASSIFICATIONS, f"jsonb_build_object('magnitude', {_MAGNITUDE})"),
    "feedback": (100_000, "jsonb_build_object('success', 1)"),
}
_REDUCTIONS = {
    "subject": {
        "consensus": f"jsonb_build_object('most_likely', {_ANSWER}, 'num_votes', n % 12 + 1,"
        " 'agreement', round((n % 60 + 41) / 100.0, 2))",
        "votes": "jsonb_build_object((n % 3)::text, n % 12 + 1)",
        "count": "jsonb_build_object('classifications', n % 20 + 1)",
    },
    "user": {
        "seen": "jsonb_build_object('classifications', n % 20 + 1)",
        "training": "jsonb_build_object('success', n % 4)",
        "faintest": "jsonb_build_object('count', 20, 'mean', 17.5, 'max', 21.4)",
        "answers": "jsonb_build_object('classifications', n % 20 + 1)",
        "spare": "jsonb_build_object('classifications', 1)",
    },
}


def fill(now: datetime) -> None:
    """Writes all of it to the database of the application whose context is entered."""
    with db.session.begin():
        effects = _configure(db.session(), now)
    with db.engine.begin() as connection:
        _fill_inbox(connection)
        _fill_results(connection)
        for of, effect_id, number in effects:
            _fill_actions(connection, of, effect_id=effect_id, number=number)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _configure(session: Session, now: datetime) -> list[tuple[str, int, int]]:
    """The workflow; of which of its effects there are how many actions."""
    workflow = add(
        session, Description(WORKFLOW_ID, PROJECT_ID, "Is it a galaxy?", "Galaxy Demo"), now=now
    )
    session.flush()
    give(session, workflow, json.loads(CONFIGURATION.read_text("utf-8")), now=BEGINNING)
    add(session, Description(OTHER_WORKFLOW_ID, 20, "Which animals?", "Camera Survey"), now=now)
    workflow.extracts_count = COUNTS["extracts"]
    workflow.subject_reductions_count, workflow.user_reductions_count = 150_000, 50_000
    workflow.subject_actions_count, workflow.user_actions_count = 90_000, 10_000
    subject = session.scalars(select(SubjectRuleEffect.id).order_by(SubjectRuleEffect.id)).all()
    (user,) = session.scalars(select(UserRuleEffect.id)).all()
    return [
        ("subject", subject[0], 50_000),
        ("subject", subject[1], 40_000),
        ("user", user, 10_000),
    ]


def _fill_inbox(connection: Connection) -> None:
    _insert(
        connection,
        "subjects",
        SUBJECTS,
        id="n",
        metadata=f"jsonb_build_object('#filename', n || '.jpg', 'magnitude', {_MAGNITUDE})",
        created_at=_AT,
        updated_at=_AT,
    )
    own = f"CASE WHEN n > {CLASSIFICATIONS} THEN {OTHER_WORKFLOW_ID} ELSE {WORKFLOW_ID} END"
    _insert(
        connection,
        "classifications",
        CLASSIFICATIONS + NEWER_CLASSIFICATIONS,
        id="n",
        project_id=str(PROJECT_ID),
        workflow_id=own,
        workflow_version="'12.10'",
        subject_id=_SUBJECT,
        user_id=_USER,
        annotations=_ANNOTATIONS,
        metadata="""'{"workflow_version": "12.10", "classifier_version": "2.0"}'::jsonb""",
        **dict.fromkeys(("created_at", "updated_at", "received_at", "processed_at"), _AT),
        position="n",
        lane=f"({_SUBJECT}) % 64",
    )


def _fill_results(connection: Connection) -> None:
    for key, (number, data) in _EXTRACTS.items():
        _insert(
            connection,
            "extracts",
            number,
            classification_id="n",
            classification_at=_AT,
            extractor_key=f"'{key}'",
            project_id=str(PROJECT_ID),
            workflow_id=str(WORKFLOW_ID),
            workflow_version="'12.10'",
            subject_id=_SUBJECT,
            user_id=_USER,
            data=data,
            created_at=_AT,
            updated_at=_AT,
        )
    for target, reducers in _REDUCTIONS.items():
        for key, data in reducers.items():
            _insert(
                connection,
                f"{target}_reductions",
                SUBJECTS if target == "subject" else USERS,
                reducible_type="'Workflow'",
                reducible_id=str(WORKFLOW_ID),
                reducer_key=f"'{key}'",
                data=data,
                created_at=_AT,
                updated_at=_AT,
                **{f"{target}_id": "n"},
            )


def _fill_actions(connection: Connection, of: str, *, effect_id: int, number: int) -> None:
    """One in a hundred has failed, and the last twenty are pending."""
    effect = f"FROM {of}_rule_effects WHERE id = {effect_id}"
    _insert(
        connection,
        f"{of}_actions",
        number,
        workflow_id=str(WORKFLOW_ID),
        rule_id=f"(SELECT {of}_rule_id {effect})",
        effect_id=str(effect_id),
        effect_revision="1",
        occurrence="0",
        effect_type=f"(SELECT action {effect})",
        config=f"(SELECT config {effect})",
        trace=f"'{json.dumps(_trace())}'::jsonb",
        status=_STATUS.format(number - 20),
        attempts="1",
        not_before=_AT,
        attempted_at=_AT,
        completed_at=f"CASE WHEN n % 100 > 0 THEN {_AT} END",
        last_error="CASE WHEN n % 100 = 0 THEN 'Panoptes refused it' END",
        created_at=_AT,
        updated_at=_AT,
        **{f"{of}_id": "n"},
    )


def _trace() -> Any:
    condition = parse(["gte", ["lookup", "consensus.num_votes", 0], ["const", 5]])
    scope = ReductionScope({"consensus": {"_default": {"num_votes": 7}}})
    return trace_as_json(trace(condition, scope))


def _insert(connection: Connection, table: str, number: int, **columns: str) -> None:
    """So many rows, whose columns are expressions over their number `n`."""
    names, values = ", ".join(columns), ", ".join(columns.values())
    rows = f"SELECT {values} FROM generate_series(1, {number}) n"  # noqa: S608  # our own texts
    connection.exec_driver_sql(f"INSERT INTO {table} ({names}) {rows}".replace("%", "%%"))
