"""What people type, in the one form in which it is compared (RFC 8265).

Keyboards write one and the same letter as one code point or as two, and nobody sees which.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from precis_i18n.profile import Profile

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})

LONGEST = 1000
"""Characters of a text that is brought into another form: work that anybody may ask for."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "controls": "a control character",
        "has_compat": "another spelling of a plainer character",
        "old_hangul_jamo": "a part of a syllable that is not used any more",
        "other_letter_digits": "no ordinary letter or digit",
        "precis_ignorable_properties": "a character that nobody sees",
        "punctuation": "punctuation beyond ASCII",
        "spaces": "a space",
        "symbols": "a symbol beyond ASCII",
        "unassigned": "no character yet",
    }
)


class Forbidden(ValueError):
    """The profile forbids it; the sentence says which character, and why."""


def username(text: str) -> str:
    """``text`` by UsernameCasePreserved, part by part between spaces (RFC 8265 section 3.4).

    Raises:
        Forbidden: the profile does not allow it.
    """
    if not text or text.strip(" ") != text:
        raise Forbidden("must not be empty, nor begin or end with a space")
    if text.isascii() and text.isprintable():
        return text
    return " ".join(part and _enforced("UsernameCasePreserved", part) for part in text.split(" "))


def password(text: str) -> str:
    """``text`` by OpaqueString (RFC 8265 section 4.2).

    Raises:
        Forbidden: the profile does not allow it.
    """
    if text and text.isascii() and text.isprintable():
        return text
    return _enforced("OpaqueString", text)


def same_username(text: str) -> str:
    """Equal for usernames that are one: the profile's form, or NFC for what it forbids.

    Registries have usernames that it forbids, such as "R&D \N{ROCKET}"; those go on working.
    """
    try:
        return username(text)
    except Forbidden:
        return unicodedata.normalize("NFC", text)


def same_address(text: str) -> str:
    """Equal for e-mail addresses that differ in case or Unicode form alone.

    Case folding and not lower case: lower case depends on the place of a letter (the Greek sigma)
    and leaves some letters that capitals make one. It is the same in every language: the Turkish
    dotless i stays a letter of its own, as it is in the address. RFC 5321 section 2.4 would let
    the part before the @ differ in case; no mail service that people use does.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def password_forms(text: str) -> tuple[str, ...]:
    """Every form that a hash may have been made of, each once; one for a password in ASCII.

    By the profile; as typed, and decomposed as some keyboards have it, for hashes that were made
    without the profile. How many there are follows from ``text`` alone.
    """
    if text.isascii() or len(text) > LONGEST:
        return (text,)
    try:
        first = password(text)
    except Forbidden:
        first = unicodedata.normalize("NFC", text)
    return tuple(dict.fromkeys((first, text, unicodedata.normalize("NFD", text))))


def _enforced(profile: str, text: str) -> str:
    if len(text) > LONGEST:
        raise Forbidden(f"must have at most {LONGEST} characters")
    try:
        return _profile(profile).enforce(text)
    except UnicodeEncodeError as error:
        raise Forbidden(_sentence(error)) from None


@cache
def _profile(name: str) -> "Profile":
    # Its tables take a fiftieth of a second to read, and most registries never need them.
    from precis_i18n import get_profile

    return get_profile(name)


def _sentence(error: UnicodeEncodeError) -> str:
    why = error.reason.rpartition("/")[2]
    if why == "empty":
        return "must not be empty"
    text, at = str(error.object), error.start
    if why == "bidi_rule":
        at = next(
            n for n, each in enumerate(text) if unicodedata.bidirectional(each) in _RIGHT_TO_LEFT
        )
        what = "a letter from right to left, mixed with others (RFC 5893)"
    else:
        what = _WORDS.get(why, "not allowed there")
    name = unicodedata.name(text[at], "")
    return f"must not have U+{ord(text[at]):04X}{name and ' ' + name}: {what}"
