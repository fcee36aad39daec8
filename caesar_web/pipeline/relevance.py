"""What extracts carry along for a reducer: the reduction of the other topic that they go with."""

from collections.abc import Mapping
from typing import Any

from caesar_web.domain.classification import Group
from caesar_web.domain.series import Reducer
from caesar_web.store.result_statements import SUBJECT


def with_relevant(
    group: Group, relevant: Mapping[int, Mapping[str, Any]], reducer: Reducer
) -> Group:
    """The group with each extract carrying the reduction that it goes with."""
    if not reducer.relevant_keys:
        return group
    by_user = reducer.topic == SUBJECT.name
    extracts = []
    for extract in group.extracts:
        known = relevant.get((extract.user_id or 0) if by_user else extract.subject_id, {})
        first = next((known[key] for key in reducer.relevant_keys if key in known), None)
        extracts.append(extract._replace(relevant_reduction=first))
    return group._replace(extracts=tuple(extracts))
