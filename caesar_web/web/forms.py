"""Forms of pages: what they hold, and what they held before their sender had to sign in again."""

from typing import Any, Self

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Form,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.fields.choices import SelectChoice

from caesar_web.access import drafts
from caesar_web.domain.documents import WORKFLOW_STATUSES


class PageForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A form whose page is at the address that it posts to."""

    @classmethod
    def of_page(cls, **values: Any) -> Self:
        """As sent; else as sent before signing in again; else with `values`."""
        if request.method == "POST":
            return cls()
        return cls(formdata=drafts.take(), data=values)


class AddWorkflow(PageForm):
    id = StringField(
        "Workflow id",
        [validators.InputRequired("Give the id of a workflow.")],
        description="The number in the project builder's address: /lab/…/workflows/12345.",
    )


class Settings(PageForm):
    """The state is what a button says, and stays as it is without one."""

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


class ProjectSettings(PageForm):
    status = RadioField(
        "State",
        choices=[
            SelectChoice("active", "Active: the project’s reducers run."),
            SelectChoice("halted", "Halted: they do not. What they missed is not made up for."),
        ],
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
