"""What every reducer can be told, whatever its type."""

from collections.abc import Mapping
from typing import Any

from caesar_web.domain.options import Option, choice, texts
from caesar_web.domain.series import MODES, TOPICS


def _object(value: Any) -> dict[str, Any]:
    """Read by itself, as it has options of its own."""
    return dict(value) if isinstance(value, Mapping) else {}


def _keys(value: Any) -> list[str]:
    return list(texts(value))


COMMON_OPTIONS = (
    Option(
        "topic",
        choice(*TOPICS),
        default=TOPICS[0],
        kind="choice",
        label="Combines",
        help="Whose extracts are combined. Extracts of people who are not signed in have no"
        " volunteer.",
        example=TOPICS[0],
        choices={
            "reduce_by_subject": "the extracts of each subject",
            "reduce_by_user": "the extracts of each volunteer",
        },
    ),
    Option(
        "reduction_mode",
        choice(*MODES),
        default=MODES[0],
        kind="choice",
        label="When a classification comes",
        help="Starting anew is right for nearly all. Going on is for subjects with thousands of"
        " classifications; it knows no order, so a range or the last of a volunteer make no"
        " sense there.",
        example=MODES[0],
        choices={
            "default_reduction": "start anew from all extracts",
            "running_reduction": "go on from what is stored; each extract counts once",
        },
    ),
    Option(
        "filters",
        _object,
        default={},
        kind="object",
        label="Which classifications count",
        help="The filters, in their order.",
        example="none",
    ),
    Option(
        "grouping",
        _object,
        default={},
        kind="object",
        label="Subgroups",
        help="One reduction for each value of a field.",
        example="none",
    ),
    Option(
        "user_reducer_keys",
        _keys,
        kind="reducers of users",
        label="Carry along, of the volunteer",
        help="Reductions of the volunteer, which each extract then has beside it.",
        example="skill",
    ),
    Option(
        "subject_reducer_keys",
        _keys,
        kind="reducers of subjects",
        label="Carry along, of the subject",
        help="Reductions of the subject, which each extract then has beside it.",
        example="truth",
    ),
)
