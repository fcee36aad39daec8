"""What flows through a workflow: extractors, the reducers that use them, rules, and effects."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from caesar_web.domain import lights
from caesar_web.domain.effects import EFFECTS
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.lights import Light
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.uses import named_extractors, reducers_of_all, reducers_of_rule
from caesar_web.store import health_statements as health
from caesar_web.store import part_queries, queries
from caesar_web.store.activity import Light as LightRow
from caesar_web.store.configuration import Extractor, Reducer, UserRule, Workflow
from caesar_web.store.effects import AnyEffect, AnyRule, named_rules
from caesar_web.store.health_statements import Attempts
from caesar_web.store.snapshot import revisions, snapshot
from caesar_web.web import part_page
from caesar_web.web.readings import read
from caesar_web.web.states import ACTIVE, State, resting, state_of

_Type = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Link:
    """A part that is somewhere on the page."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Part:
    """An extractor or reducer: what it is, how it fares, what it uses and what uses it."""

    anchor: str
    key: str
    type: str
    options: tuple[tuple[str, str], ...]
    light: Light
    address: str
    uses: tuple[Link, ...]
    used_by: tuple[Link, ...]
    state: State = ACTIVE


@dataclass(frozen=True)
class RulePart:
    """A rule with its effects, each with how it fares; `number` is its place among its kind."""

    anchor: str
    number: int
    reading: str
    condition: str
    light: Light
    address: str
    uses: tuple[Link, ...]
    effects: tuple[tuple[AnyEffect, Light], ...]
    state: State = ACTIVE


@dataclass(frozen=True)
class Flow:
    """All parts of a workflow in the order in which data flow through them."""

    extractors: tuple[Part, ...]
    reducers: tuple[Part, ...]
    subject_rules: tuple[RulePart, ...]
    user_rules: tuple[RulePart, ...]

    @property
    def health(self) -> Light:
        rules = (*self.subject_rules, *self.user_rules)
        parts = self._parts
        effects = [light for rule in rules for _, light in rule.effects]
        return lights.health([*(part.light for part in parts), *effects])

    @property
    def held(self) -> int:
        """How many of the parts are paused or halted."""
        return sum(part.state.is_held for part in self._parts)

    @property
    def _parts(self) -> list[Part | RulePart]:
        return [*self.extractors, *self.reducers, *self.subject_rules, *self.user_rules]


@dataclass(frozen=True)
class _Fared:
    """What is known of how the parts fare; `newest` is when something was last extracted."""

    kept: Mapping[tuple[str, str], LightRow]
    broken: Mapping[tuple[str, int], str]
    attempts: Mapping[tuple[str, int], Attempts]
    newest: datetime | None

    def light(self, kind: str, row: Extractor | Reducer | AnyRule, *, runs: bool = True) -> Light:
        """The light of a part; one that never failed has worked if it was there in time."""
        if (kind, row.id) in self.broken:
            return lights.unusable(self.broken[kind, row.id])
        has_worked = runs and self.newest is not None and self.newest > row.created_at
        light = part_page.kept_light(self.kept.get((kind, str(row.id))), has_worked=has_worked)
        return resting(light, state_of(row))

    def of_effect(self, target: str, effect: AnyEffect) -> Light:
        if effect.action not in EFFECTS:
            return lights.unusable("no such effect")
        found = self.attempts.get((target, effect.id), Attempts())
        return lights.light_of(found.outcomes, last_error=found.last_error, since=found.since)


@dataclass(frozen=True)
class _Uses:
    """Who uses whom: the extractors of each reducer, and the reducers of each rule."""

    extractors: Mapping[str, frozenset[str]]
    reducers: Mapping[AnyRule, frozenset[str]]

    def reducers_with(self, extractor: Extractor) -> list[str]:
        return [key for key, used in self.extractors.items() if extractor.key in used]

    def rules_with(self, reducer: Reducer) -> list[AnyRule]:
        return [rule for rule, used in self.reducers.items() if reducer.key in used]


