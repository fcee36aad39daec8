"""The recipes of SWAP, in which each answer counts by the skill of who gives it."""

from caesar_web.domain import recipe_parts as parts
from caesar_web.domain.recipe import Recipe
from caesar_web.domain.recipe_parameters import (
    LIKELIHOOD,
    NO_TRAINING,
    SUBJECT_SET,
    SWAP,
    Parameter,
    people,
    retired,
    share,
)

_BY_SKILL = "each answer counting by how often its giver is right about training subjects"
_ANSWERED = "How many answers it must have"

SWAP_RECIPES = (
    Recipe(
        "swap_low",
        "SWAP: the subject is hardly what you look for",
        f"Its likelihood is very low, {_BY_SKILL}.",
        parts.swap_low,
        (
            share("likelihood", "Below which likelihood, from 0 to 1", 0.05),
            people(1, _ANSWERED),
            *LIKELIHOOD,
            *retired("nothing_here", NO_TRAINING),
        ),
    ),
    Recipe(
        "swap_high",
        "SWAP: the subject is nearly surely what you look for",
        f"Its likelihood is very high, {_BY_SKILL}.",
        parts.swap_high,
        (
            share("likelihood", "Above which likelihood, from 0 to 1", 0.95),
            people(1, _ANSWERED),
            *LIKELIHOOD,
            *retired("consensus", NO_TRAINING),
        ),
    ),
    Recipe(
        "swap_unsure",
        "SWAP: many answers, still unsure, and no expert has seen it",
        f"Its likelihood is neither low nor high, {_BY_SKILL}; "
        "experts are volunteers who are nearly always right.",
        parts.swap_unsure,
        (
            people(10, _ANSWERED),
            share("low", "From which likelihood on, from 0 to 1", 0.05),
            share("high", "Up to which likelihood, from 0 to 1", 0.95),
            *LIKELIHOOD,
            SUBJECT_SET,
            NO_TRAINING,
        ),
    ),
    Recipe(
        "swap_expert",
        "SWAP: a volunteer is an expert",
        "A volunteer is nearly always right about training subjects of both kinds, "
        "and gets the subjects of a set more often then.",
        parts.swap_expert,
        (
            people(20, "How many training subjects they must have answered"),
            share("right", "How often they must be right, from 0 to 1", 0.9),
            *SWAP,
            Parameter("subject_set_id", "The subject set for experts", "id"),
            share("chance", "How often they get its subjects, from 0 to 1", 0.5),
        ),
    ),
)
