"""The headers of every answer: what browsers may do with it, and who may read it from elsewhere."""

from urllib.parse import urlsplit

from flask import Response, request

from caesar_web.access import media_hosts, parts

HSTS_SECONDS = 365 * 24 * 3600
CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
CORS_SECONDS = 7200


def add(response: Response) -> Response:
    """The answer with its headers."""
    if _is_preflight():
        response = Response()  # for any path: whether something is there, the request itself finds
    response.headers["Content-Security-Policy"] = _content_security_policy()
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.vary.update(("Accept", "Authorization", "Origin"))
    response.headers.setdefault("Cache-Control", "max-age=0, private, must-revalidate")
    if not parts.config().development:
        response.headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
    if "Origin" in request.headers:
        _let_other_origins_read(response)
    return response


def _content_security_policy() -> str:
    address = urlsplit(parts.config().panoptes_url)  # where the sign-in form is redirected to
    panoptes = f"{address.scheme}://{address.netloc}"
    media = " ".join(media_hosts.sources())
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
        f" connect-src 'self'; img-src 'self' {media}; media-src 'self' {media};"
        f" form-action 'self' {panoptes};"
        " base-uri 'none'; frame-ancestors 'none'"
    )


def _is_preflight() -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _let_other_origins_read(response: Response) -> None:
    """Bearer and public requests from any page; never cookies, as * is not for them."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = CORS_METHODS
    response.headers["Access-Control-Max-Age"] = str(CORS_SECONDS)
    response.headers["Access-Control-Expose-Headers"] = ""
    if asked := request.headers.get("Access-Control-Request-Headers"):
        response.headers["Access-Control-Allow-Headers"] = asked
