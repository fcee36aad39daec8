"""What surprises in the keys of lookups: what they find never, or only in part."""

from collections.abc import Iterable
from difflib import get_close_matches

from caesar_web.domain.known import DEEPEST
from caesar_web.domain.pieces import named, sentence
from caesar_web.domain.references import split_key
from caesar_web.domain.spots import Finding, Fix, Spot

_SUBJECT_ID = "subject.zooniverse_subject_id"
_MOST_FIXES = 3
_LONGEST_SLIP = 80
_MOST_SLIPS = 5


def outside_entry(spot: Spot) -> Finding | None:
    if not spot.in_entry or spot.operator not in ("lookup", "any", "all"):
        return None
    if spot.operator == "lookup" and spot.key in ("key", "value"):
        return None
    message = f"Inside any and all there are only key and value: {_name(spot.key)} is never found."
    keys = ("key", "value") if spot.operator == "lookup" else ()
    return Finding(message, _key_fixes(spot, keys))


def never_of_users(spot: Spot) -> Finding | None:
    if not _looks_up(spot) or not spot.known.is_for_users or spot.split_key.reducer is not None:
        return None
    return Finding(f"This rule is about users, so that {_name(spot.key)} is never found.")


def unknown_key(spot: Spot) -> Finding | None:
    if not _looks_up(spot) or never_of_users(spot):
        return None
    if spot.split_key.reducer is None:
        return _unknown_metadata(spot)
    return _unknown_reducer(spot) or _unknown_field(spot)


def _unknown_metadata(spot: Spot) -> Finding | None:
    if spot.key == _SUBJECT_ID or not _was_never_seen(spot):
        return None
    message = f"None of {spot.known.sampled} {spot.known.targets} has {_name(spot.key)}."
    return Finding(message, _key_fixes(spot, _seen_like(spot, "subject.")))


def _unknown_reducer(spot: Spot) -> Finding | None:
    name, reducers = spot.split_key.reducer, spot.known.reducers
    if reducers is None or name is None or name in reducers:
        return None
    rest = spot.key.removeprefix(name)
    message = f"There is no reducer {_name(name)} whose reductions this rule sees."
    keys = [f"{other}{rest}" for other in _close(name, reducers)]
    return Finding(message, _key_fixes(spot, keys))


def _unknown_field(spot: Spot) -> Finding | None:
    """A field that the reducer never gives, by its configuration."""
    field, reducer = spot.split_key.field, spot.reducer
    if reducer is None or reducer.fields is None or reducer.has(field):
        return None
    if spot.operator != "lookup" and not field:
        return None
    whole = spot.key.removesuffix(f".{field}") if field else spot.key
    close = _close(field, reducer.fields) or sorted(reducer.fields)
    keys = [f"{whole}.{other}" if other else whole for other in close]
    asked = f"no field {_name(field)}" if field else "no value of its own"
    known = ", ".join(_name(one) for one in sorted(reducer.fields) if one) or "a bare value only"
    message = f"{_name(whole)} has {asked}; it has {known}."
    return Finding(message, _key_fixes(spot, keys))


def never_seen(spot: Spot) -> Finding | None:
    if spot.operator != "lookup" or unknown_key(spot) or several_subgroups(spot):
        return None
    name = spot.split_key.reducer
    if name is None or spot.in_entry or not _was_never_seen(spot):
        return None
    message = f"{_name(spot.key)} was found in none of {spot.known.sampled} {spot.known.targets}."
    return Finding(message, _key_fixes(spot, _seen_like(spot, f"{name}.")))


def several_subgroups(spot: Spot) -> Finding | None:
    name, subgroup, field = spot.split_key if _looks_up(spot) else (None, None, "")
    if name is None or subgroup is not None:
        return None
    subgroups = spot.known.subgroups.get(name, ())
    if not (spot.reducer.grouping.is_used if spot.reducer else subgroups):
        return None
    rest = f".{field}" if field else ""
    keys = [f"{name}[{one}]{rest}" for one in subgroups]
    readable = [key for key in keys if split_key(key).subgroup in subgroups]
    message = (
        f"{_name(name)} has a reduction for each subgroup, and this looks only at one that is "
        f"called _default. Name the subgroup in brackets: {name}[subgroup]{rest}."
    )
    return Finding(message, _key_fixes(spot, readable[:_MOST_FIXES]))


def counts_marks(spot: Spot) -> Finding | None:
    if spot.operator != "lookup" or not _looks_up(spot) or not spot.split_key.field:
        return None
    if spot.reducer is None or spot.reducer.type != "stats":
        return None
    message = f"{_name(spot.key)} counts marks, not people: who marks it twice adds 2."
    if spot.reducer.filters.repeated_classifications == "keep_all":
        message += " Who classifies again is counted again as well."
    advice = " A votes reducer counts people."
    return Finding(message + advice)


def rival_answers(spot: Spot) -> Finding | None:
    if not _is_of_consensus(spot, "most_likely"):
        return None
    seen = [value for value, _ in spot.seen.values if "+" in str(value)] if spot.seen else []
    shown = f" (such as {_name(seen[0])} here)" if seen else ""
    return Finding(
        f"Several choices together are one answer{shown}: "
        "LION and BIRD+LION are rivals, and share no votes."
    )


def winner_votes(spot: Spot) -> Finding | None:
    if not _is_of_consensus(spot, "num_votes"):
        return None
    reducers = spot.known.reducers or {}
    counts = [key for key, one in reducers.items() if one.type == "count"]
    ungrouped = [key for key in counts if not reducers[key].grouping.is_used]
    keys = [f"{key}.classifications" for key in ungrouped[:_MOST_FIXES]]
    advice = "" if keys else " A count reducer counts all classifications."
    message = f"{_name(spot.key)} counts the votes for the leading answer, not all votes.{advice}"
    return Finding(message, _key_fixes(spot, keys))


def _is_of_consensus(spot: Spot, field: str) -> bool:
    if spot.operator != "lookup" or not _looks_up(spot) or spot.split_key.field != field:
        return False
    return spot.reducer is not None and spot.reducer.type == "consensus"


def _looks_up(spot: Spot) -> bool:
    return spot.operator in ("lookup", "any", "all") and not spot.in_entry


def _was_never_seen(spot: Spot) -> bool:
    """Whether the sample says so: it is neither cut short, nor is this too deep inside."""
    known = spot.known
    is_told = known.sampled > 0 and known.is_whole and spot.key.count(".") <= DEEPEST
    return is_told and spot.operator == "lookup" and spot.key not in known.seen


def _seen_like(spot: Spot, prefix: str) -> list[str]:
    return _close(spot.key, [key for key in spot.known.seen if key.startswith(prefix)])


def _close(name: str, names: Iterable[str]) -> list[str]:
    """Those of the names that may be meant."""
    if len(name) > _LONGEST_SLIP:  # how long matching takes grows with the square
        return []
    alike = sorted(one for one in names if abs(len(one) - len(name)) <= _MOST_SLIPS)
    return get_close_matches(name, alike, n=_MOST_FIXES)


def _key_fixes(spot: Spot, keys: Iterable[str]) -> tuple[Fix, ...]:
    return tuple(Fix(f"Look up {_name(key)}", spot.with_key(key)) for key in keys if key)


def _name(key: str) -> str:
    return sentence(named(key))
