"""What clients send of an extractor or reducer, as the entry that a document has of it.

Options may stand in `config`, which takes the place of all of them, or beside it, where they are
merged into what is there. Members that nothing is known of are passed over, as they always were.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.options import Option
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.store import transfer
from caesar_web.store.configuration import Extractor, Reducer

Body = Mapping[str, Any]
COMMON = (
    "topic",
    "reduction_mode",
    "filters",
    "grouping",
    "user_reducer_keys",
    "subject_reducer_keys",
)
RELEVANT = {"reduce_by_subject": "subject_reducer_keys", "reduce_by_user": "user_reducer_keys"}


def extractor_entry(body: Body, known: Extractor | None) -> dict[str, Any]:
    """The entry of a new extractor, or of one as it will be. Raises InvalidConfiguration."""
    type_name = known.type if known else _type_of(body, EXTRACTORS)
    options = EXTRACTORS[type_name].options if type_name in EXTRACTORS else ()
    entry = {"type": type_name, **_config(body, options, known.config if known else {})}
    version = known.minimum_workflow_version if known else None
    version = body.get("minimum_workflow_version", version)
    if version not in (None, ""):
        entry["minimum_version"] = version
    return entry


def reducer_entry(body: Body, known: Reducer | None) -> dict[str, Any]:
    """The entry of a new reducer, or of one as it will be. Raises InvalidConfiguration."""
    type_name = known.type if known else _type_of(body, REDUCERS)
    options = REDUCERS[type_name].options if type_name in REDUCERS else ()
    before = transfer.reducer_entry(known) if known else {}
    common = {name: body.get(name, before.get(name)) for name in COMMON}
    common["filters"] = _filters(common["filters"])
    if "topic" in body:  # only then is it said whose reductions make no sense
        common[RELEVANT.get(str(body["topic"]), "")] = None
    said = {name: value for name, value in common.items() if name and value is not None}
    return {"type": type_name, **said, **_config(body, options, known.config if known else {})}


def key_of(body: Body, known: Extractor | Reducer | None) -> str:
    """The key that a part is to have. Raises InvalidConfiguration."""
    key = body.get("key", known.key if known else None)
    if key is None or key == "":
        raise InvalidConfiguration([Problem("Key", "can't be blank")])
    if not isinstance(key, str):
        raise InvalidConfiguration([Problem("Key", "must be text")])
    return key


def _type_of(body: Body, types: Mapping[str, Any]) -> str:
    type_name = body.get("type")
    if not isinstance(type_name, str) or type_name not in types:
        message = f"Unknown type {type_name!r:.60}; known: {', '.join(types)}"
        raise InvalidConfiguration([Problem("", message)])
    return type_name


def _config(body: Body, options: tuple[Option, ...], before: Body) -> dict[str, Any]:
    config = body.get("config", before)
    if not isinstance(config, Mapping):
        raise InvalidConfiguration([Problem("config", "must be an object")])
    merged = {option.name: body[option.name] for option in options if option.name in body}
    return {name: value for name, value in {**config, **merged}.items() if value not in (None, "")}


def _filters(given: Any) -> Any:
    """Without what is blank; keys may come as the text of a JSON list, as forms sent them."""
    if not isinstance(given, Mapping):
        return given
    filters = {name: value for name, value in given.items() if value not in (None, "")}
    keys = filters.get("extractor_keys")
    if isinstance(keys, str) and keys.lstrip().startswith("["):
        with suppress(ValueError):  # then it is checked as what it is, the key of one
            filters["extractor_keys"] = json.loads(keys)
    return filters
