"""Routes by the path as it was sent: one spelling each.

``//token``, ``/%74oken`` and ``/token/`` are other paths: what a proxy in front allows or denies by
path must mean the same here (security P12).
"""

from typing import Any

import falcon
from falcon.responders import create_method_not_allowed
from falcon.routing import map_http_methods

Route = tuple[object, dict[str, Any], dict[str, Any], str]


class ExactRouter:
    """A table from whole paths to resources."""

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}

    def add_route(self, uri_template: str, resource: object, **_: object) -> None:
        """Every method that ``resource`` does not have answers 405, OPTIONS included."""
        methods: dict[str, Any] = dict(map_http_methods(resource))
        not_allowed = create_method_not_allowed(sorted(methods), asgi=True)
        for method in falcon.COMBINED_METHODS:
            methods.setdefault(method, not_allowed)
        self._routes[uri_template] = (resource, methods, {}, uri_template)

    def find(self, uri: str, req: falcon.asgi.Request) -> Route | None:
        """The route of ``uri``, if the client spelled it so."""
        route = self._routes.get(uri)
        if route is None or req.scope["raw_path"] != route[3].encode("ascii"):
            return None
        return route
