"""Gates: which hosts nobody calls now, and what is noted of each call.

For everything that goes over the network. Who does such work asks `shut` before, leaves out what
goes to one of those, and tries one whose cool-off is over only with `take_trial`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.gates import FAILURES_TO_SHUT, Gate, after
from caesar_web.domain.lights import FAILED, WELL
from caesar_web.store import gate_statements as rows
from caesar_web.store.activity import Light

Note = Callable[[str, str, str], Gate]  # host, outcomes, error


@dataclass(frozen=True)
class Noted:
    """The gate as it is now; where that has just opened, since when its host had failed."""

    gate: Gate
    recovered_since: datetime | None = None


def known(session: Session, hosts: Collection[str] | None = None) -> dict[str, Gate]:
    """The gates of these hosts, or of all that ever failed."""
    return {host: _gate(row) for host, row in rows.lights(session, hosts).items()}


def held(
    session: Session, hosts: Collection[str] | None = None, *, now: datetime
) -> dict[str, datetime]:
    """The hosts that nobody calls now, and until when."""
    return {
        host: gate.held_until
        for host, gate in known(session, hosts).items()
        if gate.held_until and gate.state(now) == "held"
    }


def note(
    session: Session, host: str, outcomes: str, *, error: str | None = None, now: datetime
) -> Noted:
    """Notes how calls to a host went, newest last; `error` is the last failure's.

    A host that has only ever worked is not written down: that would be every time.
    """
    if FAILED not in outcomes:
        before = known(session, [host]).get(host)
        if before is None or FAILED not in before.outcomes:
            return Noted(before or Gate())
    row = rows.locked(session, host, now=now)
    was = _gate(row)
    gate = after(was, outcomes, now=now)
    since = row.failing_since or now
    row.outcomes, row.held_until = gate.outcomes, gate.held_until
    row.failures += outcomes.count(FAILED)
    row.last_error = error or row.last_error
    row.failing_since = since if FAILED in gate.outcomes else None
    row.updated_at = now
    session.flush()
    return Noted(gate, since if was.is_shut and not gate.is_shut else None)


def take_trial(session: Session, host: str, *, now: datetime, until: datetime) -> bool:
    """Whether the caller may try a host whose cool-off is over: nobody else does so meanwhile."""
    return rows.take_trial(session, host, now=now, until=until)


def end_cool_off(session: Session, host: str, *, now: datetime) -> bool:
    """Lets a host be tried at once; False where nothing is held back."""
    return rows.end_cool_off(session, host, now=now)


class Hosts:
    """How the hosts of a round of calls fare. A failure is noted at once, so that all may know.

    `most_failures` in a row end the calls to a host. `trial` is the host that the round tries;
    `is_unclear` while no call has said how any fares.
    """

    def __init__(
        self,
        known: Mapping[str, Gate],
        note: Note,
        *,
        most_failures: int = FAILURES_TO_SHUT,
        trial: str | None = None,
    ) -> None:
        self._most_failures = most_failures
        self._gates = dict(known)
        self._note = note
        self._well: dict[str, str] = {}
        self.trial = trial
        self.is_unclear = True

    def in_a_row(self, host: str) -> int:
        """How many calls have failed lately; those that fail come last."""
        return self._gates[host].in_a_row if host in self._gates else 0

    def is_left_alone(self, host: str) -> bool:
        """Whether the host is not to be called any more, unless this round is to try it."""
        return host != self.trial and self.in_a_row(host) >= self._most_failures

    def fared(self, host: str, outcome: str, error: str = "") -> None:
        """Keeps how a call went; nothing where it said nothing of the host."""
        if not host or not outcome:
            return
        self.is_unclear = False
        if outcome == FAILED:
            before = self._well.pop(host, "")
            self._gates[host] = self._note(host, before + outcome, error)
        else:
            self._well[host] = self._well.get(host, "") + WELL
            self._gates.pop(host, None)

    def well(self) -> Iterator[tuple[str, str]]:
        """The calls that went well and are not noted yet, by host."""
        yield from self._well.items()


def _gate(row: Light) -> Gate:
    return Gate(row.outcomes, row.held_until)
