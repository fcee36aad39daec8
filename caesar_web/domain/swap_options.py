"""What the reducers of SWAP can be told."""

from typing import Any

from caesar_web.domain.options import Option, Unreadable, choice, number, several, text, within

LEAST_PRIOR = 0.000001  # and no prior is nearer to 1


def _user_ids(value: Any) -> tuple[int, ...]:
    ids = several(list(map(str, value)) if isinstance(value, list) else value)
    if not all(one.isascii() and one.isdigit() for one in ids):
        raise Unreadable("must be ids of volunteers, with commas between them")
    return tuple(map(int, ids))


_PROBABILITY = within(number, least=0.01, most=0.99)
_ANSWERS = (
    Option(
        "positive",
        several,
        required=True,
        kind="texts",
        label="Positive answers",
        help="Who gives any of these says that the subject is what you look for. With commas"
        " between them.",
        example="0",
    ),
    Option(
        "negative",
        several,
        default=(),
        kind="texts",
        label="Negative answers",
        help="Empty: all others, and no answer at all.",
        example="1, 2",
    ),
)
_INITIAL = (
    Option(
        "initial_positive",
        _PROBABILITY,
        default=0.5,
        kind="number",
        label="Right about positive ones, to begin with",
        help="How often somebody of whom nothing is known recognizes a positive subject, from 0.01"
        " to 0.99.",
        example="0.5",
    ),
    Option(
        "initial_negative",
        _PROBABILITY,
        default=0.5,
        kind="number",
        label="Right about negative ones, to begin with",
        help="The same of a negative subject.",
        example="0.5",
    ),
    Option(
        "initial_weight",
        within(number, least=1),
        default=2,
        kind="number",
        label="Weight of the beginning",
        help="For how many training subjects of each kind these count.",
        example="2",
    ),
)
SKILL_OPTIONS = (
    *_ANSWERS,
    Option(
        "gold_positive",
        several,
        default=(),
        kind="texts",
        label="Gold labels that are positive",
        help="What the gold extractor finds of positive subjects. Empty: the same as the answers.",
        example="LENS",
    ),
    Option(
        "gold_negative",
        several,
        default=(),
        kind="texts",
        label="Gold labels that are negative",
        help="Empty: all others, where positive ones are given.",
        example="DUD",
    ),
    *_INITIAL,
)
_MATRIX = {
    "then": "as it was when they classified",
    "now": "as it is now",
}
SWAP_OPTIONS = (
    *_ANSWERS,
    Option(
        "prior",
        within(number, least=LEAST_PRIOR, most=1 - LEAST_PRIOR),
        default=0.5,
        kind="number",
        label="Likelihood before any answer",
        help="How large a share of all subjects is positive, between 0 and 1.",
        example="0.01",
    ),
    Option(
        "prior_from",
        text,
        label="Likelihood that a machine gives",
        help="The field of imported predictions that has it. It takes the place of the likelihood"
        " above for the subjects that have a prediction.",
        example="probability",
    ),
    Option(
        "matrix",
        choice(*_MATRIX),
        default="then",
        kind="choice",
        label="The volunteer’s matrix",
        help="What a volunteer learned later does not count for what they said before.",
        example="then",
        choices=_MATRIX,
    ),
    *_INITIAL,
    Option(
        "experts",
        _user_ids,
        default=(),
        kind="texts",
        label="Experts",
        help="The ids of volunteers who are experts, with commas between them.",
        example="12, 305",
    ),
    Option(
        "expert_at",
        _PROBABILITY,
        kind="number",
        label="Who is an expert by skill",
        help="Who is right about both kinds of subjects at least so often. Empty: nobody by that.",
        example="0.9",
    ),
)
