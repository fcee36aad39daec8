"""The forms with which runs are started, and the orders that they make."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import request
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import DateTimeLocalInput

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.id_lists import BadList, decoded, read_ids
from caesar_web.domain.options import Unreadable
from caesar_web.domain.predictions import UnusableFile, columns
from caesar_web.external.addresses import RefusedAddress, refuse_in_itself
from caesar_web.pipeline import run_orders
from caesar_web.pipeline.run_orders import Scope
from caesar_web.pipeline.runs import Order
from caesar_web.store.snapshot import Reducible
from caesar_web.web.forms import PageForm

MOST_A_MINUTE = 1_000_000
SCOPES = {
    "backfill": {
        "all": "All of the workflow’s subjects",
        "listed": "The subjects that I name below",
        "never": "Those of which nothing was ever extracted",
        "since": "All, but only classifications made since the moment below",
    },
    "reextract": {
        "all": "All classifications that are kept here",
        "listed": "Those of the subjects that I name below",
        "since": "Those that came in since the moment below",
    },
    "rereduce": {
        "all": "All subjects and volunteers",
        "listed": "The subjects that I name below",
        "never": "Those that have no reduction yet",
        "since": "Those of which something was extracted since the moment below",
    },
}
NEEDED = {
    "backfill": ("scope", "subjects", "file", "since", "rate", "effects"),
    "backfill_user": ("user", "rate", "effects"),
    "reextract": ("scope", "subjects", "file", "since", "rate", "effects"),
    "rereduce": ("scope", "subjects", "file", "since", "reducer", "check", "rate", "effects"),
    "import": ("url", "csv"),
}
LONGEST_NAME = 100
OF_RULES = ("check", "effects")  # which a project has none of


class StartRun(PageForm):
    """What to go over, with what, how fast, and whether effects act."""

    scope = RadioField("What to go over", default="all")
    subjects = TextAreaField(
        "Subject ids",
        description="With commas, spaces or new lines between them; at most 100,000.",
    )
    file = FileField("Or a file with one id in each line")
    since = StringField(
        "Since", widget=DateTimeLocalInput(), description="In UTC, such as 2026-01-31T12:00."
    )
    url = StringField(
        "Address of the file",
        description="It begins with https, and the file may have 50 MB.",
    )
    csv = FileField("Or a file from here", description="It may have 4 MB.")
    user = StringField(
        "Volunteer id", description="The number that Zooniverse has given the account."
    )
    reducer = SelectField("Reducers", default="")
    check = RadioField(
        "When rules are checked",
        default="each",
        choices=[
            SelectChoice("each", "After each classification, as if it had come anew"),
            SelectChoice("last", "Once at the end, on what is left then"),
            SelectChoice("none", "Not at all"),
        ],
    )
    rate = StringField(
        "At most so many a minute",
        description="Leave it empty to go as fast as live work lets it.",
    )
    effects = RadioField(
        "Effects",
        default="none",
        choices=[
            SelectChoice(
                "none",
                "None: rules are checked, and what they would have done is counted. You can have"
                " it done afterwards.",
            ),
            SelectChoice("act", "As usual: what rules decide is done in Zooniverse."),
        ],
    )

    def order(self, kind: str, reducible: Reducible) -> Order | None:
        """What was asked for; None where the form says what is wrong with it."""
        if kind == "import":
            return self._import(reducible.id)
        scope, rate = self._scope(), self._rate()
        if self.errors:
            return None
        acts = "effects" in self and self.effects.data == "act"
        return run_orders.order(kind, reducible, scope, acts=acts, rate=rate)

    def sent(self, order: Order) -> dict[str, str]:
        """All that was filled in, to send it once more; a file as the ids in it."""
        names = ("scope", "since", "user", "reducer", "check", "rate", "effects")
        fields = {name: str(self[name].data or "") for name in names if name in self}
        return fields | {"subjects": " ".join(map(str, order.targets))}

    def _scope(self) -> Scope:
        chosen = self.scope.data if "scope" in self else "all"
        return Scope(
            self._ids() if chosen == "listed" else None,
            never=chosen == "never",
            since=self._moment() if chosen == "since" else None,
            user_id=self._user() if "user" in self else None,
            reducer_key=(self.reducer.data or None) if "reducer" in self else None,
            check=self.check.data if "check" in self else None,
        )

    def _import(self, workflow_id: int) -> Order | None:
        """Never acts: what rules decide is counted, and can be done afterwards."""
        url, given = (self.url.data or "").strip(), self.csv.data
        body = given.read() if isinstance(given, FileStorage) else b""
        if bool(url) == bool(body):
            self.url.errors = ["Give the address of a file, or a file, and not both."]
            return None
        try:
            if url:
                refuse_in_itself(url)
                return run_orders.import_order(workflow_id, url=url)
            columns(body)
        except RefusedAddress as problem:
            self.url.errors = [f"{problem}."]
            return None
        except UnusableFile as problem:
            self.csv.errors = [f"{problem}.".capitalize()]
            return None
        name = printable(given.filename or "")[:LONGEST_NAME] or "without a name"
        return run_orders.import_order(workflow_id, file=(name, body))

    def _ids(self) -> list[int]:
        found: dict[int, None] = {}
        for field in (self.subjects, self.file):
            try:
                found |= dict.fromkeys(read_ids(_text(field.data)))
            except BadList as problem:
                field.errors = [str(problem)]
        if not found and not self.errors:
            self.subjects.errors = ["Name one subject at least."]
        return list(found)

    def _moment(self) -> datetime | None:
        try:
            moment = datetime.fromisoformat((self.since.data or "").strip())
        except ValueError:
            self.since.errors = ["Give a day and a time, such as 2026-01-31T12:00."]
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def _user(self) -> int | None:
        try:
            return panoptes_id((self.user.data or "").strip())
        except Unreadable as problem:
            self.user.errors = [f"This {problem}."]
            return None

    def _rate(self) -> int | None:
        text = (self.rate.data or "").strip()
        if not text:
            return None
        if text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MOST_A_MINUTE:
            return int(text[:9])
        self.rate.errors = [f"Give a whole number from 1 to {MOST_A_MINUTE:,}, or nothing."]
        return None


def start_form(kind: str, reducible: Reducible, reducer_keys: Sequence[str]) -> StartRun:
    """The form of a kind, filled in as the address says."""
    form = StartRun.of_page(**_asked_for())
    needed = set(NEEDED[kind])
    if reducible.type == "Project":
        needed -= set(OF_RULES)
    for name in [field.name for field in form]:
        if name not in needed and name != "csrf_token":
            del form[name]
    if "scope" in form:
        form.scope.choices = [SelectChoice(*each) for each in SCOPES[kind].items()]
    if "reducer" in form:
        form.reducer.choices = [SelectChoice("", "all"), *map(SelectChoice, reducer_keys)]
    return form


def _asked_for() -> dict[str, Any]:
    """What a link fills in. A subject that is named is what to go over."""
    names = ("scope", "subjects", "user", "reducer")
    asked = {name: request.args[name] for name in names if name in request.args}
    return {"scope": "listed", **asked} if asked.get("subjects") else asked


def printable(text: str) -> str:
    """A name without what no page can show."""
    return "".join(character for character in text if character.isprintable())


def _text(given: str | FileStorage | None) -> str:
    return decoded(given.read()) if isinstance(given, FileStorage) else given or ""
