"""Somebody who writes a condition with the fields and buttons of its form alone."""

from typing import Any

from caesar_web.domain.condition_commands import command
from caesar_web.domain.condition_edits import node_at
from caesar_web.domain.condition_fields import WHEN_MISSING, fields, name_of, operands, typed
from caesar_web.domain.conditions import SHAPES
from caesar_web.web import rule_draft
from caesar_web.web.rule_draft import RuleDraft

NEW = ["gte", ["lookup", "counts.0", 0], ["const", 1]]
ADDED = {"and": "condition", "or": "condition"}

Path = tuple[int, ...]


class Author:
    """Fills the form in, never its JSON; every step is one request."""

    def __init__(self) -> None:
        self.draft: RuleDraft = rule_draft.written(NEW)

    def send(self, do: str = "", **given: str) -> None:
        text = self.draft.text
        form = {**fields(self.draft.condition), **given, "base": text, "condition": text, "do": do}
        self.draft = rule_draft.sent(form, new=NEW)
        assert not self.draft.is_wrong, self.draft.problems

    def type(self, name: str, text: str) -> None:
        self.send(**{name: text})

    def write(self, wanted: list[Any], path: Path = ()) -> None:
        """Makes the node there the wanted one."""
        self._give_kind(wanted[0], path)
        if SHAPES[wanted[0]].arguments and wanted[0] != "const":
            self.type(name_of(path, "key"), wanted[1])
        if wanted[0] == "const":
            self._give_value(name_of(path, "value"), wanted[1])
        if wanted[0] == "lookup":
            self._give_value(name_of(path, WHEN_MISSING), wanted[2])
        self._give_room(wanted, path)
        for at, operand in operands(wanted):
            self.write(operand, (*path, at))

    def _node(self, path: Path) -> list[Any]:
        return node_at(self.draft.condition, path)

    def _give_kind(self, kind: str, path: Path) -> None:
        if self._node(path)[0] == kind:
            return
        self.type(name_of(path, "kind"), kind)
        if self.draft.losses:  # the page says what goes, and has a button for it
            self.send(do=command("change", path, kind))
        assert self._node(path)[0] == kind

    def _give_value(self, name: str, value: Any) -> None:
        self.type(f"{name}-type", typed(value).type)
        self.type(name, typed(value).text)

    def _give_room(self, wanted: list[Any], path: Path) -> None:
        """As many operands as are wanted."""
        number = len(operands(wanted))
        while len(operands(self._node(path))) < number:
            self.send(do=command("add", path, ADDED.get(wanted[0], "value")))
        while len(operands(self._node(path))) > number:
            last, _ = operands(self._node(path))[-1]
            self.send(do=command("remove", (*path, last)))
