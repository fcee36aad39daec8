"""Checking rules after each classification, and deciding on actions: once per effect and target."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import starmap
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Subject
from caesar_web.domain.effects import Effect
from caesar_web.domain.evaluation import trace, trace_as_json
from caesar_web.domain.rules import Rule, check
from caesar_web.domain.scope import ReductionScope
from caesar_web.pipeline.ledger import Ledger
from caesar_web.store import action_statements as actions
from caesar_web.store import withheld_statements as withheld
from caesar_web.store.action_statements import Decided, Kind

Freeze = Callable[[str], dict[str, Any] | None]  # the payload of a reducer's reduction


class Decisions:
    """What the rules of one workflow decide for subjects, or for users, during one turn.

    `checked` collects the rules that had a value, `failures` (rule id, message) of the others.
    """

    def __init__(
        self,
        workflow_id: int,
        kind: Kind,
        rules: Sequence[Rule],
        *,
        rules_applied: str,
        only_rule: int | None = None,
    ) -> None:
        """With `only_rule` all are checked, and only what that one decides counts."""
        self.checked: list[int] = []
        self.failures: list[tuple[int, str]] = []
        self._workflow_id = workflow_id
        self._kind = kind
        self._rules = rules
        self._rules_applied = rules_applied
        self._only_rule = only_rule
        self._decided: set[Decided] = set()
        self._rows: list[dict[str, Any]] = []
        self._withheld: dict[tuple[int, Decided], dict[str, Any]] = {}

    def load(self, session: Session, targets: Collection[int]) -> None:
        """Loads what has been decided before."""
        effect_ids = [effect.id for rule in self._rules for effect in rule.effects]
        if effect_ids:
            self._decided = actions.decided(session, self._kind, effect_ids, targets)

    def check(
        self,
        target: int,
        scope: ReductionScope,
        *,
        now: datetime,
        freeze: Freeze = lambda reducer_key: None,
        silent_run: int | None = None,
    ) -> None:
        """Checks the rules for one target, as its reductions stand now; `freeze` keeps one.

        In a `silent_run` what they decide is withheld.
        """
        checked = check(self._rules, scope, rules_applied=self._rules_applied)
        self.checked += [rule.id for rule in checked.evaluated]
        self.failures += [(failure.rule.id, failure.message) for failure in checked.failures]
        for rule in checked.matching:
            if self._only_rule not in (None, rule.id):
                continue
            for effect in rule.effects:
                decided = (effect.id, effect.revision, target)
                if effect.type.once and decided in self._decided:
                    continue
                row = self._row(rule, effect, target, scope, now, freeze)
                if silent_run is None:
                    self._decided.add(decided)
                    self._rows.append(row)
                elif not effect.type.once or (silent_run, decided) not in self._withheld:
                    self._withheld[silent_run, decided] = row

    def check_now(
        self,
        ledger: Ledger,
        target: int,
        subject: Subject | None,
        *,
        now: datetime,
        silent_run: int | None = None,
    ) -> None:
        """Checks the rules for a subject, or a user, as a ledger has their reductions now."""
        if not self._rules:
            return
        reductions = ledger.reductions(target)
        if subject is None:
            self.check(target, ReductionScope(reductions), now=now, silent_run=silent_run)
            return
        self.check(
            target,
            ReductionScope(reductions, subject.id, subject.metadata),
            now=now,
            freeze=partial(ledger.freeze, subject, now=now),
            silent_run=silent_run,
        )

    def write(self, session: Session) -> int:
        """Writes the decisions in their order; says how many were new."""
        if self._withheld:
            withheld.write(session, list(starmap(self._withheld_row, self._withheld.items())))
        return actions.write_actions(session, self._kind, self._rows) if self._rows else 0

    def _row(
        self,
        rule: Rule,
        effect: Effect,
        target: int,
        scope: ReductionScope,
        now: datetime,
        freeze: Freeze,
    ) -> dict[str, Any]:
        return {
            "workflow_id": self._workflow_id,
            self._kind.target: target,
            "rule_id": rule.id,
            "effect_id": effect.id,
            "effect_revision": effect.revision,
            "occurrence": 0 if effect.type.once else None,
            "effect_type": effect.action,
            "config": effect.config,
            "secrets": effect.secrets,
            "target_owner": effect.target_owner,
            "payload": None if effect.type.once else freeze(effect.config["reducer_key"]),
            "trace": trace_as_json(trace(rule.condition, scope)),
            "not_before": now,
            "created_at": now,
            "updated_at": now,
        }

    def _withheld_row(self, key: tuple[int, Decided], row: dict[str, Any]) -> dict[str, Any]:
        run_id, (_, _, target) = key
        named = {
            "run_id": run_id,
            "target_type": withheld.type_of(self._kind),
            "target_id": target,
        }
        return {name: named[name] if name in named else row[name] for name in withheld.COLUMNS}
