"""Signatures, with which services can tell that a request is from here, and when it was made."""

import hashlib
import hmac

HEADER = "X-Caesar-Signature"


def signature(secret: str, body: bytes, *, at: int) -> str:
    """`t=SECONDS,v1=HEX` for a body at a Unix time.

    HEX is the HMAC (RFC 2104) with SHA-256 of the seconds as text, a dot, and the body's bytes.
    """
    signed = b"%d." % at + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
