"""What is wrong with a record, said to somebody who has never seen the file: each names the fix.

Pydantic finds the faults; the sentences are ours, with an example of the right form.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Context = Mapping[str, Any]

EXAMPLES: Mapping[str, Any] = MappingProxyType(
    {
        "access_token_lifetime": 600,
        "access_token_type": "Bearer",
        "acr_values_supported": ["urn:example:password"],
        "address": {"locality": "Paris", "country": "France"},
        "allowed_cors_origins": ["https://app.example"],
        "authorization_code_lifetime": 60,
        "backchannel_logout_uri": "https://app.example/backchannel_logout",
        "blocked_subjects": ["248289761001"],
        "claims": {"tenant": "north"},
        "client_secrets": [{"hash": "sha256:…"}],
        "contacts": ["ops@example.com"],
        "email": "alice@example.com",
        "federated": [{"federation": "github", "subject": "repo:acme/shop:ref:refs/heads/main"}],
        "federation": "github",
        "grant_types": ["authorization_code", "refresh_token"],
        "jwks": {"keys": ["…"]},
        "kid": "2026-11",
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "redirect_uris": ["https://app.example/callback"],
        "refresh_token_lifetime": 2_592_000,
        "replay_store": "sqlite:replay.db",
        "resources": ["https://api.example"],
        "roles": ["editor"],
        "scopes": ["read", "write"],
        "session_idle_lifetime": 3_600,
        "session_lifetime": 43_200,
        "subject": "repo:acme/shop:ref:refs/heads/main",
        "subjects": ["248289761001"],
        "token_endpoint_auth_method": "client_secret_basic",
        "told_in": ["id_token", "userinfo"],
        "url": "https://id.example",
        "users": ["alice"],
    }
)
"""The right form of a field, for those of which people ask what that is."""

MAKERS: Mapping[str, str] = MappingProxyType(
    {
        "client_secrets": "`issuer client secret` makes one",
        "hash": "`issuer client secret` makes one",
        "Client.jwks": "`issuer client add --private-key-jwt` makes it",
        "Resource.jwks": "`issuer resource add --mac` makes it",
        "login_jwks": "`issuer login-key` makes it",
        "password_hash": "`issuer user add` makes one",
    }
)
"""What people should not write by hand, and the command that does: by the field, and where two
records have one of that name, by both."""


def spelled(value: Any, *, toml: bool = True) -> str:
    """``value`` as it stands in a TOML file, or in a JSON one."""
    if isinstance(value, Mapping):
        equals, space = (" = ", " ") if toml else (": ", "")
        names = value if toml else map(json.dumps, value)
        pairs = zip(names, value.values(), strict=True)
        inner = ", ".join(f"{name}{equals}{spelled(each, toml=toml)}" for name, each in pairs)
        return f"{{{space}{inner}{space}}}"
    if isinstance(value, list):
        return f"[{', '.join(spelled(each, toml=toml) for each in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _seconds(words: str, limit: str) -> Callable[[Context], str]:
    return lambda context: f"must be {words} {context[limit]} s"


def _characters(context: Context) -> str:
    return f"must have at most {context['max_length']} characters"


_SENTENCES: Mapping[str, Callable[[Context], str]] = MappingProxyType(
    {
        "string_type": lambda _: "must be text in quotes",
        "tuple_type": lambda _: "must be a list in brackets, also of one thing",
        "int_type": lambda _: "must be a whole number without quotes",
        "bool_type": lambda _: "must be true or false, without quotes",
        "dict_type": lambda _: "must be a table",
        "dataclass_type": lambda _: "must be a table",
        "string_too_short": lambda _: "must not be empty",
        "string_too_long": _characters,
        "greater_than_equal": _seconds("at least", "ge"),
        "less_than_equal": _seconds("at most", "le"),
        "literal_error": lambda context: f"must be {context['expected']}".replace("'", '"'),
        "missing": lambda _: "is missing and has to be there",
        "value_error": lambda context: str(context["error"]),
    }
)
_OF_FORM = frozenset(
    {"string_type", "tuple_type", "int_type", "dict_type", "dataclass_type", "missing"}
)


def sentence(
    fault: str,
    message: str,
    where: tuple[int | str, ...],
    context: Context,
    *,
    record: str,
    toml: bool,
) -> str:
    """What to do about ``fault``, of pydantic's types, at ``where`` within a ``record``."""
    found = _SENTENCES.get(fault)
    said = found(context) if found else message.replace("Input should", "must")
    field = where[-1] if where else ""
    example = EXAMPLES.get(str(field))
    if isinstance(field, int):  # of one thing in a list
        listed = EXAMPLES.get(str(where[-2]))
        example = listed[0] if isinstance(listed, list) else None
    if fault in _OF_FORM and example is not None:
        said += f", such as {spelled(example, toml=toml)}"
    maker = MAKERS.get(str(field)) or MAKERS.get(f"{record}.{field}")
    if maker and fault in _OF_FORM | {"value_error"}:
        said += f"; {maker}"
    return said
