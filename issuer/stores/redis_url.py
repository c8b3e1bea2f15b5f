"""The URLs of a Redis, read and checked without redis-py, and without a secret in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

PASSWORD_VARIABLE = "ISSUER_REDIS_PASSWORD"
SENTINEL_PASSWORD_VARIABLE = "ISSUER_REDIS_SENTINEL_PASSWORD"

TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")

PLAIN, UNIX, SENTINEL, CLUSTER = "", "unix", "sentinel", "cluster"


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a URL that begins so is about."""

    kind: str
    tls: bool
    example: str


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "redis": Scheme(PLAIN, tls=False, example="redis://redis.example:6379/0"),
        "rediss": Scheme(PLAIN, tls=True, example="rediss://issuer@redis.example:6379/0"),
        "unix": Scheme(UNIX, tls=False, example="unix:///run/redis/redis.sock?db=0"),
        "redis+sentinel": Scheme(
            SENTINEL, tls=False, example="redis+sentinel://one.example,two.example/mymaster/0"
        ),
        "rediss+sentinel": Scheme(
            SENTINEL, tls=True, example="rediss+sentinel://one.example,two.example/mymaster/0"
        ),
        "redis+cluster": Scheme(
            CLUSTER, tls=False, example="redis+cluster://one.example,two.example"
        ),
        "rediss+cluster": Scheme(
            CLUSTER, tls=True, example="rediss+cluster://one.example,two.example"
        ),
    }
)
_DEFAULT_PORTS: Mapping[str, int] = MappingProxyType({SENTINEL: 26379})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a Redis is, and as whom to go there."""

    kind: str
    tls: bool
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    """Of a socket in the file system."""
    service: str = ""
    """What Sentinel calls the master."""
    db: int = 0
    username: str = ""
    tls_files: Mapping[str, str] = field(default_factory=dict)
    """As redis-py names them: of the CA, of the client's certificate and of its key."""


def read(url: str, folder: Path = Path()) -> Address:
    """What ``url`` says; paths of certificates count from ``folder``.

    Raises:
        ValueError: in words that continue "issuer.replay_store …", and without a part of the URL.
    """
    scheme = SCHEMES[url.partition(":")[0]]
    such_as = f', such as "{scheme.example}"'
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"must be a URL{such_as}") from None
    user, _, hosts = parts.netloc.rpartition("@")
    if ":" in user:
        raise ValueError(
            f"must hold no password: put it into a file that {PASSWORD_VARIABLE}_FILE names where "
            f"the workers start, or into {PASSWORD_VARIABLE}"
        )
    if not url.startswith(f"{parts.scheme}://") or not url.isprintable() or parts.fragment:
        raise ValueError(f"must be a URL{such_as}")
    service, db = _path(scheme, parts.path, such_as)
    options = _options(scheme, parts.query)
    return Address(
        kind=scheme.kind,
        tls=scheme.tls,
        hosts=_hosts(scheme, hosts, such_as),
        path=unquote(parts.path) if scheme.kind == UNIX else "",
        service=service,
        db=_db(options.pop("db", db), such_as),
        username=unquote(user),
        tls_files={name: str(folder / path) for name, path in options.items()},
    )


def fault(url: str) -> str:
    """What is wrong with ``url``; empty where nothing is."""
    try:
        read(url)
    except ValueError as error:
        return str(error)
    return ""


def _hosts(scheme: Scheme, text: str, such_as: str) -> tuple[tuple[str, int], ...]:
    if scheme.kind == UNIX:
        if text:
            raise ValueError(f"must have three slashes before the path{such_as}")
        return ()
    hosts = tuple([_host(each, scheme) for each in text.split(",")])
    if not all(host and port for host, port in hosts):
        raise ValueError(f"must name a host, and a port from 1 to 65535 if any{such_as}")
    if scheme.kind == PLAIN and len(hosts) > 1:
        raise ValueError(
            f'must name one host; several are for "{_sibling(scheme, SENTINEL)}://" and '
            f'"{_sibling(scheme, CLUSTER)}://"'
        )
    return hosts


def _sibling(scheme: Scheme, kind: str) -> str:
    """The scheme of ``kind`` that is as secret as ``scheme``."""
    return f"redis{'s' * scheme.tls}+{kind}"


def _host(text: str, scheme: Scheme) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return "", 0
    return parts.hostname or "", _DEFAULT_PORTS.get(scheme.kind, 6379) if port is None else port


def _path(scheme: Scheme, path: str, such_as: str) -> tuple[str, str]:
    """The service and the database that ``path`` names."""
    if scheme.kind == UNIX:
        if path in {"", "/"}:
            raise ValueError(f"must name a socket{such_as}")
        return "", "0"
    if scheme.kind == CLUSTER:
        if path not in {"", "/"}:
            raise ValueError(f"must have no path: a cluster has one database{such_as}")
        return "", "0"
    first, _, second = path.removeprefix("/").partition("/")
    if scheme.kind == SENTINEL:
        if not first:
            raise ValueError(f"must name the master as Sentinel does{such_as}")
        return unquote(first), second or "0"
    if second:
        raise ValueError(f"must have a number behind the host{such_as}")
    return "", first or "0"


def _db(text: str, such_as: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len("65535")):
        raise ValueError(f"must give the database as a number{such_as}")
    return int(text)


def _options(scheme: Scheme, query: str) -> dict[str, str]:
    known = (*(("db",) if scheme.kind == UNIX else ()), *(TLS_FILES if scheme.tls else ()))
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in known or name in options or not value:
            if not known:
                raise ValueError("may have no parameters")
            raise ValueError(f"may have as parameters, once each, {', '.join(known)}")
        options[name] = value
    if "ssl_keyfile" in options and "ssl_certfile" not in options:
        raise ValueError("must have ssl_certfile beside ssl_keyfile")
    return options
