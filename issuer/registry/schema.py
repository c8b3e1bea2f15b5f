"""The JSON Schema of a registry file, read off the records and tables that also check it.

It says what an editor can check while somebody types. What holds between records (nothing dangles,
nothing contradicts) and within texts (URIs, scopes) is for ``issuer check``.
"""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from issuer.registry.branding import Branding
from issuer.registry.consistency import Offered
from issuer.registry.parsing import TABLES
from issuer.registry.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


class _Untitled(GenerateJsonSchema):
    """A field's name is title enough."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def of(offered: Offered) -> Schema:
    """The schema of a registry file for an issuer with these tables."""
    definitions: Schema = {}
    tables = {"issuer": _record(Settings, definitions)}
    for table, (kind, key) in TABLES.items():
        record = _record(kind, definitions)
        record["required"] = [name for name in record.get("required", ()) if name != key]
        record["properties"][key] = {"type": "string", "description": "The key it stands under."}
        tables[table] = {"type": "object", "additionalProperties": record}
    sentences = {"type": "string", "description": "What the consent page says."}
    tables["scopes"] = {"type": "object", "additionalProperties": sentences}
    tables["branding"] = _record(Branding, definitions)
    _offer(tables, offered)
    return {
        "$schema": DIALECT,
        "title": "Registry",
        "description": "Everything the issuer knows about others. It holds no secret.",
        "type": "object",
        "properties": tables,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _record(kind: type[Any], definitions: Schema) -> Schema:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    record = adapter.json_schema(schema_generator=_Untitled)
    definitions |= record.pop("$defs", {})
    for each in record["properties"].values():
        if not each.get("default", True):
            del each["default"]  # nothing, said at length
    return record


def _offer(tables: Schema, offered: Offered) -> None:
    """Narrows each name that a table of the issuer must have to the names it has."""
    client = tables["clients"]["additionalProperties"]["properties"]
    resource = tables["resources"]["additionalProperties"]["properties"]
    client["grant_types"]["items"]["enum"] = list(offered.grant_types)
    client["token_endpoint_auth_method"]["enum"] = list(offered.token_endpoint_auth_methods)
    resource["introspection_endpoint_auth_method"]["enum"] = list(
        offered.introspection_endpoint_auth_methods
    )
    resource["access_token_type"]["enum"] = list(offered.access_token_types)
