"""A rule while somebody writes it: what its form holds, and what became of what they did."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from caesar_web.domain.condition_commands import carry_out, command, default_arguments
from caesar_web.domain.condition_edits import ImpossibleEdit, JSONNode
from caesar_web.domain.condition_fields import Loss, applied, name_of
from caesar_web.domain.conditions import InvalidCondition, Node, parse
from caesar_web.domain.diagnostics import Diagnostic, refusal
from caesar_web.domain.effects import EFFECTS, EffectRow, read_effect_row
from caesar_web.domain.options import Option, Unreadable
from caesar_web.domain.pasted import Correction, corrected
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.domain.verbatim import Source
from caesar_web.store.effects import AnyRule

MOST_EFFECTS = 20  # that can be added here; others can have more
MOST_READ = 1000
BOTH_CHANGED = "You changed both the JSON and the fields. The JSON counts; look at the fields."
CORRECT = "correct"  # the command that takes what was probably meant
MEND_FIRST = "Nothing was changed: mend what is marked first."


@dataclass(frozen=True)
class EffectDraft:
    """An effect as it is typed; the id is that of the effect that it is already."""

    action: str
    values: Mapping[str, str] = field(default_factory=dict)
    id: int | None = None
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """What it says so far, of the options that its kind has; what cannot be read, as typed."""
        known = EFFECTS[self.action].options if self.action in EFFECTS else ()
        return {one.name: _value(one, text) for one in known if (text := self.values.get(one.name))}


@dataclass(frozen=True)
class RuleDraft:
    """A rule as its form has it; `node` is None while its JSON cannot be read.

    `problems` are by the names of fields. `focus` is the field to go on from, `said` what to
    tell. `given` is what was typed.
    """

    text: str
    effects: tuple[EffectDraft, ...] = ()
    node: Node | None = None
    condition: JSONNode = field(default_factory=list)
    problems: Mapping[str, str] = field(default_factory=dict)
    refused: Diagnostic | None = None
    meant: Correction | None = None
    losses: Sequence[Loss] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    focus: str | None = None
    said: str = ""
    note: str = ""
    also: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether it cannot be saved so."""
        return self.node is None or bool(self.problems) or any(e.problems for e in self.effects)


def _value(option: Option, text: str) -> Any:
    try:
        return option.read(text)
    except Unreadable:
        return text


def written(condition: JSONNode, effects: Iterable[Mapping[str, Any]] = ()) -> RuleDraft:
    """A rule that nobody has typed, of a recipe or to begin with."""
    drafts = (
        EffectDraft(one["action"], {name: str(value) for name, value in one.items()})
        for one in effects
    )
    return RuleDraft(
        json.dumps(condition, ensure_ascii=False), tuple(drafts), parse(condition), condition
    )


def of_rule(rule: AnyRule) -> RuleDraft:
    """A rule as it is kept."""
    drafts = (
        EffectDraft(one.action, {name: str(value) for name, value in one.config.items()}, one.id)
        for one in rule.effects
    )
    return _read(RuleDraft(rule.condition, tuple(drafts)))


def sent(given: Mapping[str, str], *, new: JSONNode) -> RuleDraft:
    """A rule as its form comes back, after what the pressed button does; `new` as in commands."""
    form = {name: text.replace("\r\n", "\n") for name, text in given.items()}
    text, base = form.get("condition", ""), form.get("base", "")
    effects, focus = _effects(form)
    draft = RuleDraft(
        text, effects, given=form, note=form.get("note", ""), also=form.get("also", ""), focus=focus
    )
    if text != base:
        return replace(_read(draft), said=BOTH_CHANGED if _is_touched(base, form) else "")
    return _edited(draft, form, new)


def _effects(form: Mapping[str, str]) -> tuple[tuple[EffectDraft, ...], str | None]:
    """The effects, with one more or less if a button says so, and the field to go on from."""
    there = takewhile(lambda at: f"effect-{at}-action" in form, range(MOST_READ))
    drafts = [_effect(form, at) for at in there]
    verb, _, argument = form.get("do", "").partition(":")
    if verb == "effect-add" and argument in EFFECTS and len(drafts) < MOST_EFFECTS:
        return (*drafts, EffectDraft(argument)), f"effect-{len(drafts)}-action"
    if verb == "effect-remove" and argument in map(str, range(len(drafts))):
        del drafts[int(argument)]
        return tuple(drafts), "effect-add"
    return tuple(drafts), None


def _effect(form: Mapping[str, str], at: int) -> EffectDraft:
    begin = f"effect-{at}-"
    values = {name.removeprefix(begin): form[name] for name in form if name.startswith(begin)}
    for name in [name for name in values if name.endswith("-other")]:
        if other := values.pop(name).strip():  # an id that is not among the choices
            values[name.removesuffix("-other")] = other
    id, action = values.pop("id", ""), values.pop("action", "")
    return EffectDraft(action, values, int(id) if id.isdecimal() and len(id) < 19 else None)


