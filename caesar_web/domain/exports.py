"""What people can export, as what, and by what it can be narrowed down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import Problem

SWITCHES = {
    **dict.fromkeys(("true", "1", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "0", "no", "n", "off", ""), False),
}
FORMATS = {"csv": "CSV", "jsonl": "JSON lines"}
A_DAY_LONG = len("2026-01-31")


@dataclass(frozen=True)
class ExportKind:
    """Something that can be exported: what it is called, and which filters it has.

    `moment` is what the filters by time are about, `key` whose key can be chosen, `public` the flag
    that opens it to others. Clients of the wire contract know of those that are `in_contract`.
    """

    label: str
    moment: str
    key: str | None = None
    public: str | None = None
    has_users: bool = False
    has_subgroups: bool = False
    in_contract: bool = True


_REDUCTIONS: dict[str, Any] = {
    "moment": "updated",
    "key": "reducer",
    "public": "public_reductions",
    "has_subgroups": True,
}
EXPORTS: dict[str, ExportKind] = {
    "extracts": ExportKind(
        "Extracts", "classified", key="extractor", public="public_extracts", has_users=True
    ),
    "subject_reductions": ExportKind("Reductions of subjects", **_REDUCTIONS),
    "user_reductions": ExportKind("Reductions of volunteers", has_users=True, **_REDUCTIONS),
    "subject_actions": ExportKind("Actions on subjects", "decided", in_contract=False),
    "user_actions": ExportKind(
        "Actions on volunteers", "decided", has_users=True, in_contract=False
    ),
}
ALIASES = {"reductions": "subject_reductions"}


@dataclass(frozen=True)
class Export:
    """What somebody wants to have: from `since` on, and before `until`."""

    kind: str
    format: str = "csv"
    is_gzip: bool = False
    subgroup: str | None = None
    user_id: int | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def options(self) -> dict[str, Any]:
        """What a data request keeps of it, beside the columns that it has."""
        moments = {"from": self.since, "to": self.until}
        kept = {name: moment.isoformat() for name, moment in moments.items() if moment}
        key = {} if self.key is None else {"key": self.key}
        return {"format": self.format, "gzip": self.is_gzip, **key, **kept}

    @property
    def extension(self) -> str:
        return f"{self.format}.gz" if self.is_gzip else self.format

    @property
    def content_type(self) -> str:
        if self.is_gzip:
            return "application/gzip"
        return "text/csv; charset=utf-8" if self.format == "csv" else "application/x-ndjson"


def kept_export(
    kind: str, subgroup: str | None, user_id: int | None, options: Mapping[str, Any]
) -> Export:
    """An export as a data request keeps it."""
    since, until = (
        datetime.fromisoformat(options[name]) if name in options else None
        for name in ("from", "to")
    )
    return Export(
        kind,
        options.get("format", "csv"),
        options.get("gzip", False),
        subgroup,
        user_id,
        options.get("key"),
        since,
        until,
    )


def read_export(given: Mapping[str, Any]) -> tuple[Export | None, list[Problem]]:
    """What somebody asks for, or what is wrong with it; what is empty was not given."""
    texts = {name: "" if value is None else str(value).strip() for name, value in given.items()}
    name = ALIASES.get(texts.get("requested_data", ""), texts.get("requested_data", ""))
    kind = EXPORTS.get(name)
    if kind is None:
        known = f"must be one of: {', '.join(EXPORTS)}" if name else "can't be blank"
        return None, [Problem("requested_data", known)]
    problems = _unfitting(name, kind, texts) + [
        Problem(place, "must be text")
        for place in ("subgroup", "key")
        if isinstance(given.get(place), list | dict)
    ]
    form = texts.get("format") or "csv"
    if form not in FORMATS:
        problems.append(Problem("format", f"must be one of: {', '.join(FORMATS)}"))
    moments = {each: _moment(texts.get(each, ""), each, problems) for each in ("from", "to")}
    export = Export(
        name,
        form,
        _switch(texts.get("gzip", ""), "gzip", problems),
        texts.get("subgroup") or None,
        _user_id(texts.get("user_id", ""), problems),
        texts.get("key") or None,
        moments["from"],
        moments["to"],
    )
    return (None if problems else export), problems


def in_words(export: Export) -> list[str]:
    """The filters of an export, as people read them."""
    kind = EXPORTS[export.kind]
    said = {
        f"{kind.key} {export.key}": export.key,
        f"subgroup {export.subgroup}": export.subgroup,
        f"volunteer {export.user_id}": export.user_id,
        f"{kind.moment} from {_shown(export.since)}": export.since,
        f"{kind.moment} before {_shown(export.until)}": export.until,
    }
    return [words for words, value in said.items() if value is not None]


def _unfitting(name: str, kind: ExportKind, texts: Mapping[str, str]) -> list[Problem]:
    """Filters that are given, and that this kind has not: leaving them out would export more."""
    has = {"subgroup": kind.has_subgroups, "user_id": kind.has_users, "key": bool(kind.key)}
    what = {"subgroup": "subgroups", "user_id": "a volunteer", "key": "a key"}
    words = name.replace("_", " ")
    return [
        Problem(place, f"must be empty: {words} do not have {what[place]}")
        for place, fits in has.items()
        if texts.get(place) and not fits
    ]


def _switch(text: str, place: str, problems: list[Problem]) -> bool:
    if text.lower() not in SWITCHES:
        problems.append(Problem(place, "must be true or false"))
    return SWITCHES.get(text.lower(), False)


def _user_id(text: str, problems: list[Problem]) -> int | None:
    try:
        return panoptes_id(text) if text else None
    except Unreadable as problem:
        problems.append(Problem("user_id", str(problem)))
        return None


def _moment(text: str, place: str, problems: list[Problem]) -> datetime | None:
    """A moment, in UTC where it does not say; a day as an end is the whole of it."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        is_day = len(text) == A_DAY_LONG
        return moment + timedelta(days=1) if is_day and place == "to" else moment
    except (ValueError, OverflowError):
        wanted = "must be a day or a moment, such as 2026-01-31 or 2026-01-31 14:00"
        problems.append(Problem(place, wanted))
        return None


def _shown(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
