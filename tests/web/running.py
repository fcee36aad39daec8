"""Runs in every state, as pages meet them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from caesar_web.domain.values import DomainError
from caesar_web.pipeline import run_orders
from caesar_web.pipeline.run_orders import Scope
from caesar_web.pipeline.runs import Order, start
from caesar_web.store import withheld_statements
from caesar_web.store.configuration import SubjectRule, UserRule
from caesar_web.store.db import db
from caesar_web.store.runs import Run, RunFailure
from caesar_web.store.snapshot import Reducible
from tests.factories import START

OF_WORKFLOW, OF_PROJECT = Reducible("Workflow", 100), Reducible("Project", 10)


def add_run(order: Order, **values: Any) -> int:
    """A run that is in a state already; gives its id."""
    with db.session.begin():
        started = start(db.session(), order, by="alice", by_id=2, now=datetime.now(UTC))
        if not started.is_new:
            raise DomainError("it is there already")
        run = db.session.get_one(Run, started.run_id)
        for name, value in values.items():
            setattr(run, name, value)
    db.session.remove()
    return started.run_id


def add_runs(words: str) -> None:
    """Of workflow 100: one that is over with all it can have, and others in every state; of 10."""
    now = datetime.now(UTC)
    over: dict[str, Any] = {"started_at": now - timedelta(hours=2), "finished_at": now}
    under_way: dict[str, Any] = {
        "status": "running",
        "started_at": now - timedelta(minutes=40),
        "not_before": now + timedelta(minutes=1),
        "done": 12_400,
        "total": 40_000,
        "is_estimate": True,
    }
    everything = run_orders.order("rereduce", OF_WORKFLOW, Scope(check="each"))
    done = add_run(everything, status="finished", done=3, total=3, failed=60, **over)
    add_withheld(done)
    with db.session.begin():
        for number in range(60):
            row = RunFailure(
                run_id=done, place=f"{number} {words}", message=words, created_at=START
            )
            db.session.add(row)
    add_run(run_orders.order("backfill", OF_WORKFLOW, Scope()), **under_way, acts=True, rate=500)
    named = Scope(subject_ids=range(1, 9))
    failing: dict[str, Any] = {"last_error": words, "attempts": 3}
    add_run(run_orders.order("backfill", OF_WORKFLOW, named), **{**under_way, **failing})
    user = run_orders.order("backfill_user", OF_WORKFLOW, Scope(user_id=5))
    add_run(user, status="failed", last_error="ValueError", **over)
    lost = run_orders.order("reextract", OF_WORKFLOW, Scope(since=START))
    add_run(lost, **{**under_way, "not_before": START})
    add_run(run_orders.order("rereduce", OF_PROJECT, Scope(reducer_key=words)))


def add_withheld(run_id: int, *, subjects: int = 2, changed: int = 1) -> None:
    """What the rules of workflow 100 would have done for subjects, and for a volunteer."""
    with db.session.begin():
        rows = []
        for table, of in ((SubjectRule, "subject"), (UserRule, "user")):
            rule: Any = db.session.query(table).filter_by(workflow_id=100).first()
            for effect in rule.effects if rule else ():
                own = {"rule_id": rule.id, "effect_id": effect.id, "effect_type": effect.action}
                revisions = [effect.revision] * subjects + [effect.revision + 1] * changed
                for target_id, revision in enumerate(revisions if of == "subject" else [1], 1):
                    about = {"target_type": of, "target_id": target_id, "effect_revision": revision}
                    rows.append(_row(run_id) | own | about)
        withheld_statements.write(db.session(), rows)
    db.session.remove()


def _row(run_id: int) -> dict[str, Any]:
    nothing = {"payload": None, "trace": None}
    return {"run_id": run_id, "workflow_id": 100, "created_at": START, **nothing}
