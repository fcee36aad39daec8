"""Proposals: the extractors, reducers and rules that fit a workflow's tasks, to tick and accept."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from caesar_web.domain.merging import joined
from caesar_web.domain.offers import (
    Offer,
    extractor_offers,
    offers_of_any_task,
    recipe_offers,
    reducer_offers,
)
from caesar_web.domain.offers_of_marks import ending_keys
from caesar_web.domain.tasks import Task
from caesar_web.domain.unreadable_tasks import NotProposed, not_proposed

_LONGEST_KEY = 60
_KEPT_KEYS = ("subject", "who")


@dataclass(frozen=True)
class Proposal:
    """What fits a workflow's tasks; the best recipe comes first, and is ticked."""

    extractors: tuple[Offer, ...]
    reducers: tuple[Offer, ...]
    recipes: tuple[Offer, ...]
    not_proposed: tuple[NotProposed, ...]

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (*self.extractors, *self.reducers, *self.recipes)


def propose(tasks: Sequence[Task]) -> Proposal:
    """What fits these tasks; the same tasks always give the same."""
    keyed = [*zip(tasks, _keys(tasks), strict=True)]
    extractor, reducer, recipe = offers_of_any_task()
    recipes = [
        (task.is_conditional, offer) for task, key in keyed for offer in recipe_offers(task, key)
    ]
    recipes.append((False, recipe))
    recipes.sort(key=lambda row: (row[0], row[1].rank))
    (_, best), *others = recipes
    return Proposal(
        (*(offer for task, key in keyed for offer in extractor_offers(task, key)), extractor),
        (*(offer for task, key in keyed for offer in reducer_offers(task, key)), reducer),
        (replace(best, is_ticked=True), *(offer for _, offer in others)),
        tuple(reason for task in tasks for reason in not_proposed(task)),
    )


def accepted(proposal: Proposal, names: Collection[str]) -> dict[str, Any]:
    """The members of a document that the offers of these names make together.

    What several of them need has the same key in each, and other things have other keys.
    """
    document: dict[str, Any] = {}
    for offer in proposal.offers:
        if offer.name in names:
            for name, member in offer.document.items():
                document[name] = joined(document.get(name), member)
    return document


def _keys(tasks: Sequence[Task]) -> list[str]:
    """For each task a key that a configuration can have, as near to the task's own as can be."""
    taken = set(_KEPT_KEYS)
    keys = []
    for task in tasks:
        plain = re.sub(r"\W+", "_", task.key)[:_LONGEST_KEY]
        numbered = (f"{plain}_{number}" for number in count(2))
        key = plain
        while _made_of(key) & taken:
            key = next(numbered)
        taken |= _made_of(key)
        keys.append(key)
    return keys


def _made_of(key: str) -> set[str]:
    """The keys of all extractors that could be offered for a task."""
    return {f"{key}{ending}" for ending in ("", "_blank", *ending_keys())}
