"""How a changed document is laid out in the JSON that somebody wrote."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from issuer.registry.record import rfc3339

_INDENTATION = re.compile(rb"^[\[{]\r?\n([ \t]+)")


def written(whole: Mapping[str, Any], content: bytes) -> bytes:
    """``whole`` with the indentation and the last newline of ``content``."""
    found = _INDENTATION.match(content)
    indent = found[1].decode() if found else None if content.strip() else "  "
    text = json.dumps(whole, indent=indent, ensure_ascii=False, default=_instant)
    return text.encode() + (b"\n" if not content or content.endswith(b"\n") else b"")


def _instant(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"JSON has no {type(value).__name__}")
    return rfc3339(int(value.timestamp()))
