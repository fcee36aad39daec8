"""Asking elsewhere: claimed, asked for while no transaction is open, and saved; host by host.

A host that fails is left alone for a while; then one call tries it. Each has a thread of its own,
so that one that is slow holds up nobody who asks others.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from caesar_web.config import Config
from caesar_web.domain.gates import FAILURES_TO_SHUT, Gate
from caesar_web.domain.lights import FAILED, WELL
from caesar_web.domain.values import DomainError
from caesar_web.jobs import queues, tasks
from caesar_web.jobs.means import Call, Exchange, call_by
from caesar_web.pipeline import asked_extracts, asked_reductions, gates
from caesar_web.pipeline.actions import retry_after
from caesar_web.pipeline.asked_extracts import AskedExtract
from caesar_web.pipeline.asked_reductions import AskedReduction
from caesar_web.pipeline.gates import Hosts
from caesar_web.pipeline.part_lights import shine
from caesar_web.store import external_statements as statements
from caesar_web.store.external_statements import Claim, PutOff

AT_ONCE = 40
CALLS_AT_ONCE = 4  # to one host

Asked = AskedExtract | AskedReduction


def ask(means: str) -> None:
    """Asks for all that is due by these means, each host aside of the others."""
    config: Config = current_app.extensions["caesar_config"]
    queues.answer(config.redis_url, f"asking:{means}")
    with tasks.transaction() as session:
        hosts = statements.hosts_due(session, means, now=_now())
    aside = current_app.extensions.get("caesar_aside")
    for host in hosts:
        asking = Asking(means, host, config, call_by(means))
        if aside is None or not host:
            asking.carry_out()
        else:  # where it is under way already, or too many are, the sweep rings again
            aside.begin(host, asking.carry_out)


@dataclass
class _Told:
    """What came of asking for one thing: an answer for each body, or the problem with one."""

    asked: Asked
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def problem(self) -> Any:
        return self.exchanges[-1].problem if self.exchanges else None

    @property
    def answers(self) -> Mapping[str, Any]:
        values = (one.value for one in self.exchanges)
        return dict(zip(self.asked.bodies, values, strict=True))


@dataclass
class _Claimed:
    """What is ours to ask for until its lease ends, and how the host fares."""

    claims: list[Claim]
    hosts: Hosts
    begin_until: datetime
    lease_until: datetime


@dataclass(frozen=True)
class Asking:
    """What is to be asked for at one host, or where that is empty in this process."""

    means: str
    host: str
    config: Config
    call: Call

    def carry_out(self) -> None:
        """Goes on until nothing is due, or the host is left alone."""
        while self._round():
            pass

    def _round(self) -> bool:
        """Whether there may be more to do now."""
        claimed = self._claim()
        if claimed is None:
            return False
        asked, put_off, idle = self._prepared(claimed.claims)
        told = list(self._told(asked, claimed))
        reached = {one.asked.claim for one in told}
        put_off += [self._given_back(one.claim) for one in asked if one.claim not in reached]
        put_off += [self._failed(one, claimed.hosts) for one in told if one.problem]
        self._save([one for one in told if not one.problem], idle, claimed.lease_until)
        self._note(told, put_off, claimed.hosts)
        return bool(told) and not claimed.hosts.is_left_alone(self.host)

    def _claim(self) -> _Claimed | None:
        now, lease = _now(), self._lease()
        with tasks.transaction() as session:
            gate = gates.known(session, [self.host]).get(self.host, Gate()) if self.host else Gate()
            is_trial = gate.state(now) == "half-open"
            if gate.state(now) == "held":
                return None
            if is_trial and not gates.take_trial(session, self.host, now=now, until=now + lease):
                return None
            claims = statements.claim(
                session,
                self.means,
                self.host,
                now=now,
                lease_until=now + lease,
                most=1 if is_trial else AT_ONCE,
            )
            if not claims and is_trial:  # for others, who have work for it
                gates.end_cool_off(session, self.host, now=now)
        hosts = Hosts(
            {self.host: gate},
            self._note_at_once,
            most_failures=FAILURES_TO_SHUT,
            trial=self.host if is_trial else None,
        )
        return _Claimed(claims, hosts, now + lease / 2, now + lease) if claims else None

    def _lease(self) -> timedelta:
        """How long what is claimed is ours: what is made in this process may take as a job may."""
        seconds = self.config.action_lease_seconds if self.host else 2 * queues.JOB_SECONDS
        return timedelta(seconds=seconds)

    def _prepared(self, claims: Sequence[Claim]) -> tuple[list[Asked], list[PutOff], list[Claim]]:
        """What to ask; what cannot be asked; and what nobody needs to be asked any more."""
        asked: list[Asked] = []
        refused: list[PutOff] = []
        for workflow_id, own in _by_workflow(one for one in claims if one.kind == "extractor"):
            with tasks.transaction() as session:
                asked += asked_extracts.prepare(session, workflow_id, own).values()
        for claim in claims:
            if claim.kind != "reducer":
                continue
            try:
                with tasks.transaction() as session:
                    one = asked_reductions.prepare(session, claim)
            except DomainError as problem:
                refused.append(PutOff(claim, _now(), str(problem), is_over=True))
            else:
                asked += [] if one is None else [one]
        known = {one.claim for one in asked} | {one.claim for one in refused}
        return asked, refused, [one for one in claims if one not in known]

    def _told(self, asked: Sequence[Asked], claimed: _Claimed) -> Iterator[_Told]:
        """Asks, a few at a time, as long as the host answers and the lease allows."""
        at_once = CALLS_AT_ONCE if self.host else 1
        with ThreadPoolExecutor(at_once) as pool:
            each = pool.map if self.host else map  # where a job that takes too long can be stopped
            for at in range(0, len(asked), at_once):
                is_late = _now() > claimed.begin_until
                if is_late or claimed.hosts.is_left_alone(self.host):
                    return
                for told in each(self._ask, asked[at : at + at_once]):
                    for exchange in told.exchanges:
                        outcome = _of_host(exchange)
                        claimed.hosts.fared(self.host, outcome, exchange.error or "")
                    yield told

    def _ask(self, asked: Asked) -> _Told:
        told = _Told(asked)
        for body in asked.bodies.values():
            told.exchanges.append(self.call(asked.part, body))
            if told.problem:
                break
        return told

    def _save(self, told: Sequence[_Told], idle: Sequence[Claim], lease_until: datetime) -> None:
        """Saves what was answered, unless it was given to somebody else meanwhile."""
        touched: set[int] = set()
        extracts = [one for one in told if isinstance(one.asked, AskedExtract)]
        for workflow_id, claims in _by_workflow(one.asked.claim for one in extracts):
            own = [one for one in extracts if one.asked.claim in claims]
            with tasks.transaction() as session:
                self._save_extracts(session, workflow_id, own, lease_until)
            touched.add(workflow_id)
        for one in told:
            if isinstance(one.asked, AskedReduction):
                with tasks.transaction() as session:
                    if statements.held(session, [one.asked.claim], lease_until=lease_until):
                        asked_reductions.save(session, one.asked, one.answers, now=_now())
                        statements.finish(session, [one.asked.claim], now=_now())
                touched |= {one.asked.claim.workflow_id or 0} - {0}
        with tasks.transaction() as session:
            statements.finish(session, idle, now=_now())
            means = statements.means_due(session, now=_now()) if extracts else []
        for workflow_id in touched:
            queues.ring_actions(self.config.redis_url, workflow_id)
        for each in means:
            queues.ring_asking(self.config.redis_url, each)

    def _save_extracts(
        self, session: Session, workflow_id: int, told: Sequence[_Told], lease_until: datetime
    ) -> None:
        """Saves as many as a turn takes; the others are due again at once."""
        ours = statements.held(session, (one.asked.claim for one in told), lease_until=lease_until)
        answers = [
            (one.asked, one.answers[""])
            for one in told
            if isinstance(one.asked, AskedExtract) and one.asked.claim.id in ours
        ]
        if not answers:
            return
        now = _now()
        done = asked_extracts.save(session, workflow_id, answers, now=now)
        statements.finish(session, done, now=now)
        rest = {one.claim for one, _ in answers} - set(done)
        statements.put_off(session, [self._given_back(one) for one in rest], now=now)

    def _note(self, told: Sequence[_Told], put_off: Sequence[PutOff], hosts: Hosts) -> None:
        """Writes what failed, how the parts and the host fare, and the calls themselves."""
        now = _now()
        with tasks.transaction() as session:
            statements.put_off(session, put_off, now=now)
            exchanges = [
                exchange.row(one.asked.claim.kind, one.asked.claim.owner_id, now=now)
                for one in told
                for exchange in one.exchanges
            ]
            statements.keep_exchanges(session, exchanges)
            well = (one.asked.claim for one in told if not one.problem)
            shine(session, well, put_off, now=now)
            for host, outcomes in hosts.well():
                noted = gates.note(session, host, outcomes, now=now)
                if noted.recovered_since:
                    statements.make_due(session, self.means, host, now=now)
            if hosts.trial and hosts.is_unclear:
                gates.end_cool_off(session, hosts.trial, now=now)

    def _note_at_once(self, host: str, outcomes: str, error: str) -> Gate:
        with tasks.transaction() as session:
            return gates.note(session, host, outcomes, error=error, now=_now()).gate

    def _failed(self, told: _Told, hosts: Hosts) -> PutOff:
        claim, problem, now = told.asked.claim, told.problem, _now()
        if hosts.trial and problem.of_server:  # it waits on, however long the host is away
            return PutOff(claim, now, problem.message, counts=False)
        if problem.permanent or claim.attempts >= self.config.action_attempts:
            return PutOff(claim, now, problem.message, is_over=True)
        wait = retry_after(claim.attempts, random.SystemRandom())
        return PutOff(claim, now + wait, problem.message)

    def _given_back(self, claim: Claim) -> PutOff:
        return PutOff(claim, _now(), None, counts=False)


def _of_host(exchange: Exchange) -> str:
    """What a call says of its host: one that refuses a request does work."""
    problem = exchange.problem
    if problem is None:
        return WELL
    if problem.of_server:
        return FAILED
    return WELL if problem.status is not None else ""


def _by_workflow(claims: Iterable[Claim]) -> Iterator[tuple[int, list[Claim]]]:
    found: dict[int, list[Claim]] = {}
    for one in claims:
        found.setdefault(one.workflow_id or 0, []).append(one)
    yield from found.items()


def _now() -> datetime:
    return datetime.now(UTC)
