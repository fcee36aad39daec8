"""Forms of pages: what they hold, and what they held before their sender had to sign in again."""

from typing import Any, Self

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField, Form, SelectField, StringField, TextAreaField, validators
from wtforms.fields.choices import SelectChoice

from caesar_web.access import drafts
from caesar_web.domain.documents import WORKFLOW_STATUSES
from caesar_web.domain.rules import RULES_APPLIED


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
    status = SelectField(
        "State",
        choices=list(WORKFLOW_STATUSES),
        description="Active: everything runs. Paused: classifications are kept and wait."
        " Halted: they are ignored.",
    )
    rules_applied = SelectField(
        "Rules applied",
        choices=[SelectChoice(name, name.replace("_", " ")) for name in RULES_APPLIED],
    )
    public_extracts = BooleanField("Anyone may read the extracts")
    public_reductions = BooleanField("Anyone may read the reductions")


class Configuration(PageForm):
    document = TextAreaField(
        "Configuration",
        [validators.InputRequired("Give the configuration as JSON.")],
        description="Applied wholly or not at all. What it does not name stays as it is.",
    )


class CopyFrom(Form):  # type: ignore[misc]  # WTForms has no types
    """A search, not a change: it goes into the address."""

    copy_from = StringField(
        "Copy from workflow",
        description="The id of one of yours. You see its configuration here before it is saved.",
    )
