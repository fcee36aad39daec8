"""How exports write a value: as the cell of a table, or as JSON."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

# With these a spreadsheet takes a text for a formula, or looks behind them for one.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
AS_TEXT = "'"

NUMBER, MOMENT, TEXT, FLAG = "number", "moment", "text", "flag"

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


class Column(NamedTuple):
    """A column of an export, and of what kind its values are."""

    name: str
    kind: str


class Late(NamedTuple):
    """What a row has that no column was made for."""

    keys: tuple[str, ...]
    is_bare: bool


def header(columns: Iterable[Column], data: str, keys: Iterable[str], *, bare: bool) -> list[str]:
    """The names of all columns: `data` itself where some data are no object, then their keys."""
    names = [column.name for column in columns]
    return [*names, *([data] if bare else []), *(f"{data}.{key}" for key in keys)]


def cells(
    row: Sequence[Any], columns: Sequence[Column], data: Any, keys: Sequence[str], *, bare: bool
) -> list[str]:
    """A row of a table, whose columns are as `header` has them."""
    written = [plain(value, column) for value, column in zip(row, columns, strict=False)]
    is_object = isinstance(data, Mapping)
    if bare:
        written.append("" if is_object else cell(data))
    written += [cell(data.get(key)) for key in keys] if is_object else [""] * len(keys)
    return written


def late(data: Any, keys: frozenset[str], *, bare: bool) -> Late | None:
    """What of the data no column is there for: it came after the columns were found."""
    if isinstance(data, Mapping):
        return None if data.keys() <= keys else Late(tuple(sorted(data.keys() - keys)), False)
    return Late((), is_bare=True) if data is not None and not bare else None


def plain(value: Any, column: Column) -> str:
    """The value of a column of ours, which comes as a text or a number."""
    if value is None:
        return ""
    if column.kind == MOMENT:
        return f"{value[:10]} {value[11:19]} UTC"
    return harmless(value) if column.kind == TEXT else str(value)


def cell(value: Any) -> str:
    """A value of some data: texts and numbers as they are, anything within anything as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    return canonical(value)


def harmless(text: str) -> str:
    """The text so that a spreadsheet shows it and does not run it; numbers stay numbers."""
    if text.startswith(FORMULA_SIGNS) and _NUMBER.fullmatch(text) is None:
        return AS_TEXT + text
    return text


def line(row: Sequence[Any], columns: Sequence[Column], data: Mapping[str, Any]) -> str:
    """A row as JSON, with `data` behind its columns."""
    own = {column.name: _typed(value, column) for value, column in zip(row, columns, strict=False)}
    members = [orjson.dumps(own).decode()[1:-1]]
    members += [f'"{name}":{canonical(value)}' for name, value in data.items()]
    return f"{{{','.join(members)}}}"


def canonical(value: Any) -> str:
    """JSON that is the same whatever order a database keeps the keys of objects in."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # whole numbers beyond 64 bits
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _typed(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if column.kind == NUMBER:
        return int(value)
    if column.kind == MOMENT:
        return f"{value[:23]}Z"
    return value == "true" if column.kind == FLAG else value
