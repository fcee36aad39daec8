"""Runs in plain English: what each kind does, what a run is about, and why it does not go on."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

CHECKS = {
    "each": "rules are checked after each classification, as if it had come anew",
    "last": "rules are checked once at the end, on what is left then",
    "changed": "rules are checked once, where they see anything different then",
    "none": "no rule is checked",
}


class KindWords(NamedTuple):
    """What a kind of run is called, what it does, and what `since` means for it."""

    title: str
    about: str
    since: str


KIND_WORDS = {
    "backfill": KindWords(
        "Backfill",
        "Asks Zooniverse for what was classified before the workflow was here, or while it was"
        " halted, and takes it in as if it had just come.",
        "classifications made since {since}",
    ),
    "backfill_user": KindWords(
        "Backfill of a volunteer",
        "Asks Zooniverse for all classifications of one volunteer, and takes them in.",
        "",
    ),
    "reextract": KindWords(
        "Extract again",
        "Goes over the classifications that are kept here with the extractors as they are now, and"
        " reduces what comes of it.",
        "classifications that came in since {since}",
    ),
    "rereduce": KindWords(
        "Reduce again",
        "Makes the reductions anew from all extracts, with the reducers as they are now.",
        "those of which something was extracted since {since}",
    ),
    "recheck": KindWords(
        "Check a rule",
        "Checks a rule that was paused over what has changed meanwhile. Nothing is reduced.",
        "those whose reductions have changed since {since}",
    ),
    "import": KindWords(
        "Import predictions",
        "Takes what a machine says of subjects from a CSV file, as extracts that reducers see like"
        " those of volunteers. Its columns are extractor_key, subject_id and data, a JSON object.",
        "",
    ),
    "kept": KindWords(
        "Process what was kept",
        "Follows the classifications that came in while the workflow was paused.",
        "",
    ),
}
NEVER = {
    "backfill": "the subjects of which nothing was ever extracted",
    "rereduce": "those that have no reduction yet",
}
EVERYTHING = {
    "backfill": "all subjects of the workflow",
    "reextract": "all classifications that are kept",
    "rereduce": "all subjects and volunteers",
    "recheck": "all that have reductions",
    "kept": "what came in while the workflow was paused",
}


def title(kind: str) -> str:
    """What a kind of run is called."""
    return KIND_WORDS[kind].title if kind in KIND_WORDS else kind.replace("_", " ").capitalize()


def scope(kind: str, options: Mapping[str, Any]) -> str:
    """What a run is about."""
    parts = [_targets(kind, options), *_choices(options)]
    return "; ".join(part for part in parts if part)


def _targets(kind: str, options: Mapping[str, Any]) -> str:
    if "user_id" in options:
        return f"volunteer {options['user_id']}"
    if options.get("subjects") == "listed":
        return _named(options.get("first", ()), options.get("number", 0))
    if options.get("subjects") == "never":
        return NEVER.get(kind, "")
    if "url" in options:
        return f"the file at {options['url']}"
    if "file" in options:
        return f"the file {options['file']}"
    if options.get("since") and kind in KIND_WORDS:
        moment = datetime.fromisoformat(options["since"])
        since = f"{moment.day} {moment:%b %Y, %H:%M} UTC"
        return KIND_WORDS[kind].since.format(since=since)
    return EVERYTHING.get(kind, "")


def _named(first: list[int], number: int) -> str:
    more = number - len(first)
    noun = "subject" if number == 1 else "subjects"
    shown = ", ".join(map(str, first))
    return f"{noun} {shown} and {more:,} more" if more > 0 else f"{noun} {shown}"


def _choices(options: Mapping[str, Any]) -> Iterator[str]:
    if "reducer_key" in options:
        yield f"with the reducer {options['reducer_key']} alone"
    if "extractor_key" in options:
        yield f"with the extractor {options['extractor_key']} alone, and all that follows from it"
    if "check" in options:
        yield CHECKS[options["check"]]
    if options.get("resumes"):
        yield "it makes up for a pause"


def problem_in_words(error: str) -> str:
    """What a run says of itself; where it broke, only the kind of the error is known."""
    if re.fullmatch(r"[A-Z]\w+", error):
        return f"Something went wrong inside the service ({error}). Its log has more."
    return error[:1].upper() + error[1:] + ("" if error.endswith((".", "!", "?")) else ".")
