"""Origins: from where a script in a browser may ask (RFC 6454, Fetch)."""

import re

_ORIGIN = re.compile(
    r"(?:https://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"|http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS = {"https": "443", "http": "80"}
_LAST_PORT = 65_535


def check(origin: str) -> str:
    """``origin``, if a client may register it: browsers send it so, and it is compared exactly.

    Raises:
        ValueError: the sentence says which rule it breaks.
    """
    if "*" in origin:
        raise ValueError("must be one whole origin; wildcards are not matched")
    spelt = _ORIGIN.fullmatch(origin)
    if spelt is None:
        raise ValueError(
            "must be an origin as browsers send it: https://app.example or https://app.example:8443"
            " in lower case without a path; http is for 127.0.0.1, [::1] and localhost only"
        )
    port = spelt["port"]
    if port and (int(port) > _LAST_PORT or port == _DEFAULT_PORTS[origin.partition(":")[0]]):
        raise ValueError("must have no port where it is the usual one, and none beyond 65535")
    return origin
