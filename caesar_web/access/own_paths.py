"""Where to return to after signing in: paths of our own pages, each used once."""

from urllib.parse import quote, urlsplit

from flask import request, session

LONGEST = 2000  # a cookie has room for about 4000 characters


def is_own_path(text: str) -> bool:
    """Whether a browser that is sent there stays here, however oddly it reads addresses."""
    if not text.startswith("/") or text.startswith(("//", "/\\")) or len(text) > LONGEST:
        return False
    if not (text.isascii() and text.isprintable()) or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc


def remember(path: str) -> None:
    """Keeps the page to return to in this browser's session."""
    if is_own_path(path):
        session["return_to"] = path


def this_page() -> str:
    """The path and query of this request, as a browser sends them."""
    path, query = quote(request.path), request.query_string.decode("utf-8", "replace")
    return f"{path}?{query}" if query else path


def take(otherwise: str) -> str:
    """The page to return to, which is forgotten with that."""
    path = session.pop("return_to", otherwise)
    return path if isinstance(path, str) and is_own_path(path) else otherwise
