"""What can go wrong with Panoptes, as one exception that says whether trying again can help."""

import json
import re
from email.utils import parsedate_to_datetime

# Refusals that say nothing about the request itself: a dead token, a slow, busy or racing server.
TEMPORARY_REFUSALS = frozenset({401, 408, 409, 425, 429})
# Of those, and below 500, what the server would say of any other request too.
REFUSALS_OF_ALL = frozenset({401, 408, 429})
MESSAGE_LIMIT = 1000


class PanoptesError(Exception):
    """Panoptes refused, failed or could not be reached.

    `of_server`: Panoptes itself or the way there is to blame, and not what was asked of it.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        status: int | None = None,
        retry_after: float | None = None,
        of_server: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.permanent = permanent
        self.retry_after = retry_after
        self.of_server = _is_of_server(status) if of_server is None else of_server


def refusal(
    status: int, body: bytes, *, about: str, retry_after: float | None = None
) -> PanoptesError:
    """The error that an answer with this status and body stands for; `about` names the request."""
    return PanoptesError(
        _told(body) or f"Panoptes answered {about} with status {status}",
        permanent=400 <= status < 500 and status not in TEMPORARY_REFUSALS,
        status=status,
        retry_after=retry_after,
    )


def seconds_to_wait(header: str | None, now: float) -> float | None:
    """What a Retry-After header asks for, in seconds from `now`; nothing where it is odd."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, until - now)


def _is_of_server(status: int | None) -> bool:
    return status is not None and (status >= 500 or status in REFUSALS_OF_ALL)


def _told(body: bytes) -> str:
    """What Panoptes itself says is wrong: the `errors` of its API, or the words of its OAuth."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict):
        return ""
    errors = document.get("errors")
    if isinstance(errors, list):
        texts = [_text(error.get("message")) for error in errors if isinstance(error, dict)]
    else:
        texts = [_text(document.get("error_description") or document.get("error"))]
    return "; ".join(text for text in texts if text)[:MESSAGE_LIMIT]


def _text(message: object) -> str:
    """A message is a sentence, but for a refused schema Panoptes sends an object."""
    if isinstance(message, str):
        return message.strip()
    return json.dumps(message) if message else ""
