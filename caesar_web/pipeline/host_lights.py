"""The hosts that a workflow’s effects call, and how calls to them fare."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.hosts import host_of_effect
from caesar_web.domain.lights import Light, light_of, light_of_host
from caesar_web.pipeline.claiming import host_of_waiting
from caesar_web.store import action_hosts, gate_statements
from caesar_web.store.activity import Light as LightRow
from caesar_web.store.configuration import Workflow
from caesar_web.store.effects import AnyRule


@dataclass(frozen=True)
class HostShown:
    """A host, how calls to it fare, and how many actions of the workflow wait for it.

    `held_until` is None where nothing is held back; `is_held` until that moment.
    """

    name: str
    is_panoptes: bool
    light: Light
    held_until: datetime | None = None
    is_held: bool = False
    waiting: int = 0


def hosts_of(
    session: Session, workflow: Workflow, *, panoptes: str, now: datetime
) -> list[HostShown]:
    """The hosts that the effects call, and those that actions wait for all the same."""
    rules: list[AnyRule] = [*workflow.subject_rules, *workflow.user_rules]
    effects = (effect for rule in rules for effect in rule.effects)
    names = {host_of_effect(one.action, one.config, panoptes=panoptes) for one in effects} - {""}
    rows = gate_statements.lights(session)
    waiting: Counter[str] = Counter()
    if any(row.held_until for row in rows.values()):
        for one in action_hosts.pending(session, workflow.id):
            waiting[host_of_waiting(one, panoptes)] += one.number
    names |= {host for host in waiting if host in rows and rows[host].held_until}
    ordered = sorted(names, key=lambda name: (name != panoptes, name))
    return [_shown(name, rows.get(name), panoptes, waiting[name], now) for name in ordered]


def _shown(
    name: str, row: LightRow | None, panoptes: str, waiting: int, now: datetime
) -> HostShown:
    if row is None:
        return HostShown(name, name == panoptes, light_of("", has_worked=True))
    light = light_of_host(
        row.outcomes,
        is_held=row.held_until is not None,
        last_error=row.last_error,
        since=row.failing_since,
        failures=row.failures,
    )
    until = row.held_until
    is_held = until is not None and until > now
    return HostShown(name, name == panoptes, light, until, is_held, waiting if until else 0)
