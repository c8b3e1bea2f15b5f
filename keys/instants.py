"""Times that people write into files: what is wrong with one, in words."""

import re
from calendar import month_name, monthrange
from datetime import MINYEAR

DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[Tt ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?P<offset>[Zz]|[+-](?P<hours>\d{2}):(?P<minutes>\d{2}))?)?"
)
"""What looks like a date of RFC 3339, be there such a day or not. It can be no secret."""

_CLOCK = (
    ("hour", 23, "hours are 00 to 23; midnight is 00:00:00 of the day that begins"),
    ("minute", 59, "minutes are 00 to 59"),
    ("second", 59, "seconds are 00 to 59; for a leap second, write the one before or after it"),
    ("hours", 23, "an offset has at most 23 hours"),
    ("minutes", 59, "an offset has at most 59 minutes"),
)


def fault(text: str) -> str | None:
    """A sentence that quotes ``text`` and says why it is no time of RFC 3339.

    None where nothing is wrong with it, or where it does not even look like one: then it is not to
    be quoted.
    """
    found = DATE.fullmatch(text)
    why = found and (_no_such_day(found) or _no_such_time(found) or _incomplete(found))
    return f'"{text}" is no time: {why}' if why else None


def impossible(text: str) -> str | None:
    """``fault``, but for what is only incomplete: TOML has days and times without an offset."""
    found = DATE.fullmatch(text)
    why = found and (_no_such_day(found) or _no_such_time(found))
    return f'"{text}" is no time: {why}' if why else None


def _no_such_day(found: re.Match[str]) -> str | None:
    year, month, day = (int(found[part]) for part in ("year", "month", "day"))
    if len(found["month"]) != 2 or len(found["day"]) != 2:  # noqa: PLR2004  digits
        return "month and day have two digits each"
    if year < MINYEAR:
        return "years begin with 0001"
    if not 1 <= month <= len(month_name) - 1:
        return "months are 01 to 12"
    days = monthrange(year, month)[1]
    if not 1 <= day <= days:
        return f"{month_name[month]} {year} has {days} days"
    return None


def _no_such_time(found: re.Match[str]) -> str | None:
    if found["hour"] is None:
        return None
    if len(found["hour"]) != 2 or found["second"] is None:  # noqa: PLR2004  digits
        return "hours, minutes and seconds have two digits each"
    for part, most, why in _CLOCK:
        if int(found[part] or 0) > most:
            return why
    return None


def _incomplete(found: re.Match[str]) -> str | None:
    if found["hour"] is None:
        return "it is a day alone; add the time and its offset, such as T00:00:00Z"
    if found["offset"] is None:
        return "it has no offset; add one, such as Z"
    return None
