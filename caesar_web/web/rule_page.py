"""What the page of a rule shows: its sentence, its fields, what surprises, what it would do."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain import answers
from caesar_web.domain.condition_commands import command
from caesar_web.domain.condition_edits import JSONNode
from caesar_web.domain.condition_fields import TYPES
from caesar_web.domain.diagnostics import diagnose
from caesar_web.domain.documents import Document, ExtractorRow, read_document
from caesar_web.domain.dry_run import Outcome, Sample, changes
from caesar_web.domain.effects import Effect
from caesar_web.domain.known import Known
from caesar_web.domain.pieces import said
from caesar_web.domain.reading import rule_pieces
from caesar_web.domain.rounding import exact
from caesar_web.domain.rule_order import unused_rules
from caesar_web.domain.rules import Rule
from caesar_web.domain.tasks import Task
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.domain.whys import explained
from caesar_web.pipeline import trying
from caesar_web.pipeline.trying import Preview
from caesar_web.store import rules as stored_rules
from caesar_web.store.configuration import Extractor
from caesar_web.store.effects import AnyRule
from caesar_web.store.snapshot import revisions, snapshot
from caesar_web.web import condition_view, effect_view
from caesar_web.web.condition_view import View
from caesar_web.web.effect_view import Offered
from caesar_web.web.rule_draft import CORRECT, RuleDraft

MOST_OUTCOMES = 50
NEW = -1  # the id of a rule that has none yet
DESCRIBED = {
    "matches": ("yes", "✓"),
    "does not match": ("no", "✗"),
    "cannot be evaluated": ("error", "!"),
}
PENDING = {"extractors_config": "extractors", "reducers_config": "reducers"}


class Kind(NamedTuple):
    """The rules of subjects, or those of users; `member` is where a document has them."""

    member: str
    table: type[AnyRule]
    topic: str
    is_for_users: bool
    target: str


KINDS = {
    "subject_rules": Kind(*stored_rules.KINDS["subject_rules"], "subject", False, "subject"),
    "user_rules": Kind(*stored_rules.KINDS["user_rules"], "user", True, "volunteer"),
}


@dataclass(frozen=True)
class Editing:
    """Which rule is being edited: its workflow and kind, and its id unless it is a new one.

    `expected` is its fingerprint when it was opened.
    """

    workflow_id: int
    project_id: int
    kind: str
    rule_id: int | None = None
    expected: str = ""


class OutcomeRow(NamedTuple):
    """A row of the preview."""

    target_id: int
    mark: str
    sign: str
    words: str
    note: str


def beginning(known: Known) -> JSONNode:
    """A comparison to begin with, about something that there is."""
    numbers = [key for key, seen in known.seen.items() if set(seen.kinds) == {"a number"}]
    named = [key for key in numbers if not key.startswith("subject.")]
    configured = [key for key in condition_view.suggestions(known) if "." in key]
    key = next(iter([*named, *configured, *numbers]), "counts.0")
    return ["gte", ["lookup", key, 0], ["const", 1]]


class Looked(NamedTuple):
    """What there is to look at: subjects or users, what is known of them, what is to be added."""

    also: Document
    sample: Sequence[Sample]
    rehearsed: Sequence[str]
    known: Known


def look(session: Session, editing: Editing, also: str) -> Looked:
    """What the rule is about, read once for a request. Raises as `pending`."""
    document = read_document(pending(also))
    users = KINDS[editing.kind].is_for_users
    sample, rehearsed = trying.sampled(session, editing.workflow_id, document, is_for_users=users)
    known = trying.known(session, editing.workflow_id, sample, document, is_for_users=users)
    return Looked(document, sample, rehearsed, known)


def pending(also: str) -> dict[str, Any]:
    """The parts that are saved together with a rule that a recipe has made, as document members.

    Raises InvalidConfiguration where they were forged.
    """
    try:
        members = json.loads(also) if also else {}
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict) or not members.keys() <= PENDING.keys():
        raise InvalidConfiguration([Problem("also", "is not what this page has made")])
    return members


def context(
    session: Session,
    editing: Editing,
    draft: RuleDraft,
    looked: Looked,
    *,
    found: Offered,
    tasks: Sequence[Task],
    why_id: int | None,
) -> dict[str, Any]:
    """All that the template of the editor takes."""
    kind = KINDS[editing.kind]
    also, sample, rehearsed, known = looked
    preview = why = None
    if draft.node:
        preview = trying.try_condition(
            session,
            editing.workflow_id,
            draft.node,
            sample,
            rule_id=editing.rule_id,
            is_for_users=kind.is_for_users,
        )
        scope = dict(sample).get(why_id) if why_id else None
        why = explained(draft.node, scope) if scope else None
    keys = sorted(known.reducers or {})
    stand_for = _answers(session, editing, known, also, tasks)
    return {
        "editing": editing,
        "expected": editing.expected,
        "draft": draft,
        "sentence": rule_pieces(draft.node, draft.effects) if draft.node else said("…"),
        "part": _part(draft, known),
        "problems": list(_problems(draft)),
        "losses": list(_losses(draft)),
        "repairs": _repairs(draft),
        "correct": CORRECT,
        "adds": [(PENDING[name], list(keys)) for name, keys in pending(draft.also).items() if keys],
        "all_kinds": condition_view.KINDS,
        "all_types": TYPES,
        "suggestions": condition_view.suggestions(known, stand_for),
        "reducer_keys": keys,
        "rule_warnings": _warnings(session, editing, draft),
        "actions": effect_view.actions(kind.topic),
        "effects": effect_view.shown(draft.effects, found, keys),
        "targets": f"{kind.target}s",
        "target_word": kind.target,
        "preview": preview,
        "rehearsed": rehearsed,
        "outcomes": _outcomes(preview) if preview else [],
        "comparison": _comparison(preview) if preview and editing.rule_id else "",
        "near_misses": _near_misses(preview) if preview else [],
        "why": why,
        "why_id": why_id,
    }


def _answers(
    session: Session, editing: Editing, known: Known, also: Document, tasks: Sequence[Task]
) -> dict[str, str]:
    """What the keys of sums over answers stand for."""
    wanted = select(Extractor).filter_by(workflow_id=editing.workflow_id)
    rows: list[Extractor | ExtractorRow] = [*session.scalars(wanted), *(also.extractors or ())]
    by_key = {row.key: answers.of_extractor(row.type, row.config, tasks) for row in rows}
    return answers.of_reducers(known.reducers or {}, by_key)


def _part(draft: RuleDraft, known: Known) -> condition_view.Part | None:
    if draft.node is None:
        return None
    found = diagnose(draft.node, known)
    return condition_view.shown(View(draft.condition, known, draft.given, draft.problems, found))


def _problems(draft: RuleDraft) -> Iterator[tuple[str, str]]:
    yield from draft.problems.items()
    for at, effect in enumerate(draft.effects):
        for option, message in effect.problems.items():
            yield f"effect-{at}-{option}", f"Effect {at + 1}, {option.replace('_', ' ')}: {message}"


def _losses(draft: RuleDraft) -> Iterator[dict[str, str]]:
    for loss in draft.losses:
        lost = ", ".join(json.dumps(each, ensure_ascii=False) for each in loss.lost)
        yield {"kind": loss.kind, "lost": lost, "command": command("change", loss.path, loss.kind)}


def _repairs(draft: RuleDraft) -> list[condition_view.Fix]:
    if draft.refused is None:
        return []
    path = draft.refused.path
    return [
        condition_view.Fix(fix.label, command("put", path, json.dumps(fix.node)))
        for fix in draft.refused.fixes
    ]


def _warnings(session: Session, editing: Editing, draft: RuleDraft) -> list[str]:
    """What surprises about this rule among the workflow's others."""
    at = revisions(session, editing.workflow_id)
    if at is None or draft.node is None:
        return []
    workflow = snapshot(session, at)
    rules = list(
        workflow.user_rules if KINDS[editing.kind].is_for_users else workflow.subject_rules
    )
    effects = tuple(Effect(NEW, 1, one.action, one.config) for one in draft.effects)
    own = Rule(editing.rule_id or NEW, draft.node, effects)
    ids = [rule.id for rule in rules]
    place = ids.index(own.id) if own.id in ids else len(rules)
    rules[place : place + 1] = [own]
    found = unused_rules(rules, workflow.rules_applied)
    words = [one.message for one in found if one.position == place]
    if workflow.rules_applied == "no_rules":
        words.append("The settings say that no rules are applied in this workflow.")
    return words


