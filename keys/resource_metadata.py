"""What a resource server says of itself, so that clients find its issuer (RFC 9728)."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from keys.algorithms import names_of
from keys.dpop_policy import DPoP
from keys.errors import SCOPE_TOKEN
from keys.fetching import check_url
from keys.mtls import MTLS

WELL_KNOWN = "/.well-known/oauth-protected-resource"

MAX_AGE = 300
"""Seconds for which the document may be kept: a change is known everywhere by then."""

_CORS = (("Access-Control-Allow-Origin", "*"),)
# Scripts name the version of MCP that they speak in a field of its own, and that is asked about.
# The asterisk is every field but Authorization (Fetch section 4.8), which has no use here.
_PREFLIGHT = (
    *_CORS,
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", "600"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceMetadata:
    """``Verifier(..., metadata=ResourceMetadata(...))``: what it cannot know by itself.

    Raises:
        ValueError: an option makes no sense.
    """

    scopes_supported: Collection[str] = ()
    """Those that clients may ask for here."""
    scope: Collection[str] | None = None
    """Those that a client without a token is told to ask for; by default ``scopes_supported``."""
    resource_name: str = ""
    """For people to read."""
    resource_documentation: str = ""
    """The URL of a page for developers."""

    def __post_init__(self) -> None:
        for scopes in (self.scopes_supported, self.scope or ()):
            if isinstance(scopes, str) or not all(map(SCOPE_TOKEN.fullmatch, scopes)):
                raise ValueError("scopes are a collection, each without blanks and quotation marks")
        if self.resource_documentation:
            check_url(self.resource_documentation)

    @property
    def guidance(self) -> str:
        """``scope`` as a challenge says it (RFC 6750 section 3)."""
        return " ".join(self.scopes_supported if self.scope is None else self.scope)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to whoever asks for the document."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Published:
    """The metadata of one resource server, as they are found."""

    url: str
    """Where clients find them, as challenges say (section 5.1)."""
    path: str
    """That of ``url``, decoded."""
    scope: str
    """What a client without a token should ask for; empty where nobody said."""
    document: Mapping[str, Any]

    def answer(self, method: str) -> Answer:
        """What is answered to a request for ``path``, with or without credentials."""
        body = json.dumps(self.document).encode()
        length = ("Content-Length", str(len(body)))
        fields = (("Content-Type", "application/json"), length, *_CORS)
        kept = (("Cache-Control", f"public, max-age={MAX_AGE}"),)
        answers = {
            "GET": Answer(200, fields + kept, body),
            "HEAD": Answer(200, fields + kept),
            "OPTIONS": Answer(204, _PREFLIGHT),
        }
        refused = Answer(405, (("Allow", ", ".join(answers)), ("Content-Length", "0"), *_CORS))
        return answers.get(method, refused)


def publish(
    resource: str,
    issuer: str,
    metadata: ResourceMetadata,
    *,
    dpop: DPoP | None = None,
    mtls: MTLS | None = None,
) -> Published:
    """The metadata of ``resource``, whose tokens ``issuer`` issues (RFC 9728 section 2).

    Raises:
        ValueError: no metadata can be found from ``resource`` (section 1.2): it is no URL, or
            neither https nor http on loopback, or it has a query.
    """
    url = metadata_url(resource)
    document: dict[str, Any] = {
        "resource": resource,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
    }
    if metadata.scopes_supported:
        document["scopes_supported"] = list(metadata.scopes_supported)
    for name in ("resource_name", "resource_documentation"):
        if said := getattr(metadata, name):
            document[name] = said
    if mtls is not None:
        document["tls_client_certificate_bound_access_tokens"] = True
    if dpop is not None:
        document["dpop_signing_alg_values_supported"] = list(names_of(dpop.algorithms))
        # Where certificates are taken beside, a token may do without a proof.
        document["dpop_bound_access_tokens_required"] = dpop.required and mtls is None
    return Published(url, unquote(urlsplit(url).path), metadata.guidance, document)


def metadata_url(resource: str) -> str:
    """Where the metadata of ``resource`` are: before its path (RFC 9728 section 3.1).

    Raises:
        ValueError: as ``publish``.
    """
    try:
        check_url(resource)
    except ValueError as error:
        raise ValueError(
            f"for metadata the audience has to be the resource's URL: {error}"
        ) from None
    parts = urlsplit(resource)
    if "?" in resource:
        raise ValueError("for metadata the audience has no query")
    path = "" if parts.path == "/" else parts.path
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{path}"
