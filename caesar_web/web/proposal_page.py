"""What the page of proposals shows: the tasks, what fits them, and what ticking it comes to."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

from flask import url_for
from werkzeug.datastructures import MultiDict

from caesar_web.domain.conditions import parse
from caesar_web.domain.documents import read_document
from caesar_web.domain.dry_run import DryRun, Sample, dry_run
from caesar_web.domain.effects import Effect
from caesar_web.domain.merging import Merged, merged
from caesar_web.domain.offers import Offer
from caesar_web.domain.proposals import Proposal, accepted
from caesar_web.domain.reading import read_rule
from caesar_web.domain.renaming import Members
from caesar_web.domain.rule_order import RuleDiagnostic, unused_rules
from caesar_web.domain.rules import Rule
from caesar_web.domain.tasks import Answer, Task
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.domain.whys import Why, explained

MOST_ANSWERS = 12  # of a task; a survey may have hundreds
KINDS = {
    "single": "one answer of these",
    "multiple": "any answers of these",
    "survey": "a survey",
    "drawing": "a drawing",
    "text": "a text",
    "combo": "several tasks on one page",
    "slider": "a number on a slider",
    "dropdown": "a choice from a list",
    "transcription": "a transcription",
}
MEMBERS = {"extractors_config": "extractor", "reducers_config": "reducer"}

Form = MultiDict[str, str]


class TaskWords(NamedTuple):
    """A task as its volunteers know it."""

    key: str
    question: str
    kind: str
    answers: Sequence[str]
    more: int


@dataclass(frozen=True)
class Chosen:
    """What is ticked of a proposal, with what is typed beside it, and what is wrong there."""

    proposal: Proposal
    names: Collection[str]
    typed: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, list[str]] = field(default_factory=dict)


class Number(NamedTuple):
    """A number of a recipe, which can be another one."""

    name: str
    label: str
    value: str
    problems: Sequence[str]


class AnswerChoice(NamedTuple):
    """The answer that a recipe is about, among those of its task."""

    name: str
    value: str
    answers: Sequence[Answer]
    problems: Sequence[str]


class OfferRow(NamedTuple):
    """An offer with its box: `reading` is its rule, `brings` what comes along with it."""

    name: str
    why: str
    is_there: bool
    is_ticked: bool
    numbers: Sequence[Number]
    answer: AnswerChoice | None
    reading: str
    brings: str
    first_look: str


class Group(NamedTuple):
    title: str
    about: str
    rows: Sequence[OfferRow]


class Tried(NamedTuple):
    """What a new rule would do with subjects that are there, and why with one of them."""

    reading: str
    run: DryRun
    example_id: int | None
    why: Why | None


def tasks_in_words(tasks: Iterable[Task]) -> list[TaskWords]:
    return [
        TaskWords(
            task.key,
            task.question,
            KINDS.get(task.kind, task.type),
            [
                *(answer.label for answer in task.answers[:MOST_ANSWERS]),
                *(f"{tool.label} ({tool.shape})" for tool in task.tools[:MOST_ANSWERS]),
            ],
            max(len(task.answers), len(task.tools)) - MOST_ANSWERS,
        )
        for task in tasks
    ]


def chosen(proposal: Proposal, current: Members, form: Form | None) -> Chosen:
    """What a form ticks; without one, what is best. Whoever has rules is not given one more."""
    if form is None:
        offers = [offer for offer in proposal.offers if offer.is_ticked]
        if current["rules_config"]:
            offers = [offer for offer in offers if offer not in proposal.recipes]
        return Chosen(proposal, {one.name for one in offers if not _is_there(one, current)})
    known = {offer.name for offer in proposal.offers}
    typed = {name: text.strip() for name, text in form.items() if name.rpartition(":")[0] in known}
    problems: dict[str, list[str]] = {}
    recipes = tuple(_as_typed(offer, typed, problems) for offer in proposal.recipes)
    return Chosen(
        replace(proposal, recipes=recipes), known & {*form.getlist("offer")}, typed, problems
    )


def plan(current: Members, choice: Chosen) -> Merged:
    """What the configuration would be. Raises InvalidConfiguration where there is an odd one."""
    return merged(current, accepted(choice.proposal, choice.names))


def groups(choice: Chosen, current: Members, *, workflow_id: int) -> list[Group]:
    """All offers with their boxes."""

    def rows(offers: Iterable[Offer]) -> list[OfferRow]:
        return [_row(offer, choice, current, workflow_id) for offer in offers]

    proposal = choice.proposal
    return [
        Group(
            "When to act",
            "Rules. What a rule needs to look at comes along with it.",
            rows(proposal.recipes),
        ),
        Group(
            "How to combine the answers",
            "Reducers. They sum up what everybody says of a subject.",
            rows(proposal.reducers),
        ),
        Group(
            "What to read from each classification",
            "Extractors. They turn answers into data.",
            rows(proposal.extractors),
        ),
    ]


def warnings(current: Members, outcome: Merged) -> list[str]:
    """What surprises in what would be saved."""
    found = []
    if outcome.widened:
        wide = _listed("reducer", outcome.widened)
        found.append(f"Looks at all extractors, and so at the new ones from now on: {wide}.")
    comes_last = "rules_config" in outcome.added and bool(current["rules_config"])
    if current["rules_applied"] == "no_rules":
        found.append("The settings of this workflow say that no rules are applied.")
    elif current["rules_applied"] == "first_matching_rule" and comes_last:
        found.append("Only the first rule that matches acts, and a new one comes last.")
    known = _unused(current)
    found += [one.message for one in _unused(outcome.document) if one not in known]
    return found


def digest(texts: Sequence[str]) -> str:
    """By which a form says which warnings its sender has seen."""
    return sha256("\n".join(texts).encode()).hexdigest()[:16] if texts else ""


def added_in_words(added: Members) -> str:
    """What would be added, in a few words."""
    parts = [_listed(noun, added[name]) for name, noun in MEMBERS.items() if name in added]
    rules = len(added.get("rules_config", ()))
    return ", ".join([*parts, *([f"{rules} rule{'s' * (rules > 1)}"] if rules else [])])


def readings(members: Members) -> list[str]:
    """The rules for subjects as they read."""
    rules = read_document(members).subject_rules or ()
    return [read_rule(parse(rule.condition), rule.effects) for rule in rules]


def tried(added: Members, sample: Sequence[Sample]) -> Iterator[Tried]:
    """What each new rule would do with a sample of subjects."""
    scopes = dict(sample)
    for rule, reading in zip(added.get("rules_config", ()), readings(added), strict=True):
        node = parse(rule["if"])
        run = dry_run(node, sample)
        matching = [one.target_id for one in run.outcomes if one.verdict == "matches"]
        example_id = next(iter([*matching, *scopes]), None)
        why = None if example_id is None else explained(node, scopes[example_id])
        yield Tried(reading, run, example_id, why)


def _as_typed(offer: Offer, typed: Mapping[str, str], problems: dict[str, list[str]]) -> Offer:
    names = [*(one.name for one in offer.numbers), *(["answer"] if offer.answers else [])]
    given = {name: typed.get(f"{offer.name}:{name}") for name in names}
    try:
        return offer.with_values({name: text for name, text in given.items() if text})
    except InvalidConfiguration as refusal:
        for problem in refusal.problems:
            said = problems.setdefault(f"{offer.name}:{problem.place}", [])
            said.append(f"This {problem.message}.")
        return offer


def _row(offer: Offer, choice: Chosen, current: Members, workflow_id: int) -> OfferRow:
    added = merged(current, offer.document).added
    rules = added.get("rules_config") or offer.document.get("rules_config") or []
    return OfferRow(
        offer.name,
        offer.why,
        not added,
        offer.name in choice.names and bool(added),
        [_number(offer, one.name, one.label, choice) for one in offer.numbers],
        _answer(offer, choice),
        " ".join(readings({"rules_config": rules})),
        _brought(offer, added),
        _first_look(offer, workflow_id) if rules and added else "",
    )


def _number(offer: Offer, name: str, label: str, choice: Chosen) -> Number:
    field_name = f"{offer.name}:{name}"
    value = choice.typed.get(field_name) or str(offer.values[name])
    return Number(field_name, label, value, choice.problems.get(field_name, ()))


def _answer(offer: Offer, choice: Chosen) -> AnswerChoice | None:
    if not offer.answers:
        return None
    name = f"{offer.name}:answer"
    value = choice.typed.get(name) or offer.values["answer"]
    return AnswerChoice(name, value, offer.answers, choice.problems.get(name, ()))


def _brought(offer: Offer, added: Members) -> str:
    """What comes along that is not there yet."""
    kind = offer.name.partition(":")[0]
    along = {"reducer": ("extractors_config",), "recipe": tuple(MEMBERS)}.get(kind, ())
    return " and ".join(_listed(MEMBERS[name], added[name]) for name in along if name in added)


def _first_look(offer: Offer, workflow_id: int) -> str:
    """The address of the rule in its editor, where nothing is saved yet."""
    return url_for(
        "rules.new",
        workflow_id=workflow_id,
        kind="subject_rules",
        recipe=offer.key,
        **offer.values,
    )


def _is_there(offer: Offer, current: Members) -> bool:
    return not merged(current, offer.document).added


def _listed(noun: str, keys: Collection[str]) -> str:
    return f"{noun}{'s' * (len(keys) > 1)} {', '.join(keys)}"


def _unused(document: Members) -> list[RuleDiagnostic]:
    rules = []
    for at, row in enumerate(read_document(document).subject_rules or ()):
        effects = (Effect(at, 1, one.action, one.config) for one in row.effects)
        rules.append(Rule(at, parse(row.condition), tuple(effects)))
    return unused_rules(rules, document["rules_applied"])
