"""A browser without a screen: follows redirects, keeps cookies, fills in forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from tests.builders import CALLBACK, CHALLENGE, PASSWORD
from tests.running import RunningIssuer

SENT = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": CALLBACK,
    "scope": "read",
    "state": "a-state",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@dataclass
class Page:
    """What was shown, with the form on it."""

    url: str
    status: int
    headers: httpx.Headers
    html: str
    ids: set[str] = field(default_factory=set)
    action: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.page.ids.add(given["id"])
        if tag == "form":
            self.page.action = urljoin(self.page.url, given.get("action", ""))
        if tag == "input" and "name" in given:
            self.page.fields[given["name"]] = given.get("value", "")
        if tag == "button" and "id" in given:
            self.page.buttons[given["id"]] = (given.get("name", ""), given.get("value", ""))


class Browser:
    """One person's browser at ``issuer``; it stops where a redirect leads out of it."""

    def __init__(self, issuer: RunningIssuer, **options: Any) -> None:
        self.url = issuer.url
        self.also = issuer.url
        """Where else redirects are followed to: a login application."""
        self.http = httpx.Client(timeout=20, **options)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def authorize(self, **changes: str | None) -> Page | dict[str, str]:
        """Follows a client's link to the authorization endpoint."""
        sent = {name: value for name, value in {**SENT, **changes}.items() if value is not None}
        return self.get(f"{self.url}/authorize", params=sent)

    def get(self, url: str, **options: Any) -> Page | dict[str, str]:
        """The page at ``url``, or what the client is told if it leads there."""
        return self._follow(self.http.get(url, **options))

    def submit(self, page: Page, button: str | None = None, **filled: str) -> Page | dict[str, str]:
        """Fills in the form of ``page`` and sends it."""
        assert page.action is not None
        name, value = page.buttons[button] if button else ("", "")
        pressed = {name: value} if name else {}
        return self._follow(self.http.post(page.action, data={**page.fields, **filled, **pressed}))

    def log_in(self, page: Page, username: str = "alice", password: str = PASSWORD) -> Any:
        """Fills in the login page."""
        return self.submit(page, username=username, password=password)

    def _follow(self, response: httpx.Response) -> Page | dict[str, str]:
        while response.is_redirect:
            if str(response.url).startswith(self.url + "/"):
                assert response.status_code == 303  # B4: never 307
            location = urljoin(str(response.url), response.headers["location"])
            if not location.startswith((self.url + "/", self.also)):
                pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True)
                assert len(dict(pairs)) == len(pairs)
                return {"to": location.partition("?")[0], **dict(pairs)}
            response = self.http.get(location)
        page = Page(str(response.url), response.status_code, response.headers, response.text)
        _Reader(page).feed(response.text)
        return page