def _outcomes(preview: Preview) -> list[OutcomeRow]:
    order = list(DESCRIBED)
    change = {one.target_id: one.change for one in preview.changes if one.change != "same"}
    rows = sorted(preview.run.outcomes, key=lambda one: order.index(one.verdict))
    return [_outcome(one, preview, change) for one in rows[:MOST_OUTCOMES]]


def _outcome(one: Outcome, preview: Preview, change: Mapping[int, str]) -> OutcomeRow:
    mark, sign = DESCRIBED[one.verdict]
    notes = [
        one.error or "",
        change.get(one.target_id, ""),
        "has acted" if one.target_id in preview.acted else "",
    ]
    return OutcomeRow(one.target_id, mark, sign, one.verdict, "; ".join(filter(None, notes)))


def _comparison(preview: Preview) -> str:
    counted = changes(preview.changes)
    if counted.keys() <= {"same"}:
        return "nothing changes"
    return ", ".join(f"{number} {change}" for change, number in counted.most_common())


def _near_misses(preview: Preview) -> list[dict[str, str]]:
    return [
        {
            "sentence": one.sentence,
            "new": exact(one.new),
            "command": command("put", one.path, json.dumps(["const", one.new])),
        }
        for one in preview.near_misses
    ]


def with_problem(draft: RuleDraft, message: str) -> RuleDraft:
    """The draft when it could not be saved for a reason of its own."""
    return replace(draft, problems={**draft.problems, "sentence": message})