def _read(draft: RuleDraft) -> RuleDraft:
    """With the condition that its text says, or with why it says none."""
    try:
        condition = Source(draft.text).condition
    except json.JSONDecodeError as problem:
        said = f"Line {problem.lineno}, column {problem.colno}: {problem.msg}."
        problems = {"condition": f"This is not JSON. {said}"}
        return replace(draft, problems=problems, meant=corrected(draft.text))
    except (RecursionError, ValueError):
        unreadable = "This is nested too deeply, or has a number of thousands of digits."
        return replace(draft, problems={"condition": unreadable})
    try:
        return replace(draft, node=parse(condition), condition=condition)
    except InvalidCondition as problem:
        refused = refusal(condition, problem)
        place = "".join(f"[{index}]" for index in problem.path)
        return replace(
            draft,
            condition=condition,
            refused=refused,
            meant=corrected(draft.text),
            problems={"condition": f"At condition{place}: {refused.message}"},
        )


def _edited(draft: RuleDraft, form: Mapping[str, str], new: JSONNode) -> RuleDraft:
    """With what was typed into the fields, and then what the button does."""
    try:
        source = Source(draft.text)
        parse(source.condition)
    except (ValueError, RecursionError, InvalidCondition):
        return _repaired(_read(draft), form, new)
    typed = applied(source.condition, form, default_arguments(new))
    condition, focus, said = typed.condition, draft.focus, ""
    do = form.get("do", "")
    if do and not do.startswith("effect-"):
        if typed.problems:
            said = MEND_FIRST
        else:
            try:
                edited, path, said = carry_out(condition, do, new=new)
                parse(edited)
                condition, focus = edited, name_of(path, _aspect(do, path))
            except ImpossibleEdit as problem:
                said = f"Nothing was changed: {problem}."
            except InvalidCondition as problem:
                said = f"Nothing was changed: the condition {problem.message}."
    return replace(
        draft,
        text=source.write(condition),
        node=parse(condition),
        condition=condition,
        problems=typed.problems,
        losses=typed.losses,
        focus=focus,
        said=said,
    )


def _aspect(do: str, path: Sequence[int]) -> str:
    """Of a group whose last condition was removed, it is the button that adds one."""
    is_emptier = do.startswith("remove:") and do != command("remove", path)
    return "add" if is_emptier else ""


def _repaired(draft: RuleDraft, form: Mapping[str, str], new: JSONNode) -> RuleDraft:
    """A condition that cannot be read, after the fix that was offered for it, if it was pressed."""
    do, said = form.get("do", ""), "Changed."
    if do == CORRECT and draft.meant:
        condition = draft.meant.condition
    elif draft.refused and do.startswith("put:"):
        try:
            condition, _, said = carry_out(draft.condition, do, new=new)
        except (ImpossibleEdit, KeyError, TypeError, IndexError):
            return draft
    else:
        return draft
    text = json.dumps(condition, ensure_ascii=False)
    return replace(
        _read(replace(draft, text=text, refused=None, meant=None, problems={})), said=said
    )


def _is_touched(base: str, form: Mapping[str, str]) -> bool:
    """Whether the fields say something else than the JSON that they were shown with."""
    try:
        condition = Source(base).condition
        parse(condition)
    except (ValueError, RecursionError, InvalidCondition):
        return False
    read = applied(condition, form, {})
    return read.condition is not condition or bool(read.problems or read.losses)


def effect_rows(draft: RuleDraft, *, topic: str) -> list[tuple[int | None, EffectRow]]:
    """The effects as they are to be saved. Raises InvalidConfiguration at `then[0].option`."""
    problems: list[Problem] = []
    rows = []
    for at, effect in enumerate(draft.effects):
        row = read_effect_row(
            effect.action, effect.config, topic=topic, place=f"then[{at}]", problems=problems
        )
        rows.append((effect.id, row))
    if problems:
        raise InvalidConfiguration(problems)
    return rows


def anew(draft: RuleDraft) -> RuleDraft:
    """The draft as one of a new rule, whose effects are new ones too."""
    return replace(draft, effects=tuple(replace(one, id=None) for one in draft.effects))


def refused(draft: RuleDraft, problems: Iterable[Problem]) -> RuleDraft:
    """The draft with what was wrong when it was to be saved, at the fields that it is about."""
    effects, own = list(draft.effects), dict(draft.problems)
    for problem in problems:
        place, _, option = problem.place.partition(".")
        number = place.removeprefix("then[").removesuffix("]")
        if place.startswith("then[") and number.isdecimal() and int(number) < len(effects):
            effect = effects[int(number)]
            known = {**effect.problems, option or "action": problem.message}
            effects[int(number)] = replace(effect, problems=known)
        else:
            own[problem.place if problem.place == "note" else "condition"] = str(problem)
    return replace(draft, effects=tuple(effects), problems=own)
