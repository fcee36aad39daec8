"""Forms of pages: what they hold, and what they held before their sender had to sign in again."""

from typing import Any, Self

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Form,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.fields.choices import SelectChoice

from caesar_web.access import drafts
from caesar_web.domain.documents import WORKFLOW_STATUSES
from caesar_web.store.configuration import PROJECT_STATUSES


def sent() -> drafts.Fields:
    """What was sent to this page, now or before signing in again; for `PageForm.of_page`."""
    return request.form if request.method == "POST" else drafts.take() or drafts.Fields()


class PageForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A form whose page is at the address that it posts to."""

    @classmethod
    def of_page(cls, taken: drafts.Fields | None = None, /, **values: Any) -> Self:
        """As sent; else as sent before signing in again; else with `values`.

        `taken` is what was sent, where that says which fields there are.
        """
        if request.method == "POST":
            return cls()
        return cls(formdata=taken or drafts.take(), data=values)


class AddWorkflow(PageForm):
    id = StringField(
        "Workflow id",
        [validators.InputRequired("Give the id of a workflow.")],
        description="The number in the project builder's address: /lab/…/workflows/12345.",
    )


class Settings(PageForm):
    """The state is what a button says, and stays as it is without one.

    `expected` is the fingerprint of the settings that it was made from.
    """

    expected = HiddenField()
    status = StringField(
        "State", [validators.Optional(), validators.AnyOf(WORKFLOW_STATUSES, "Not a valid choice.")]
    )
    rules_applied = RadioField(
        "Rules applied",
        choices=[
            SelectChoice("all_matching_rules", "All: every rule that matches acts."),
            SelectChoice(
                "first_matching_rule", "The first: only the first rule that matches acts."
            ),
            SelectChoice("no_rules", "None: no rule acts, and reductions are made all the same."),
        ],
    )
    public_extracts = BooleanField("Anyone may read the extracts")
    public_reductions = BooleanField("Anyone may read the reductions")
    queue = SelectField(
        "Queue",
        description="Which workers process its classifications. Only administrators choose it.",
    )


def saved_words(field: Any, value: Any) -> str:
    """What is saved of a field in which something else is chosen."""
    if isinstance(field, BooleanField):
        return "it is ticked now." if value else "it is not ticked now."
    chosen = value or ""
    label = next((one.label for one in field.choices if one.value == chosen), chosen)
    return f"“{label.rstrip('.')}” is saved now."


class ProjectSettings(PageForm):
    """The state is what a button says, and stays as it is without one."""

    status = StringField(
        "State", [validators.Optional(), validators.AnyOf(PROJECT_STATUSES, "Not a valid choice.")]
    )
    public_reductions = BooleanField("Anyone may read the reductions of the project")


class ChooseQueue(PageForm):
    """Which queue the classifications of a workflow, or of a project's workflows, wait in."""

    of = RadioField(
        "Of",
        choices=[
            SelectChoice("workflow", "One workflow."),
            SelectChoice(
                "project", "A project: those of its workflows that have none of their own."
            ),
        ],
    )
    id = StringField("Id", [validators.InputRequired("Give an id.")])
    queue = SelectField(
        "Queue", description="Only queues that CAESAR_QUEUES names, so that workers can serve them."
    )


class ActivityFilter(Form):  # type: ignore[misc]  # WTForms has no types
    """Which actions to show: it goes into the address."""

    state = SelectField(
        "State",
        choices=[SelectChoice("", "any"), *map(SelectChoice, ("pending", "completed", "failed"))],
        default="",
    )
    effect = SelectField("Effect", default="")
    rule = SelectField("Rule", default="")
    subject = StringField("Subject id")


class Configuration(PageForm):
    document = TextAreaField(
        "Configuration",
        [validators.InputRequired("Give the configuration as JSON.")],
        description="Applied wholly or not at all. What it does not name stays as it is.",
    )


class Query(PageForm):
    """A query as GraphQL has it; what is wrong with it, its answer says."""

    query = TextAreaField("Query", [validators.InputRequired("Give a query.")])
    variables = TextAreaField(
        "Variables", [validators.Optional()], description='As JSON, such as {"id": 100}.'
    )


class FindSubject(Form):  # type: ignore[misc]  # WTForms has no types
    """Which subject to show: it goes into the address."""

    id = StringField("Subject id")


class FindUser(Form):  # type: ignore[misc]  # WTForms has no types
    """Which volunteer to show: it goes into the address."""

    id = StringField("Volunteer id")


class CopyFrom(Form):  # type: ignore[misc]  # WTForms has no types
    """A search, not a change: it goes into the address."""

    copy_from = StringField(
        "Copy from workflow",
        description="The id of one of yours. You see its configuration here before it is saved.",
    )


class DataRequestForm(PageForm):
    """Which data somebody wants to have; what may stand in it, the contract's reader says."""

    requested_data = SelectField("What")
    format = SelectField("Format")
    gzip = BooleanField("Compressed (gzip)")
    key = StringField("Extractor or reducer key", description="Only what this one made.")
    subgroup = StringField("Subgroup", description="Only of reductions.")
    user_id = StringField("Volunteer id", description="Not of what is about subjects.")
    since = StringField("From", description="A day or a moment in UTC, such as 2026-01-31 14:00.")
    until = StringField("Until", description="A day is meant as a whole; a moment is not in it.")
