"""Pages of recipes: all kinds of rules that teams ask for, and the form of each."""

from collections.abc import Iterable

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import NotFound

from caesar_web.access.permissions import permit, place
from caesar_web.access.workflow_tasks import tasks_of
from caesar_web.domain.recipe import Recipe
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.values import Problem
from caesar_web.web import effect_view
from caesar_web.web.pages import page
from caesar_web.web.recipe_form import Given, RecipeForm, recipe_form
from caesar_web.web.rule_draft import EffectDraft

blueprint = Blueprint("recipes", __name__, url_prefix="/workflows/<int:workflow_id>/recipes")

GROUPS = (
    (
        "The first few people decide",
        ("first_say", "first_agree", "some_of_first_say", "first_or_majority", "first_or_seen"),
    ),
    (
        "An answer is given often enough",
        ("some_say", "one_says", "some_say_one_of", "some_say_the_same"),
    ),
    (
        "Different people are counted",
        ("people_say", "people_say_one_of", "last_say", "people_lead"),
    ),
    (
        "People agree, or do not",
        ("agree", "agree_clearly", "agree_except", "clear_answer", "disputed"),
    ),
    ("Enough people have looked", ("seen", "drew_nothing")),
    (
        "What is known of the subject counts too",
        ("metadata_say", "agree_where", "agree_with_machine", "score_reached"),
    ),
    (
        "Answers count by skill (SWAP)",
        ("swap_low", "swap_high", "swap_unsure", "swap_expert"),
    ),
    ("Volunteers", ("volunteer_seen",)),
)
POINTING = {"subject_set_id": "add_subject_to_set", "workflow_id": "promote_user"}


@blueprint.get("")
@permit("configure a workflow")
def index(workflow_id: int) -> Response:
    groups = [(title, [RECIPES[key] for key in keys]) for title, keys in GROUPS]
    return page("recipes/index.html", groups=groups)


@blueprint.get("/<recipe_key>")
@permit("configure a workflow")
def show(workflow_id: int, recipe_key: str) -> Response:
    if recipe_key not in RECIPES:
        raise NotFound
    return show_recipe(workflow_id, RECIPES[recipe_key], request.args)


def form_of(workflow_id: int, recipe: Recipe, given: Given) -> RecipeForm:
    """The form of a recipe with what was given; asks Panoptes, so outside any transaction."""
    names = {one.name for one in recipe.parameters}
    effects = [EffectDraft(action) for name, action in POINTING.items() if name in names]
    pointed = effect_view.offered(effects, project_id=place().project_id)
    return recipe_form(recipe, tasks_of(workflow_id).tasks, pointed, given)


def show_recipe(
    workflow_id: int, recipe: Recipe, given: Given, problems: Iterable[Problem] = ()
) -> Response:
    """The page of a recipe with what was given, and what is wrong with it."""
    form = form_of(workflow_id, recipe, given)
    form.tell(problems)
    kind = "user_rules" if recipe.is_for_users else "subject_rules"
    return page(
        "recipes/show.html",
        status=422 if form.errors else 200,
        recipe=recipe,
        form=form,
        action=url_for("rules.new", workflow_id=workflow_id, kind=kind),
    )
