"""The headers of a page: what the browser may load, run, and submit (RFC 9700 sections 4.2, 4.16).

There is no Cross-Origin-Opener-Policy: it would cut ``window.opener``, by which applications that
log in in a window of its own (Swagger UI is one) hear that it is done.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from urllib.parse import urlsplit


def headers(
    *, language: str, style: str, script: str = "", form_action: str | None = None
) -> Mapping[str, str]:
    """The headers of a page with this style sheet and script.

    ``form_action`` is a URI that the page's form ends up at. Browsers apply the policy of the page
    to the redirects after its form as well, so that this has to be known beforehand.
    """
    policy = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "img-src": "data:",
        "script-src": _hash(script) if script else "'none'",
        "form-action": " ".join(filter(None, ("'self'", _source(form_action)))),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return MappingProxyType(
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Language": language,
            "Content-Security-Policy": "; ".join(map(" ".join, policy.items())),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
    )


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _source(uri: str | None) -> str:
    """What stands for ``uri`` in a policy: its origin, or its scheme where it has none."""
    if uri is None:
        return ""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or "[" in parts.netloc:
        return f"{parts.scheme}:"  # neither own schemes nor IPv6 addresses have a host in a policy
    return f"{parts.scheme}://{parts.netloc}"
