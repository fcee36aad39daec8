"""Watching workflows: what is seen of each, whatever somebody should look at then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.alarms import Alarm, Seen, SeenLight, SeenRule, alarms
from caesar_web.domain.lights import FAILED, Light, light_of
from caesar_web.domain.tasks import Task
from caesar_web.pipeline.host_lights import hosts_of
from caesar_web.store import alarm_statements as statements
from caesar_web.store import gate_statements as gates
from caesar_web.store import health_statements as health
from caesar_web.store import queries
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS, Kind
from caesar_web.store.configuration import SubjectRule, Workflow
from caesar_web.store.effects import AnyRule, named_rules


@dataclass(frozen=True)
class AtPanoptes:
    """What Panoptes says of a workflow; `tasks` is None where it says nothing."""

    tasks: Sequence[Task] | None = None
    takes_part: bool = True


def watch(
    session: Session,
    workflow_id: int,
    at_panoptes: AtPanoptes,
    *,
    panoptes_host: str,
    waits: bool,
    now: datetime,
) -> list[Alarm]:
    """Raises what is wrong with a workflow now, clears what is not any more; gives what is."""
    workflow = session.get(Workflow, workflow_id)
    if workflow is None:
        return []
    rules = list(_numbered(workflow))
    seen = Seen(
        extracts=statements.newest_extracts(session, workflow_id),
        extractors={
            one.key: (one.type, one.config) for one in workflow.extractors if one.status == "active"
        },
        rules=[] if workflow.rules_applied == "no_rules" else list(_in_use(session, rules)),
        lights=[
            *_parts(session, workflow, rules),
            *_hosts(session, workflow, panoptes_host, now),
        ],
        tasks=at_panoptes.tasks,
        takes_part=at_panoptes.takes_part,
        waits=waits,
    )
    found = alarms(seen, now=now)
    statements.write(session, workflow_id, found, now=now)
    return found


def _numbered(workflow: Workflow) -> Iterator[tuple[AnyRule, Kind, str, str]]:
    """Each rule with its actions, the kind of its light, and what pages call it."""
    for rule, name in named_rules(workflow):
        if isinstance(rule, SubjectRule):
            yield rule, SUBJECT_ACTIONS, "subject_rule", name.capitalize()
        else:
            yield rule, USER_ACTIONS, "user_rule", name.capitalize()


def _in_use(
    session: Session, rules: Sequence[tuple[AnyRule, Kind, str, str]]
) -> Iterator[SeenRule]:
    for rule, actions, kind, place in rules:
        if rule.effects and rule.status == "active":
            changed_at = max(each.updated_at for each in (rule, *rule.effects))
            fired = statements.has_fired(session, actions, [one.id for one in rule.effects])
            yield SeenRule(f"{kind}:{rule.id}", place, changed_at, fired)


def _parts(
    session: Session, workflow: Workflow, rules: Sequence[tuple[AnyRule, Kind, str, str]]
) -> Iterator[SeenLight]:
    """The lights of extractors, reducers, rules and effects that failed lately."""
    lights = health.lights(session, workflow.id)
    named = [("extractor", one.id, f"Extractor {one.key}") for one in workflow.extractors]
    named += [
        ("reducer", one.id, f"Reducer {one.key}")
        for one in queries.reducers(session, "Workflow", workflow.id)
    ]
    named += [(kind, rule.id, place) for rule, _, kind, place in rules]
    for kind, id, what in named:
        if row := lights.get((kind, str(id))):
            light = light_of(row.outcomes, last_error=row.last_error, since=row.failing_since)
            yield _seen(f"{kind}:{id}", what, light, row.outcomes)
    attempts = health.attempts(session, workflow.id)
    for rule, actions, kind, place in rules:
        for effect in rule.effects:
            if tried := attempts.get((actions.target, effect.id)):
                what = f"{place}’s effect “{effect.action.replace('_', ' ')}”"
                light = light_of(tried.outcomes, last_error=tried.last_error, since=tried.since)
                yield _seen(f"{kind}_effect:{effect.id}", what, light, tried.outcomes)


def _hosts(
    session: Session, workflow: Workflow, panoptes_host: str, now: datetime
) -> Iterator[SeenLight]:
    rows = gates.lights(session)
    for host in hosts_of(session, workflow, panoptes=panoptes_host, now=now):
        if host.held_until is not None:
            what = f"{host.name}, which effects call,"
            yield _seen(f"host:{host.name}", what, host.light, rows[host.name].outcomes)


def _seen(name: str, what: str, light: Light, outcomes: str) -> SeenLight:
    return SeenLight(name, what, light, len(outcomes) - len(outcomes.rstrip(FAILED)))
