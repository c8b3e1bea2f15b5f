"""Routes by the path as it was sent: one spelling each.

``//token``, ``/%74oken`` and ``/token/`` are other paths: what a proxy in front allows or denies by
path must mean the same here (security P12).
"""

from typing import Any

import falcon.asgi
from falcon.responders import create_method_not_allowed
from falcon.routing import map_http_methods

Route = tuple[object, dict[str, Any], dict[str, Any], str]

_NOWHERE = (b"", None)


class _Methods(dict[str, Any]):
    """What answers each method. Nobody can name them all, so what is not here is not allowed."""

    def __init__(self, resource: object) -> None:
        super().__init__(map_http_methods(resource))
        self._not_allowed = create_method_not_allowed(sorted(self), asgi=True)

    def __missing__(self, _: str) -> Any:
        return self._not_allowed


class ExactRouter:
    """A table from whole paths to resources."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[bytes, Route]] = {}

    def add_route(self, uri_template: str, resource: object, **_: object) -> None:
        """Every method that ``resource`` does not have answers 405, OPTIONS included."""
        route: Route = (resource, _Methods(resource), {}, uri_template)
        self._routes[uri_template] = (uri_template.encode("ascii"), route)

    def find(self, uri: str, req: falcon.asgi.Request) -> Route | None:
        """The route of ``uri``, if the client spelled it so."""
        spelling, route = self._routes.get(uri, _NOWHERE)
        return route if req.scope["raw_path"] == spelling else None
