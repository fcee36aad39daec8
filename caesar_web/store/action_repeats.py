"""Statements that make actions pending again, or write one more of the same effect and target."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from caesar_web.store.action_statements import Kind
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import (
    SubjectRule,
    SubjectRuleEffect,
    UserRule,
    UserRuleEffect,
)
from caesar_web.store.db import among
from caesar_web.store.effects import AnyEffect

AnyAction = SubjectAction | UserAction


def retry(
    session: Session, kind: Kind, workflow_id: int, action_ids: Collection[int], *, now: datetime
) -> int:
    """Makes failed actions pending, with all attempts before them; says how many those are."""
    table: Any = kind.table
    changed = session.execute(
        update(table)
        .where(
            table.workflow_id == workflow_id,
            among(table.id, action_ids),
            table.status == "failed",
        )
        .values(status="pending", attempts=0, not_before=now, updated_at=now, acknowledged_at=None)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())


def action_of(session: Session, kind: Kind, workflow_id: int, action_id: int) -> AnyAction | None:
    """An action of a workflow; None where there is no such one."""
    table: Any = kind.table
    wanted = select(table).filter_by(id=action_id, workflow_id=workflow_id)
    found: AnyAction | None = session.scalar(wanted.execution_options(populate_existing=True))
    return found


def effect_of(session: Session, kind: Kind, workflow_id: int, effect_id: int) -> AnyEffect | None:
    """An effect of a workflow's rules, as it is now; None where it is gone."""
    is_subject = kind.table is SubjectAction
    effects: Any = SubjectRuleEffect if is_subject else UserRuleEffect
    rules: Any = SubjectRule if is_subject else UserRule
    found: AnyEffect | None = session.scalar(
        select(effects)
        .join(rules)
        .where(effects.id == effect_id, rules.workflow_id == workflow_id)
        .execution_options(populate_existing=True)
    )
    return found


def write_again(
    session: Session,
    kind: Kind,
    action: AnyAction,
    effect: AnyEffect,
    *,
    is_once: bool,
    now: datetime,
) -> int:
    """Writes one more action of the effect, for the target and with the reasons of another one."""
    table: Any = kind.table
    target = getattr(action, kind.target)
    again = table(
        workflow_id=action.workflow_id,
        rule_id=action.rule_id,
        effect_id=effect.id,
        effect_revision=effect.revision,
        occurrence=_next_occurrence(session, kind, effect.id, target) if is_once else None,
        effect_type=effect.action,
        config=effect.config,
        secrets=effect.secrets,
        target_owner=effect.target_owner,
        payload=action.payload,
        trace=action.trace,
        not_before=now,
        created_at=now,
        updated_at=now,
        **{kind.target: target},
    )
    session.add(again)
    session.flush()
    again_id: int = again.id
    return again_id


def _next_occurrence(session: Session, kind: Kind, effect_id: int, target: int) -> int:
    """Never 0, which is what rules decide."""
    table: Any = kind.table
    highest = session.scalar(
        select(func.max(table.occurrence)).where(
            table.effect_id == effect_id, getattr(table, kind.target) == target
        )
    )
    return (highest or 0) + 1
