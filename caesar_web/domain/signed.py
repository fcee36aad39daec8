"""The option with which owners let requests to their services be signed."""

from caesar_web.domain.options import Option, text, whole

SECRET = Option(
    "secret",
    text,
    hide=whole,
    kind="secret",
    label="Shared secret",
    help="With one, each request is signed, so that the service can tell that it is from here. Kept"
    " encrypted, and shown to nobody again.",
)
