"""A condition's text: whatever an edit does not touch is written again to the letter."""

import json
from json.decoder import JSONArray  # type: ignore[attr-defined]  # typeshed leaves it out
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Any


class Source:
    """The JSON of a text, whose lists remember how they were written."""

    def __init__(self, text: str) -> None:
        """Reads a text. Raises json.JSONDecodeError and RecursionError."""
        decoder = _Decoder()
        self.condition: Any = decoder.decode(text)
        self._texts = decoder.texts

    def write(self, condition: Any) -> str:
        """The text of an edited condition, with its untouched lists as they were written."""
        if not isinstance(condition, list):
            return json.dumps(condition, ensure_ascii=False)
        _, text = self._texts.get(id(condition), (None, None))
        return text or f"[{', '.join(map(self.write, condition))}]"


class _Decoder(json.JSONDecoder):
    """Keeps each list with its text; a list that is kept keeps its identity, too."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[int, tuple[list[Any], str]] = {}
        self.parse_array = self._array
        self.scan_once = py_make_scanner(self)

    def _array(self, text_and_end: tuple[str, int], scan_once: Any) -> tuple[list[Any], int]:
        text, begin = text_and_end
        values, end = JSONArray(text_and_end, scan_once)
        self.texts[id(values)] = values, text[begin - 1 : end]
        return values, end
