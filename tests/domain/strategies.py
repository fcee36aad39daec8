"""What Hypothesis draws from: JSON, conditions with data for them, classifications, filters."""

from typing import Any

from hypothesis import strategies as st

from caesar_web.domain.filters import Filters
from caesar_web.domain.scope import ReductionScope

_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")

texts = st.text(_CHARACTERS, max_size=8)
numbers = st.one_of(
    st.integers(-10, 10),
    st.integers(-(2**70), 2**70),
    st.sampled_from([1.0, -0.0, 0.1, 2.5, 1e22, 1e308, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
)
# Texts that casts and orderings read as numbers, wholly, in part, or not quite.
number_texts = st.sampled_from(
    ["", " ", "0", "5", "-3", "2.50", "1e5", "1e999", "0.87abc", "12 lions", ".", "-", "9" * 400]
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, number_texts)


def json_values(*, max_leaves: int = 8) -> st.SearchStrategy[Any]:
    """Any JSON that a database can hold."""
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=max_leaves,
    )


_REDUCERS = st.sampled_from(["r", "s", "subject", "r.x", "r[g]"])
_SUBGROUPS = st.sampled_from(["_default", "g", "", "g]", "a.b", "7"])
_FIELDS = st.sampled_from(["x", "y", "0", "x.y", "value", "key", "mag", ""])

lookup_keys = st.one_of(
    st.sampled_from(["key", "value", "r", "r.x", "r[g].x", "r[g]", "r.x.y", "subject.mag"]),
    st.sampled_from(["subject.zooniverse_subject_id", "subject", "r[", "r[]", "r[a.b].x.y", "."]),
    texts.filter(bool),
)


def _operators(operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(operands, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(operands, max_size=3)),
        st.tuples(st.sampled_from(["lt", "lte", "gt", "gte", "eq", *"+-*/%"]), some),
        st.tuples(
            st.sampled_from(["not", "upcase", "downcase", "int", "to_i", "float", "to_f"]),
            st.lists(operands, min_size=1, max_size=1),
        ),
        st.tuples(st.sampled_from(["any", "all"]), st.tuples(lookup_keys, operands)),
    ).map(lambda drawn: [drawn[0], *drawn[1]])


_LEAVES = st.one_of(
    st.tuples(st.just("const"), json_values(max_leaves=4)),
    st.tuples(st.just("lookup"), lookup_keys, json_values(max_leaves=3)),
).map(list)

conditions = st.recursive(_LEAVES, _operators, max_leaves=12)

_data = st.one_of(
    json_values(max_leaves=3),
    st.dictionaries(_FIELDS, st.one_of(scalars, json_values(max_leaves=4)), max_size=4),
)

scopes = st.builds(
    ReductionScope,
    st.dictionaries(_REDUCERS, st.dictionaries(_SUBGROUPS, _data, max_size=3), max_size=4),
    st.none() | st.integers(1, 9),
    st.none() | st.dictionaries(_FIELDS | texts, scalars, max_size=4),
)

# Small on purpose: ties in time, repeats of a volunteer and repeated data are what goes wrong.
times = st.integers(0, 3)
volunteers = st.sampled_from([None, 7, 8])
subjects = st.sampled_from([1, 2])
extract_data = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={"g": st.sampled_from([None, "red", 5]), "x": st.integers(0, 2)},
    ),
)
filled_data = st.fixed_dictionaries({"x": st.integers(0, 2)})


@st.composite
def deliveries(
    draw: st.DrawFn, *, data: st.SearchStrategy[Any] = extract_data
) -> list[dict[str, Any]]:
    """Classifications as they arrive: some come again, with other extracts or with none left."""
    ids = draw(st.lists(st.integers(1, 6), min_size=1, max_size=8))
    fixed = {
        id_: {"id": id_, "at": draw(times), "user": draw(volunteers), "subject": draw(subjects)}
        for id_ in sorted(set(ids))
    }
    extracts = st.dictionaries(st.sampled_from(["a", "b", "c"]), data, max_size=3)
    return [fixed[id_] | {"extracts": draw(extracts)} for id_ in ids]


@st.composite
def growing_deliveries(
    draw: st.DrawFn, *, data: st.SearchStrategy[Any] = extract_data
) -> list[dict[str, Any]]:
    """The same, where what was extracted once stays: each time a classification has more."""
    known: dict[int, dict[str, Any]] = {}
    grown = []
    for one in draw(deliveries(data=data)):
        known[one["id"]] = known.get(one["id"], {}) | one["extracts"]
        grown.append(one | {"extracts": dict(sorted(known[one["id"]].items()))})
    return grown


filters = st.builds(
    Filters,
    start=st.integers(-3, 3),
    end=st.integers(-3, 3),
    extractor_keys=st.sampled_from([(), ("a",), ("a", "c")]),
    empty_extracts=st.sampled_from(["keep_all", "ignore_empty"]),
    repeated_classifications=st.sampled_from(["keep_first", "keep_last", "keep_all"]),
    training_behavior=st.sampled_from(["ignore_training", "training_only", "experiment_only"]),
)
appending_filters = st.builds(
    Filters,
    start=st.integers(0, 3),
    end=st.integers(-1, 3),
    extractor_keys=st.sampled_from([(), ("a",), ("a", "c")]),
    empty_extracts=st.sampled_from(["keep_all", "ignore_empty"]),
    repeated_classifications=st.sampled_from(["keep_first", "keep_all"]),
    training_behavior=st.sampled_from(["ignore_training", "training_only", "experiment_only"]),
)
