"""What operators watch, in a fixed number of statements that stay fast however much there is.

Each looks at so many rows at most, in the order of an index: beyond that, a number says "at least".
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, String, bindparam, cast, func, or_, select, text
from sqlalchemy.orm import Session

from caesar_web.domain.lights import WELL
from caesar_web.store.action_statements import KINDS
from caesar_web.store.activity import Light
from caesar_web.store.db import UTCDateTime
from caesar_web.store.health_statements import PARTS
from caesar_web.store.queries import totals
from caesar_web.store.runs import Run

MOST_LANES = 10_000  # in which something waits, over all workflows
MOST_IN_A_LANE = 1_000
MOST_ACTIONS = 10_000  # of each state, on subjects and on users
MOST_SET_ASIDE = 10_000
LATEST_RUNS = 10_000


class Waiting(NamedTuple):
    """Classifications that wait in workflows of one status, with one queue of theirs."""

    own_queue: str | None
    status: str
    is_backfilled: bool
    number: int
    oldest: datetime


class Unfinished(NamedTuple):
    """Actions of one kind that are pending or failed; how many are due now, and since when."""

    effect_type: str
    status: str
    number: int
    due: int
    oldest_due: datetime | None


class Counted(NamedTuple):
    """How many there are of one kind in one state."""

    kind: str
    status: str
    number: int


class Numbers(NamedTuple):
    """Classifications set aside, events ever rejected, freezes in force."""

    set_aside: int
    rejected: int
    freezes: int


class Operation(NamedTuple):
    """All of it at one moment."""

    waiting: list[Waiting]
    unfinished: list[Unfinished]
    latest_actions: list[Counted]
    runs: list[Counted]
    red_lights: dict[str, int]
    numbers: Numbers
    totals: dict[str, int]


def operation(session: Session, *, now: datetime) -> Operation:
    """Everything that operators watch."""
    return Operation(
        waiting(session),
        unfinished_actions(session, now=now),
        latest_actions(session),
        runs(session),
        red_lights(session),
        numbers(session),
        totals(session),
    )


def waiting(session: Session) -> list[Waiting]:
    """What waits in the inbox: from lane to lane through the index, to the oldest of each."""
    bounds = {"most_lanes": MOST_LANES, "most_in_a_lane": MOST_IN_A_LANE}
    return [Waiting(*row) for row in session.execute(_WAITING, bounds)]


def unfinished_actions(session: Session, *, now: datetime) -> list[Unfinished]:
    """Pending and failed actions. Those of halted workflows are never due."""
    rows = session.execute(_UNFINISHED, {"now": now, "most": MOST_ACTIONS})
    return [Unfinished(*row) for row in rows]


def latest_actions(session: Session) -> list[Counted]:
    """What became of the latest actions."""
    return [Counted(*row) for row in session.execute(_LATEST, {"most": MOST_ACTIONS})]


def runs(session: Session) -> list[Counted]:
    """The latest runs by kind and state."""
    latest = select(Run.kind, Run.status).order_by(Run.id.desc()).limit(LATEST_RUNS).subquery()
    grouped = select(latest, func.count()).group_by(*latest.c).order_by(*latest.c)
    return [Counted(*row) for row in session.execute(grouped)]


def red_lights(session: Session) -> dict[str, int]:
    """How many parts of each kind failed each time of late; those that are gone do not count."""
    is_red = (Light.outcomes != "", ~Light.outcomes.contains(WELL, autoescape=True))
    counted = (
        select(Light.kind, func.count())
        .where(*is_red, light_is_of_something())
        .group_by(Light.kind)
        .order_by(Light.kind)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def light_is_of_something() -> Any:
    """Whether what a light belongs to is still there."""
    is_there = (
        select(table.id)
        .where(Light.kind == kind, Light.name == cast(table.id, String))
        .correlate(Light)
        .exists()
        for kind, table in PARTS.items()
    )
    return or_(Light.kind.not_in(PARTS), *is_there)


def numbers(session: Session) -> Numbers:
    """The newest id of a rejected event says how many there ever were, also after a purge."""
    return Numbers(*session.execute(_NUMBERS, {"most": MOST_SET_ASIDE}).one())


# The recursion gives one classification of each lane in which something waits: the oldest.
# PostgreSQL ends it at the LIMIT.
_WAITS = "{0}.processed_at IS NULL AND {0}.failed_reason IS NULL"
LANES = f"""WITH RECURSIVE heads(id) AS (
        SELECT (
            SELECT first.id FROM classifications AS first WHERE {_WAITS.format("first")}
            ORDER BY first.workflow_id, first.lane, first.is_backfilled, first.position LIMIT 1)
        UNION ALL SELECT (
            SELECT other.id FROM classifications AS other WHERE {_WAITS.format("other")}
            AND (other.workflow_id, other.lane, other.is_backfilled)
                > (head.workflow_id, head.lane, head.is_backfilled)
            ORDER BY other.workflow_id, other.lane, other.is_backfilled, other.position LIMIT 1)
        FROM heads JOIN classifications AS head ON head.id = heads.id
    ), lanes AS (
        SELECT head.workflow_id AS workflow_id, head.is_backfilled AS is_backfilled,
        head.received_at AS received_at, (
            SELECT count(*) FROM (
                SELECT 1 FROM classifications AS one WHERE {_WAITS.format("one")}
                AND one.workflow_id = head.workflow_id AND one.lane = head.lane
                AND one.is_backfilled = head.is_backfilled LIMIT :most_in_a_lane
            ) AS few) AS number
        FROM (SELECT id FROM heads WHERE id IS NOT NULL LIMIT :most_lanes) AS found
        JOIN classifications AS head ON head.id = found.id
    )"""
_WAITING = text(
    f"""{LANES} SELECT coalesce(workflows.custom_queue_name, projects.custom_queue_name)
        AS own_queue, workflows.status AS status, is_backfilled,
        sum(number) AS number, min(received_at) AS oldest
    FROM lanes JOIN workflows ON workflows.id = lanes.workflow_id
    LEFT JOIN projects ON projects.id = workflows.project_id
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
).columns(
    own_queue=String,
    status=String,
    is_backfilled=Boolean,
    number=BigInteger,
    oldest=UTCDateTime,
)


