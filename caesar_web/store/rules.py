"""The rules of a document beside those that are there: which stay, and which are new."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace as replaced
from typing import Any, NamedTuple

from caesar_web.domain.documents import Document, RuleRow
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.secrets import resolved, says_the_same
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.store import effects
from caesar_web.store.configuration import SubjectRule, UserRule, Workflow
from caesar_web.store.effects import AnyEffect, AnyRule, Saving
from caesar_web.store.sealing import Sealer
from caesar_web.store.statuses import set_status

KINDS: dict[str, tuple[str, type[AnyRule]]] = {
    "subject_rules": ("rules_config", SubjectRule),
    "user_rules": ("user_rules_config", UserRule),
}


class Planned(NamedTuple):
    """A rule of a document and its place there; the rule that it is already, if any."""

    place: str
    row: RuleRow
    rule: AnyRule | None

    def effects(self) -> Iterator[tuple[str, EffectRow, AnyEffect | None]]:
        """Its effects and their places, with those that they are already."""
        there: Sequence[AnyEffect | None] = self.rule.effects if self.rule else ()
        for at, row in enumerate(self.row.effects):
            yield f"{self.place}.then[{at}]", row, there[at] if there else None


def to_permit(
    workflow: Workflow | None, document: Document, sealer: Sealer
) -> list[tuple[str, EffectRow]]:
    """The effects, and their places, that need somebody's permission to become the workflow's.

    Raises InvalidConfiguration where a mask stands for no secret that is kept.
    """
    return [
        (place, row)
        for rules in _plan(workflow, document, sealer).values()
        for planned in rules
        for place, row, effect in planned.effects()
        if effect is None or effects.lacks_permission(effect)
    ]


def replace(workflow: Workflow, document: Document, saving: Saving) -> None:
    """Gives the workflow the rules of a document in its order; equal ones stay as they are."""
    for kind, rules in _plan(workflow, document, saving.sealer).items():
        saved = [_saved(planned, KINDS[kind][1], saving) for planned in rules]
        for order, rule in enumerate(saved):
            rule.row_order = order
        setattr(workflow, kind, saved)


def _plan(
    workflow: Workflow | None, document: Document, sealer: Sealer
) -> dict[str, list[Planned]]:
    """The rules of each kind that the document speaks of."""
    there: dict[str, list[AnyRule]] = {kind: getattr(workflow, kind, []) for kind in KINDS}
    kept = {
        effect: effects.opened(effect, sealer)
        for rules in there.values()
        for rule in rules
        for effect in rule.effects
    }
    problems: list[Problem] = []
    plan = {
        kind: _matched(there[kind], rows, kept, place, problems)
        for kind, (place, _) in KINDS.items()
        if (rows := getattr(document, kind)) is not None
    }
    if problems:
        raise InvalidConfiguration(problems)
    return plan


def _matched(
    there: Sequence[AnyRule],
    rows: Iterable[RuleRow],
    kept: Mapping[AnyEffect, EffectRow],
    place: str,
    problems: list[Problem],
) -> list[Planned]:
    unused: dict[str, list[AnyRule]] = {}  # few in each, as comparing all with all takes minutes
    for rule in there:
        likeness = _likeness(json.loads(rule.condition), [kept[effect] for effect in rule.effects])
        unused.setdefault(likeness, []).append(rule)
    plan = []
    for at, row in enumerate(rows):
        alike = unused.get(_likeness(row.condition, row.effects), [])
        found = next((rule for rule in alike if _is_equal(rule, row, kept)), None)
        planned = Planned(f"{place}[{at}]", row, found)
        if found is not None:
            alike.remove(found)
        else:
            wanted = tuple(
                resolved(effect, list(kept.values()), place=where, problems=problems)
                for where, effect, _ in planned.effects()
            )
            planned = planned._replace(row=replaced(row, effects=wanted))
        plan.append(planned)
    return plan


def _likeness(condition: list[Any], rows: Iterable[EffectRow]) -> str:
    """What equal rules have in common, however they are spaced: all that is no secret."""
    return json.dumps([condition, [(row.action, row.config) for row in rows]], sort_keys=True)


def _is_equal(rule: AnyRule, row: RuleRow, kept: Mapping[AnyEffect, EffectRow]) -> bool:
    """Whether rules that are alike have the same secrets."""
    return all(map(says_the_same, row.effects, (kept[effect] for effect in rule.effects)))


def _saved(planned: Planned, table: type[AnyRule], saving: Saving) -> AnyRule:
    rule = planned.rule or table(
        condition=condition_text(planned.row.condition),
        created_at=saving.now,
        updated_at=saving.now,
    )
    set_status(rule, planned.row.status, now=saving.now)
    for place, row, effect in planned.effects():
        if effect is None:
            effects.create(rule, row, saving, place=place)
        elif effects.lacks_permission(effect):
            effects.permit(effect, saving, place=place)
    return rule


def condition_text(condition: list[Any]) -> str:
    """The text of a condition that nobody wrote as a text."""
    return json.dumps(condition, ensure_ascii=False)
