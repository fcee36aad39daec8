"""Keys of extractors and reducers: what can be one."""

import re

_KEY = re.compile(r"[^\s./\[\]]{1,200}")


def is_key(text: str) -> bool:
    """Whether something can be the key of an extractor or reducer."""
    return _KEY.fullmatch(text) is not None


def no_key(text: str) -> str:
    """Why something cannot be one."""
    return f"{text!r:.60} cannot be a key: no spaces, dots, slashes or brackets"
