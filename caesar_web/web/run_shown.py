"""Runs as pages show them: whose they are, how far, and what they would have done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from caesar_web.access import parts
from caesar_web.domain import run_progress, run_reading
from caesar_web.domain.run_progress import Bar, Progress
from caesar_web.pipeline.run_kinds import KINDS
from caesar_web.store import action_pages, run_pages
from caesar_web.store import run_statements as statements
from caesar_web.store import withheld_statements as withheld
from caesar_web.store.configuration import SubjectRule, UserRule, Workflow
from caesar_web.store.runs import Run, RunFailure
from caesar_web.store.snapshot import Reducible
from caesar_web.web import acts

SOON = timedelta(seconds=5)  # within which a wait for the next try is not worth telling
FAILURES_SHOWN = 50
OF = {"subject": "subjects", "user": "users"}
RULES: dict[str, Any] = {"subjects": SubjectRule, "users": UserRule}


@dataclass(frozen=True)
class Home:
    """Whose runs the pages are about: a workflow's or a project's."""

    reducible: Reducible
    name: str = ""

    @property
    def is_project(self) -> bool:
        return self.reducible.type == "Project"

    @property
    def layout(self) -> str:
        return f"{'runs/_of_project' if self.is_project else 'workflows/_layout'}.html"

    def url(self, name: str = "index", **values: Any) -> str:
        """The address of one of the pages."""
        views = "project_runs" if self.is_project else "runs"
        owner: dict[str, Any] = {f"{self.reducible.type.lower()}_id": self.reducible.id}
        return url_for(f"{views}.{name}", **owner, **values)


@dataclass(frozen=True)
class RunShown:
    """A run in words. `note` is what it says of itself, `next_try` when it tries again."""

    run: Run
    state: str
    title: str
    scope: str
    progress: str
    bar: Bar | None
    before: int
    note: str | None
    next_try: datetime | None
    lasted: str | None
    can_go_on: bool
    can_repeat: bool
    checks_rules: bool

    @property
    def is_over(self) -> bool:
        return self.run.finished_at is not None


@dataclass(frozen=True)
class WithheldShown:
    """An effect, and on how many targets it would have acted; None where the rule is gone."""

    words: str
    rule: str | None
    rule_address: str | None
    number: int
    targets: str
    is_changed: bool


@dataclass(frozen=True)
class EffectShown:
    """An effect that could act, with its rule."""

    words: str
    rule: str
    rule_address: str


def shown(session: Session, run: Run) -> RunShown:
    """A run as pages show it now."""
    now = parts.now()
    is_lost = statements.is_lost(run, now=now)
    state = "lost" if is_lost else run.status
    progress = _progress(run, state)
    waits = not is_lost and run.finished_at is None and run.not_before > now + SOON
    lasted = None
    if run.finished_at is not None and run.started_at is not None:
        lasted = run_progress.lasting((run.finished_at - run.started_at).total_seconds())
    return RunShown(
        run,
        state,
        run_reading.title(run.kind),
        run_reading.scope(run.kind, run.options),
        run_progress.in_words(progress),
        run_progress.bar(progress),
        run_pages.before_it(session, run) if state == "waiting" else 0,
        run_reading.problem_in_words(run.last_error) if run.last_error else None,
        run.not_before if waits and run.attempts else None,
        lasted,
        can_go_on=state in ("failed", "cancelled", "lost"),
        can_repeat=run.finished_at is not None and is_repeatable(run),
        checks_rules=_checks_rules(run),
    )


def is_repeatable(run: Run) -> bool:
    """Whether the same can be begun anew; what was kept is there once."""
    return run.kind in run_reading.KIND_WORDS and run.kind != "kept"


def failures(session: Session, run: Run, *, after: int) -> tuple[Sequence[RunFailure], int | None]:
    """A page of what a run could not do, and after which id the next one begins."""
    found = run_pages.failures(session, run.id, after=after, most=FAILURES_SHOWN + 1)
    rows = found[:FAILURES_SHOWN]
    return rows, rows[-1].id if len(found) > FAILURES_SHOWN else None


def withheld_by(session: Session, run: Run) -> tuple[list[WithheldShown], int]:
    """What a run withheld, by effect, and how much of it can be done now."""
    if run.acts or run.reducible_type != "Workflow":
        return [], 0
    summed = withheld.summed(session, run.id)
    if not summed:
        return [], 0
    numbers = action_pages.rule_numbers(session, run.reducible_id)
    effects = withheld.effects_now(session, summed)
    rows = []
    for one in summed:
        effect, of = effects.get(one), OF[one.target_type]
        number = numbers.get((of, one.rule_id))
        rows.append(
            WithheldShown(
                acts.in_words(one.effect_type, effect.config if effect else {}),
                None if number is None else acts.rule_name((of, one.rule_id), number),
                None if number is None else _rule(run.reducible_id, of, one.rule_id),
                one.number,
                run_progress.unit("subjects" if of == "subjects" else "volunteers", one.number),
                is_changed=effect is None,
            )
        )
    return rows, sum(row.number for row in rows if not row.is_changed)


def could_act(session: Session, home: Home, *, check: str | None = None) -> list[EffectShown]:
    """The effects of a workflow that could act during a run, in the order of its rules."""
    workflow = None if home.is_project else session.get(Workflow, home.reducible.id)
    if workflow is None or check == "none" or workflow.rules_applied == "no_rules":
        return []
    return [*_effects(workflow, "subjects"), *_effects(workflow, "users")]


def _checks_rules(run: Run) -> bool:
    is_checked = run.options.get("check") != "none" and run.reducible_type == "Workflow"
    return is_checked and run.kind in run_reading.KIND_WORDS


def _effects(workflow: Workflow, of: str) -> Iterable[EffectShown]:
    rules: Sequence[Any] = workflow.subject_rules if of == "subjects" else workflow.user_rules
    for number, rule in enumerate(rules, start=1):
        for effect in rule.effects:
            words = acts.in_words(effect.action, effect.config)
            address = _rule(workflow.id, of, rule.id)
            yield EffectShown(words, acts.rule_name((of, rule.id), number), address)


def _rule(workflow_id: int, of: str, rule_id: int) -> str:
    kind = f"{of.removesuffix('s')}_rules"
    return url_for("rules.edit", workflow_id=workflow_id, kind=kind, rule_id=rule_id)


def _progress(run: Run, state: str) -> Progress:
    resumed = run.options.get("resumed") or {}
    begun_at = datetime.fromisoformat(resumed["at"]) if resumed else run.started_at
    checkpoint = run.checkpoint if isinstance(run.checkpoint, dict) else {}
    return Progress(
        KINDS[run.kind].unit if run.kind in KINDS else "steps",
        run.done,
        run.total,
        run.is_estimate,
        state,
        checkpoint.get("phase"),
        begun_at,
        resumed.get("done", 0),
        run.progressed_at,
        run.rate,
    )
