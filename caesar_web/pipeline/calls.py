"""The calls that carry out actions: to Panoptes, and to services elsewhere."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from caesar_web.domain.effects import target_of
from caesar_web.domain.lights import FAILED, WELL
from caesar_web.domain.secrets import SecretLost, destination
from caesar_web.external.http import ExternalError, GuardedClient
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.targets import objection
from caesar_web.store.action_statements import Claim
from caesar_web.store.sealing import Sealer, Unopenable

# Panoptes takes no list of volunteers, and services elsewhere get each reduction by itself.
ONE_BY_ONE = (
    "promote_user",
    "set_subject_set_chances",
    "external",
    "external_with_basic_auth",
)

Call = Callable[[Sequence[int]], object]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Means:
    """What actions are performed with."""

    panoptes: Panoptes
    external: GuardedClient
    sealer: Sealer


class CallFailed(Exception):
    """An action was not performed; unless that is `permanent`, trying again can help.

    `fared` is what it says of the host: that it failed, that it works, or nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = True,
        retry_after: float | None = None,
        fared: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after
        self.fared = fared


def check_target(means: Means, claim: Claim) -> None:
    """Raises CallFailed unless the effect's target still belongs to what permitted it."""
    target = target_of(claim.effect_type, claim.config)
    if target is None:
        return
    with _failures_of(claim):
        if reason := objection(means.panoptes, target, claim.target_owner):
            raise CallFailed(reason, fared=WELL)


def make(means: Means, claims: Sequence[Claim], *, project_id: int) -> None:
    """Carries out actions that are alike with one call. Raises CallFailed."""
    first = claims[0]
    call = _calls(means, first, project_id).get(first.effect_type)
    if call is None:
        raise CallFailed(f"this version does not perform {first.effect_type}")
    with _failures_of(first):
        call([claim.target_id for claim in claims])


def _calls(means: Means, claim: Claim, project_id: int) -> dict[str, Call]:
    """The call for each effect, over the ids of its targets."""
    config, panoptes = claim.config, means.panoptes
    return {
        "retire_subject": lambda ids: panoptes.retire(
            claim.workflow_id, ids, reason=config.get("reason", "other")
        ),
        "add_subject_to_set": lambda ids: panoptes.add_to_subject_set(
            config["subject_set_id"], ids
        ),
        "add_subject_to_collection": lambda ids: panoptes.add_to_collection(
            config["collection_id"], ids
        ),
        "promote_user": lambda ids: [
            panoptes.promote(id, project_id=project_id, workflow_id=config["workflow_id"])
            for id in ids
        ],
        "set_subject_set_chances": lambda ids: [
            panoptes.set_subject_set_chance(
                id,
                project_id=project_id,
                workflow_id=claim.workflow_id,
                subject_set_id=config["subject_set_id"],
                chance=config["chance"],
            )
            for id in ids
        ],
        "external": lambda _: _post(means, claim),
        "external_with_basic_auth": lambda _: _post(means, claim),
    }


def _post(means: Means, claim: Claim) -> None:
    if claim.payload is None:
        raise CallFailed(f"the subject has no reduction of {claim.config['reducer_key']}")
    to = destination(claim.config, means.sealer.open_secrets(claim.secrets))
    means.external.post(to.url, claim.payload, auth=to.credentials, secret=to.secret)


@contextmanager
def _failures_of(claim: Claim) -> Iterator[None]:
    """Raises whatever goes wrong within as CallFailed."""
    try:
        yield
    except PanoptesError as problem:
        raise CallFailed(
            problem.message,
            permanent=problem.permanent,
            retry_after=problem.retry_after,
            fared=_fared(problem),
        ) from problem
    except ExternalError as problem:
        raise CallFailed(
            problem.message, permanent=problem.permanent, fared=_fared(problem)
        ) from None
    except (SecretLost, Unopenable) as problem:  # a missing key may come back
        permanent = isinstance(problem, SecretLost)
        raise CallFailed(str(problem), permanent=permanent) from None
    except CallFailed:
        raise
    except Exception as fault:  # ours: it must not keep the other actions back
        kind = type(fault).__name__
        told = kind if claim.secrets else f"{kind}: {fault}"
        log.error("could not perform %s: %s", claim.effect_type, told, exc_info=not claim.secrets)
        raise CallFailed(told, permanent=False) from None


def _fared(problem: PanoptesError | ExternalError) -> str:
    """What a problem says of the host: one that refuses a request does work."""
    if problem.of_server:
        return FAILED
    return WELL if problem.status is not None else ""