def _unfinished_of(table: Any, order: str, status: str) -> str:
    """The status is a literal, as PostgreSQL would not use the index that is for it alone else."""
    due = "status = 'pending' AND not_before <= :now AND workflow_status <> 'halted'"
    return f"""SELECT effect_type, status, count(*) AS number,
        sum(CASE WHEN {due} THEN 1 ELSE 0 END) AS due,
        min(CASE WHEN {due} THEN not_before END) AS oldest_due
        FROM (
            SELECT found.effect_type, found.status, found.not_before,
            workflows.status AS workflow_status
            FROM (
                SELECT workflow_id, effect_type, status, not_before FROM {table.__tablename__}
                WHERE status = '{status}' ORDER BY {order}id LIMIT :most
            ) AS found JOIN workflows ON workflows.id = found.workflow_id
        ) AS known GROUP BY effect_type, status"""


def _latest_of(table: Any) -> str:
    return f"""SELECT effect_type, status FROM (
        SELECT effect_type, status FROM {table.__tablename__} ORDER BY id DESC LIMIT :most
        ) AS {table.__tablename__}"""


_UNFINISHED = (
    text(
        "SELECT effect_type, status, sum(number) AS number, sum(due) AS due,"
        " min(oldest_due) AS oldest_due FROM ("
        + " UNION ALL ".join(
            _unfinished_of(kind.table, order, status)
            for kind in KINDS
            for status, order in (
                ("pending", f"workflow_id, {kind.target}, "),
                ("failed", "workflow_id, "),
            )
        )
        + ") AS both_kinds GROUP BY effect_type, status ORDER BY effect_type, status"
    )
    .bindparams(bindparam("now", type_=UTCDateTime()))
    .columns(
        effect_type=String,
        status=String,
        number=BigInteger,
        due=BigInteger,
        oldest_due=UTCDateTime,
    )
)
_LATEST = text(
    "SELECT effect_type, status, count(*) FROM ("
    + " UNION ALL ".join(_latest_of(kind.table) for kind in KINDS)
    + ") AS both_kinds GROUP BY effect_type, status ORDER BY effect_type, status"
)
_NUMBERS = text(
    """SELECT (SELECT count(*) FROM (
        SELECT 1 FROM classifications WHERE failed_reason IS NOT NULL
        ORDER BY workflow_id, id LIMIT :most) AS few),
    (SELECT coalesce(max(id), 0) FROM rejected_events), (SELECT count(*) FROM freezes)"""
)
