"""What Hypothesis draws tasks from: those of Panoptes, odd ones, and what is no task at all."""

from typing import Any

from hypothesis import strategies as st

from tests.domain.strategies import json_values

_KEYS = st.sampled_from(["T0", "T1", "T10", "init", "T.0", "T_0", "T 0", "who", "subject", "é"])
_odd_keys = st.sampled_from(["", " ", "\0", "\ud800", "T0_blank", "[", "'\"\\", "k" * 300, "²"])
_labels = st.sampled_from(["Yes", "Blank", "Nothing here", "Human", "T0.question", "<b>\ud800", ""])
_odd = st.one_of(json_values(max_leaves=4), _labels)
_types = st.sampled_from(
    ["single", "multiple", "survey", "drawing", "text", "combo", "slider", "dropdown", "crop"]
)


def _maybe(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(right, right, right, _odd)


_answers = st.lists(
    _maybe(st.fixed_dictionaries({}, optional={"label": _maybe(_labels), "next": _maybe(_KEYS)})),
    max_size=4,
)
_choices = st.dictionaries(
    _KEYS | _odd_keys | st.just("NOTHINGHERE"),
    _maybe(st.fixed_dictionaries({"label": _maybe(_labels)})),
    max_size=4,
)
_tasks = st.fixed_dictionaries(
    {"type": _maybe(_types)},
    optional={
        "question": _maybe(_labels),
        "instruction": _maybe(_labels),
        "answers": _maybe(_answers),
        "choices": _maybe(_choices),
        "choicesOrder": _maybe(st.lists(_KEYS, max_size=3)),
        "questions": _maybe(_choices),
        "tools": _maybe(_answers),
        "tasks": _maybe(st.lists(_KEYS, max_size=3)),
        "next": _maybe(_KEYS),
    },
)

tasks_documents = st.one_of(
    st.dictionaries(_KEYS | _odd_keys, _maybe(_tasks), max_size=6),
    st.dictionaries(_KEYS, _tasks, max_size=6),
    json_values(),
)
