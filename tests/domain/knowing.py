"""What a golden case of diagnostics knows: sampled subjects, and reducers as configured."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import repeat
from typing import Any

from caesar_web.domain.filters import Filters
from caesar_web.domain.grouping import Grouping
from caesar_web.domain.known import Known, KnownReducer, observe
from caesar_web.domain.scope import ReductionScope
from tests.domain.making import make_scope


def make_known(case: Mapping[str, Any]) -> Known:
    """From `{"samples": [[how many, scope]], "reducers", "is_for_users"}`, any of them."""
    samples: list[ReductionScope] = []
    for count, scope in case.get("samples", []):
        samples.extend(repeat(make_scope(scope), count))
    reducers = {key: _reducer(one) for key, one in case.get("reducers", {}).items()}
    return replace(
        observe(samples),
        reducers=reducers if "reducers" in case else None,
        is_for_users=case.get("is_for_users", False),
    )


def _reducer(config: Mapping[str, Any]) -> KnownReducer:
    return KnownReducer(
        config["type"],
        options=config,
        filters=Filters(repeated_classifications=config.get("repeated", "keep_first")),
        grouping=Grouping(*config.get("grouping", [])),
    )
