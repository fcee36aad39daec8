"""Recipes: rules that teams ask for again and again, with the reducers and extractors they need."""

from collections.abc import Mapping

from caesar_web.domain import recipe_parts as parts
from caesar_web.domain.recipe import Recipe
from caesar_web.domain.recipe_parameters import (
    INTO_SET,
    PROMOTED,
    TASK,
    TASK_KEY,
    Parameter,
    answer,
    metadata,
    people,
    retired,
    share,
    views,
)
from caesar_web.domain.swap_recipes import SWAP_RECIPES

_MARKS = "who marks it twice counts twice"

_RECIPES = (
    Recipe(
        "first_agree",
        "The first few all agree",
        "The first people to answer all give the same answer.",
        parts.first_agree,
        (people(4), *TASK, *retired("consensus")),
    ),
    Recipe(
        "first_say",
        "The first few all say one thing",
        "The first people to answer all give the answer that you name, and no other.",
        parts.first_say,
        (people(3), answer(), *TASK, *retired("nothing_here")),
    ),
    Recipe(
        "some_of_first_say",
        "Several of the first few say one thing",
        f"Among the first people, the answer that you name is given often enough; {_MARKS}.",
        parts.some_of_first_say,
        (
            people(3),
            people(5, "Of the first how many", "first"),
            answer(),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "some_say",
        "Enough people say one thing",
        f"The answer that you name is given often enough, whatever others say; {_MARKS}.",
        parts.some_say,
        (people(5), answer(), *TASK, *retired("consensus")),
    ),
    Recipe(
        "one_says",
        "Even one person says it",
        "A single person gives the answer that you name.",
        parts.one_says,
        (answer(), *TASK, *retired("human")),
    ),
    Recipe(
        "some_say_one_of",
        "Several answers together are given often enough",
        "The answers that you name are given often enough, added up; "
        "who gives two of them counts twice.",
        parts.some_say_one_of,
        (
            people(4, "How often, all together"),
            Parameter("answers", "The answers, one a line", "lines"),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "some_say_the_same",
        "Any answer is given often enough",
        "One answer, whichever it is, is given often enough, alone or together with others; "
        f"{_MARKS}.",
        parts.some_say_the_same,
        (people(5), *TASK, *retired("consensus")),
    ),
    Recipe(
        "people_say",
        "Enough different people say one thing",
        "Enough people give the answer that you name, alone or together with others; "
        "who marks it twice is one person.",
        parts.people_say,
        (people(5), answer(), *TASK, *retired("consensus")),
    ),
    Recipe(
        "people_say_one_of",
        "Enough different people say one of several things",
        "Enough people give any of the answers that you name; who gives two of them is one person.",
        parts.people_say_one_of,
        (
            people(4),
            Parameter("answers", "The answers, one a line", "lines"),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "last_say",
        "The last few in a row say one thing",
        "The last people, one after the other, all give the answer that you name.",
        parts.last_say,
        (people(3), answer(), *TASK, *retired("consensus")),
    ),
    Recipe(
        "people_lead",
        "One answer is far ahead",
        "One answer, whichever it is, was given by many more people than any other, "
        "once enough people have seen it.",
        parts.people_lead,
        (
            people(4, "By how many people it must lead", "lead"),
            views(6),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "agree",
        "Enough people agree",
        "Enough people give exactly the same answer, whichever it is; "
        "several choices together are an answer of their own.",
        parts.agree,
        (people(5), *TASK, *retired("consensus")),
    ),
    Recipe(
        "agree_except",
        "Enough people agree, but not on one answer",
        "Enough people give exactly the same answer, and it is not the one that you name.",
        parts.agree_except,
        (people(5), answer(), *TASK, *retired("consensus")),
    ),
    Recipe(
        "agree_clearly",
        "Enough people agree, and few disagree",
        "Enough people give exactly the same answer, and they are a large share of all who answer.",
        parts.agree_clearly,
        (
            people(5),
            share("agreement", "Their share of all answers, from 0 to 1", 0.8),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "clear_answer",
        "One answer has a clear majority",
        "The answer that you name leads with a large share, once enough people have seen it.",
        parts.clear_answer,
        (
            answer(),
            share("agreement", "Its share of all answers, from 0 to 1", 0.8),
            views(10),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "agree_where",
        "Enough people agree, on certain subjects",
        "Enough people give exactly the same answer, and the metadata have a certain text.",
        parts.agree_where,
        (
            people(3),
            metadata(),
            Parameter("text", "The text that it must be", "text"),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "agree_with_machine",
        "People confirm what a machine says",
        "All who answer give the answer that you name, enough of them, "
        "and a machine's confidence in the subject's metadata is high.",
        parts.agree_with_machine,
        (
            people(2),
            answer(),
            metadata("The field of the subject's metadata with the confidence"),
            share("confidence", "How confident it must be, from 0 to 1", 0.5),
            *TASK,
            *retired("nothing_here"),
        ),
    ),
    Recipe(
        "metadata_say",
        "The subject's metadata have a certain text",
        "The metadata have a certain text; anybody may say anything, but one must have seen it.",
        parts.metadata_say,
        (metadata(), Parameter("text", "The text that it must be", "text"), *retired("other")),
    ),
    Recipe(
        "seen",
        "Enough people have seen it",
        "Enough people have classified the subject, whatever they say.",
        parts.seen,
        (views(11), *retired("classification_count")),
    ),
    Recipe(
        "first_or_seen",
        "The first few say one thing or another, or enough have seen it",
        "The first people give one answer, or the first people give another, "
        f"or enough people have seen it; {_MARKS}.",
        parts.first_or_seen,
        (
            people(8),
            answer(),
            people(10, "How many people for the other answer", "other_people"),
            answer("The other answer", "other_answer"),
            views(15),
            *TASK,
            *retired("consensus"),
        ),
    ),
    Recipe(
        "first_or_majority",
        "The first few say it, or a majority later",
        "The first people give the answer that you name, "
        f"or more than half of a larger number of first people do; {_MARKS}.",
        parts.first_or_majority,
        (people(2), answer(), views(5), *TASK, *retired("human")),
    ),
    Recipe(
        "drew_nothing",
        "Enough people draw nothing",
        "Enough people leave the drawing task empty.",
        parts.drew_nothing,
        (people(5), TASK_KEY, *retired("blank")),
    ),
    Recipe(
        "disputed",
        "People still disagree",
        "Enough people have seen the subject, and no answer has a large share yet.",
        parts.disputed,
        (
            views(10),
            share("agreement", "The share that no answer reaches, from 0 to 1", 0.6),
            *TASK,
            *INTO_SET,
        ),
    ),
    Recipe(
        "score_reached",
        "A score from outside is high enough",
        "A program of yours sends scores to the reducer named scores, and one is high enough.",
        parts.score_reached,
        (
            Parameter("field", "The name of the score", "text"),
            Parameter("score", "What it must reach", "number", 5),
            *retired("other"),
        ),
    ),
    *SWAP_RECIPES,
    Recipe(
        "volunteer_seen",
        "A volunteer has classified enough",
        "A volunteer has classified enough different subjects.",
        parts.volunteer_seen,
        (people(10, "How many subjects", "views"), *PROMOTED),
    ),
)
RECIPES: Mapping[str, Recipe] = {recipe.key: recipe for recipe in _RECIPES}
