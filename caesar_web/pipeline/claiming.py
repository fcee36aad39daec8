"""Which actions a worker performs next: none that waits for a host, but for one that tries it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.gates import Gate
from caesar_web.domain.hosts import host_of, host_of_effect
from caesar_web.pipeline import gates
from caesar_web.store import action_hosts
from caesar_web.store import action_statements as action_rows
from caesar_web.store.action_hosts import Waiting
from caesar_web.store.action_statements import KINDS, Claim, Kind
from caesar_web.store.destinations import Going


@dataclass(frozen=True)
class Claimed:
    """Actions that are ours for a while, what is known of hosts, and the host that they try."""

    claims: list[Claim]
    gates: dict[str, Gate]
    trial: str | None = None


@dataclass(frozen=True)
class Claiming:
    """Whoever claims: for actions of which workflow, from when until when."""

    kind: Kind
    workflow_id: int
    panoptes: str
    now: datetime
    lease_until: datetime

    def claim(self, session: Session, *, most: int) -> Claimed:
        """The next actions, but for those whose host failed when it was last called."""
        known = gates.known(session)
        failing = [host for host, gate in known.items() if gate.in_a_row]
        return Claimed(self._claim(session, but=self._going(session, failing), most=most), known)

    def claim_doubtful(self, session: Session, *, most: int) -> Claimed:
        """The next actions for hosts that failed when they were last called and are not shut."""
        known = gates.known(session)
        doubtful = [host for host, gate in known.items() if gate.in_a_row and not gate.is_shut]
        going = self._going(session, doubtful)
        return Claimed(self._claim(session, only=going, most=most) if going else [], known)

    def claim_trial(self, session: Session) -> Claimed:
        """One action for one host whose cool-off is over, if nobody else tries it."""
        known = gates.known(session)
        for host, gate in known.items():
            if gate.state(self.now) != "half-open" or not self._may_try(session, host):
                continue
            going = self._going(session, [host])
            if claims := self._claim(session, only=going, most=1) if going else []:
                return Claimed(claims, known, trial=host)
            gates.end_cool_off(session, host, now=self.now)  # for others, who have work for it
        return Claimed([], known)

    def _may_try(self, session: Session, host: str) -> bool:
        return gates.take_trial(session, host, now=self.now, until=self.lease_until)

    def _claim(
        self,
        session: Session,
        *,
        most: int,
        only: Going | None = None,
        but: Going | None = None,
    ) -> list[Claim]:
        return action_rows.claim(
            session,
            self.kind,
            self.workflow_id,
            now=self.now,
            lease_until=self.lease_until,
            most=most,
            only=only,
            but=but,
        )

    def _going(self, session: Session, hosts: Collection[str]) -> Going:
        return going(
            session, self.kind, hosts, panoptes=self.panoptes, workflow_id=self.workflow_id
        )


def going(
    session: Session,
    kind: Kind,
    hosts: Collection[str],
    *,
    panoptes: str,
    workflow_id: int | None = None,
) -> Going:
    """The pending actions that go to hosts, of a workflow or of all."""
    elsewhere = hosts and action_hosts.addresses(session, kind, workflow_id)
    urls = frozenset(url for url in elsewhere or () if host_of(url) in hosts)
    return Going(panoptes in hosts, urls)


def release(session: Session, host: str, *, panoptes: str, since: datetime, now: datetime) -> None:
    """Lets all be tried at once that failed because of a host that works again."""
    for kind in KINDS:
        there = going(session, kind, [host], panoptes=panoptes)
        action_hosts.make_due(session, kind, there, since=since, now=now)


def workflows_with_due(session: Session, *, panoptes: str, now: datetime) -> list[int]:
    """The workflows that have actions to perform now; what waits for a host does not count."""
    held = gates.held(session, now=now)
    due = action_hosts.due(session, now=now)
    return sorted({one.workflow_id for one in due if host_of_waiting(one, panoptes) not in held})


def host_of_waiting(one: Waiting, panoptes: str) -> str:
    """The host that such actions go to."""
    return host_of_effect(one.effect_type, {"url": one.url}, panoptes=panoptes)
