"""What an edit does not touch is written again to the letter."""

import json

import pytest
from hypothesis import given

from caesar_web.domain.condition_edits import negated, replaced
from caesar_web.domain.verbatim import Source
from tests.domain.strategies import conditions

GTE = '["gte", ["lookup","a.b",0],["const",1.0]]'
EQ = '["eq",["const","\\u00e9"],["const",1e2]]'
ODD = f'[ "and",{GTE},\n {EQ} ]'


def test_what_is_untouched_stays_as_it_was() -> None:
    source = Source(ODD)
    assert source.write(source.condition) == ODD


def test_only_what_is_touched_is_written_anew() -> None:
    source = Source(ODD)
    edited = replaced(source.condition, (1, 2), ["const", 7])
    assert source.write(edited) == f'["and", ["gte", ["lookup","a.b",0], ["const", 7]], {EQ}]'
    assert source.write(negated(source.condition, ())) == f'["not", {ODD}]'


@pytest.mark.parametrize("text", ["", "[", '["const", tru]', "nothing"])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        Source(text)


@given(conditions)
def test_any_condition_is_read_as_json_reads_it(condition: list[object]) -> None:
    text = json.dumps(condition)
    source = Source(text)
    assert json.dumps(source.condition) == text
    assert source.write(source.condition) == text
    assert json.loads(source.write(json.loads(text))) == json.loads(text)