def flow(session: Session, workflow: Workflow) -> Flow:
    """The flow of a workflow as it is now, in a fixed number of statements."""
    at = revisions(session, workflow.id)
    broken = snapshot(session, at).broken if at else ()
    fared = _Fared(
        health.lights(session, workflow.id),
        {(one.kind, one.id): one.message for one in broken},
        health.attempts(session, workflow.id),
        health.pulses(session, [workflow.id])[workflow.id].last_extract,
    )
    reducers = queries.reducers(session, "Workflow", workflow.id)
    uses = _uses(workflow, reducers)
    return Flow(
        tuple(_extractor(one, uses, fared) for one in workflow.extractors),
        tuple(_reducer(one, workflow, uses, fared) for one in reducers),
        tuple(_rules(workflow.subject_rules, workflow, uses, fared)),
        tuple(_rules(workflow.user_rules, workflow, uses, fared)),
    )


def _uses(workflow: Workflow, reducers: Sequence[Reducer]) -> _Uses:
    present = frozenset(extractor.key for extractor in workflow.extractors)
    known = part_queries.known_reducers(reducers)
    of_all = set(reducers_of_all(known))
    used = {key: named_extractors(reducer) for key, reducer in known.items()}
    rules: list[AnyRule] = [*workflow.subject_rules, *workflow.user_rules]
    return _Uses(
        {key: named | present if key in of_all else named for key, named in used.items()},
        {rule: _reducers_of(rule, known) for rule in rules},
    )


def _reducers_of(rule: AnyRule, known: Iterable[str]) -> frozenset[str]:
    return reducers_of_rule(rule.condition, (one.config for one in rule.effects), known)


def _extractor(row: Extractor, uses: _Uses, fared: _Fared) -> Part:
    where: dict[str, Any] = {"workflow_id": row.workflow_id, "part_id": row.id}
    return Part(
        f"extractor-{row.key}",
        row.key,
        *_type(EXTRACTORS, row.type, row.config),
        fared.light("extractor", row),
        url_for("extractors.edit", **where),
        (),
        tuple(Link(key, f"reducer-{key}") for key in uses.reducers_with(row)),
        state_of(row),
    )


def _reducer(row: Reducer, workflow: Workflow, uses: _Uses, fared: _Fared) -> Part:
    keys = {extractor.key for extractor in workflow.extractors}
    names = dict(named_rules(workflow))
    return Part(
        f"reducer-{row.key}",
        row.key,
        *_type(REDUCERS, row.type, row.config),
        fared.light("reducer", row),
        url_for("reducers.edit", workflow_id=workflow.id, part_id=row.id),
        tuple(_links("extractor", uses.extractors[row.key], keys)),
        tuple(Link(names[rule], _anchor(rule)) for rule in uses.rules_with(row)),
        state_of(row),
    )


def _rules(
    rules: Sequence[AnyRule], workflow: Workflow, uses: _Uses, fared: _Fared
) -> Iterator[RulePart]:
    is_applied = workflow.rules_applied != "no_rules"
    for number, rule in enumerate(rules, start=1):
        kind, target = _kind(rule)
        where: dict[str, Any] = {"workflow_id": workflow.id, "kind": f"{kind}s", "rule_id": rule.id}
        yield RulePart(
            _anchor(rule),
            number,
            read(rule),
            rule.condition,
            fared.light(kind, rule, runs=is_applied),
            url_for("rules.edit", **where),
            tuple(_links("reducer", uses.reducers[rule], uses.extractors)),
            tuple((effect, fared.of_effect(target, effect)) for effect in rule.effects),
            state_of(rule),
        )


def _links(kind: str, keys: Iterable[str], known: Container[str]) -> Iterator[Link]:
    """Those that are there lead to them; the others have no anchor."""
    for key in sorted(keys):
        yield Link(key, f"{kind}-{key}" if key in known else "")


def _kind(rule: AnyRule) -> tuple[str, str]:
    """The kind of its light, and the target of its actions."""
    is_of_users = isinstance(rule, UserRule)
    return ("user_rule", "user_id") if is_of_users else ("subject_rule", "subject_id")


def _anchor(rule: AnyRule) -> str:
    return f"{_kind(rule)[0].replace('_', '-')}-{rule.id}"


def _type(known: Mapping[str, Any], name: str, config: Mapping[str, Any]) -> _Type:
    """What a type is called, and its options in words."""
    if name not in known:
        return name, ()
    return known[name].title, tuple(part_page.in_words(known[name].options, config))
