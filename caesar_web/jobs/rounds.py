"""Rounds of a workflow's actions: claimed, performed while no transaction is open, and noted.

A host that fails is left alone for a while; then one action tries it, for all that wait for it.
"""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from caesar_web.config import Config
from caesar_web.domain.gates import FAILURES_TO_SHUT, Gate
from caesar_web.jobs import queues
from caesar_web.pipeline import actions, claiming, gates
from caesar_web.pipeline.calls import Means
from caesar_web.pipeline.claiming import Claimed, Claiming
from caesar_web.pipeline.gates import Hosts, Noted
from caesar_web.store import action_statements as action_rows
from caesar_web.store import freeze_statements as freezes
from caesar_web.store import queries
from caesar_web.store.action_statements import KINDS, Kind, Outcome
from caesar_web.store.configuration import Workflow

ACTIONS_AT_ONCE = 200

Transaction = Callable[[], AbstractContextManager[Session]]
Claim = Callable[[Claiming, Session], Claimed]


@dataclass(frozen=True)
class Rounds:
    """What is needed for the actions of a workflow. It owns its transactions."""

    workflow_id: int
    config: Config
    means: Means
    transaction: Transaction
    now: Callable[[], datetime]

    def perform(self) -> None:
        """Performs all that is due, but for what may take long because its host has failed."""
        for kind in KINDS:
            while self._round(
                kind,
                lambda one, session: one.claim(session, most=ACTIONS_AT_ONCE),
                most_failures=1,
            ):
                pass

    def perform_doubtful(self) -> None:
        """Calls hosts that have just failed, and tries those whose cool-off is over."""
        is_done = False
        for kind in KINDS:
            while self._round(
                kind, lambda one, session: one.claim_doubtful(session, most=ACTIONS_AT_ONCE)
            ):
                is_done = True
            is_done |= self._round(kind, lambda one, session: one.claim_trial(session))
        if is_done:  # then what comes next for the same targets may be due
            queues.ring_actions(self.config.redis_url, self.workflow_id)

    def has_doubtful(self) -> bool:
        """Whether there may be something of that kind to do now."""
        with self.transaction() as session:
            queries.begin_reading(session)
            known = gates.known(session).values()
            now = self.now()
            return any(gate.in_a_row and gate.state(now) != "held" for gate in known)

    def _round(self, kind: Kind, claim: Claim, *, most_failures: int = FAILURES_TO_SHUT) -> bool:
        """One action of each target at most; whether any is over, so that a next may be due."""
        now, lease = self.now(), timedelta(seconds=self.config.action_lease_seconds)
        panoptes = self.means.panoptes.host
        with self.transaction() as session:
            workflow = session.get(Workflow, self.workflow_id)
            if workflow is None or workflow.status == "halted":
                return False
            project_id = workflow.project_id
            claiming_now = Claiming(kind, self.workflow_id, panoptes, now, now + lease)
            claimed = claim(claiming_now, session)
        if not claimed.claims:
            return False
        hosts = Hosts(
            claimed.gates, self._note_at_once, most_failures=most_failures, trial=claimed.trial
        )
        outcomes = actions.perform(
            self.means,
            claimed.claims,
            project_id=project_id,
            patience=actions.Patience(self.config.action_attempts, random.SystemRandom()),
            hosts=hosts,
            clock=self.now,
            begin_until=now + lease / 2,
            is_frozen=self._is_frozen,
        )
        self._record(kind, outcomes, hosts)
        return any(outcome.status != "pending" for outcome in outcomes)

    def _record(self, kind: Kind, outcomes: list[Outcome], hosts: Hosts) -> None:
        """Writes what became of a round; rings for what waited for a host that works again."""
        due: list[int] = []
        with self.transaction() as session:
            noted = [self._noted(session, host, well) for host, well in hosts.well()]
            action_rows.record(session, kind, outcomes)
            if hosts.trial and hosts.is_unclear:
                gates.end_cool_off(session, hosts.trial, now=self.now())
            if any(one.recovered_since for one in noted):
                panoptes = self.means.panoptes.host
                due = claiming.workflows_with_due(session, panoptes=panoptes, now=self.now())
        for workflow_id in due:
            queues.ring_actions(self.config.redis_url, workflow_id)

    def _note_at_once(self, host: str, outcomes: str, error: str) -> Gate:
        with self.transaction() as session:
            return self._noted(session, host, outcomes, error).gate

    def _noted(self, session: Session, host: str, outcomes: str, error: str | None = None) -> Noted:
        """Notes how calls went; what failed because of a host that works again is due at once."""
        now = self.now()
        noted = gates.note(session, host, outcomes, error=error, now=now)
        if since := noted.recovered_since:
            panoptes = self.means.panoptes.host
            claiming.release(session, host, panoptes=panoptes, since=since, now=now)
        return noted

    def _is_frozen(self) -> bool:
        with self.transaction() as session:
            queries.begin_reading(session)
            return freezes.is_workflow_frozen(session, self.workflow_id)
