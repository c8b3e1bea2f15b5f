"""The registry: what it refuses, where it says that is, and the nearest thing that it takes."""

import copy
import json
from typing import Any

import pytest

from issuer.registry import InvalidRegistry, Registry, parse
from issuer.registry.advice import warnings
from issuer.registry.client import DEVICE_CODE
from issuer.registry.secret import sha256_hash
from issuer.token import OFFERED
from tests.builders import API, CALLBACK, ISSUER, PASSWORD_HASH, SECRET

HASH = sha256_hash(SECRET)
LEAKED = "hunter2hunter2hunter2"
WHOLE: dict[str, Any] = {
    "issuer": {"url": ISSUER},
    "resources": {API: {"scopes": ["read", "write"]}},
    "clients": {
        "web": {
            "client_secrets": [{"hash": HASH}],
            "grant_types": ["authorization_code"],
            "redirect_uris": [CALLBACK],
            "scope": "read",
            "resources": [API],
        }
    },
    "users": {"alice": {"password_hash": PASSWORD_HASH, "email": "alice@example.com"}},
    "scopes": {"read": "Read your invoices"},
    "branding": {},
}
GONE = object()

URL = ("issuer", "url")
STORE, STORED = ("issuer", "replay_store"), "issuer.replay_store"
TLS_PARAMETERS = "may have as parameters, once each, ssl_ca_certs, ssl_certfile, ssl_keyfile"
WEB = ("clients", "web")
SECRETS = (*WEB, "client_secrets")
RESOURCE = ("resources", API)
BOB = ("users", "bob")
LOGO_AT = ("branding", "logo")

INTEGER = "must be a whole number without quotes, such as 600"
TIME = "must be an RFC 3339 time with its offset, such as 2026-11-01T00:00:00Z"
MISSING_URL = 'is missing and has to be there, such as "https://id.example"'
NEVER = (
    "must be a hash, never the secret: sha256: and 43 characters of base64url for a generated one, "
    "$argon2id$… for a chosen one; `issuer client secret` makes one"
)
PHC = "must be a whole argon2id PHC string, $argon2id$v=19$m=…,t=…,p=…$salt$hash"
BY_SECRET = "; `issuer client secret` makes one"
BY_USER = "; `issuer user add` makes one"
ADD_SCOPE = "; add it to the scopes of a resource, or take it out"
COSTLY = "costs more to check than 256 MiB or 16 passes: hash it anew with less" + BY_SECRET
TABLE = "must be a table of fields, not a value"
ONCE = "must name each thing once: take one of the two out"
LIST = "must be a list in brackets, also of one thing, such as "
BOOLEAN = "must be true or false, without quotes"
CONTROL = "must have no control characters, such as a line end or a tab"
HTTPS = "must be https; http is for 127.0.0.1, [::1] and localhost only"
LINK = "must be a URL with a host, without user information or spaces"
COLOR = "must be six hexadecimal digits, such as #2f55c8"
LOGO = (
    "must be the image itself, as data:image/png;base64,… (or jpeg, gif, webp, svg+xml): "
    "pages load nothing from elsewhere"
)
ORIGINS = (*WEB, "allowed_cors_origins")
ORIGIN = (
    "must be an origin as browsers send it: https://app.example or https://app.example:8443 in "
    "lower case without a path; http is for 127.0.0.1, [::1] and localhost only"
)
SPACED = 'must be scopes separated by single spaces, such as "read write"'


def changed(*changes: tuple[tuple[Any, ...], Any]) -> dict[str, Any]:
    """The whole registry with other values at these paths."""
    table = copy.deepcopy(WHOLE)
    for path, value in changes:
        holder = table
        for step in path[:-1]:
            holder = holder[step]
        if value is GONE:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
    return table


def parsed(table: Any) -> Registry:
    return parse({"registry.json": json.dumps(table).encode()}, OFFERED)


def problems_of(files: dict[str, bytes]) -> list[str]:
    """Everything that is wrong with ``files``; nothing of it may hold LEAKED."""
    with pytest.raises(InvalidRegistry) as refused:
        parse(files, OFFERED)
    assert LEAKED not in str(refused.value)
    return [str(each) for each in refused.value.problems]


def problems_in(table: Any) -> list[str]:
    return problems_of({"registry.json": json.dumps(table).encode()})


def located(path: str, sentence: str) -> str:
    return f"registry.json: {path}: {sentence}"


def test_the_registry_that_the_others_are_changed_from_is_taken():
    registry = parsed(WHOLE)
    assert registry.clients["web"].redirect_uris == (CALLBACK,)
    assert registry.digest.startswith("sha256:")


NO_PROXY = (
    'must be an IP address or a network, such as 10.0.0.7 or "fd00::/8" without bits behind the '
    'prefix, or "unix:" for a unix socket'
)

REFUSED: list[tuple[str, tuple[Any, ...], Any, str, str]] = [
    # --- [issuer] ---
    ("http", URL, "http://x.example", "issuer.url",
     "must be https; http is for 127.0.0.1, [::1] and localhost only"),
    ("ftp", URL, "ftp://x.example", "issuer.url",
     "must be https; http is for 127.0.0.1, [::1] and localhost only"),
    ("a slash at the end", URL, ISSUER + "/", "issuer.url",
     "must be ASCII and must not end in a slash: clients compare it exactly"),
    ("a query", URL, ISSUER + "?a", "issuer.url",
     "must be a URL without user information, query or fragment (RFC 8414)"),
    ("a fragment", URL, ISSUER + "#", "issuer.url",
     "must be a URL without user information, query or fragment (RFC 8414)"),
    ("user information", URL, "https://u@x.example", "issuer.url",
     "must be a URL without user information, query or fragment (RFC 8414)"),
    ("a port that is none", URL, "https://x.example:x", "issuer.url", "must be an absolute URL"),
    ("a blank", URL, "https://x.example/a b", "issuer.url",
     "must be ASCII and must not end in a slash: clients compare it exactly"),
    ("no url", URL, GONE, "issuer.url", MISSING_URL),
    ("no issuer", ("issuer",), GONE, "issuer.url", MISSING_URL),
    ("a misspelt key", ("issuer", "access_token_lifetme"), 1, "issuer.access_token_lifetme",
     'unknown key; did you mean "access_token_lifetime"?'),
    ("a proxy by name", ("issuer", "trusted_proxies"), ["proxy.example"],
     "issuer.trusted_proxies[0]", NO_PROXY),
    ("a proxy's port", ("issuer", "trusted_proxies"), ["10.0.0.7:80"],
     "issuer.trusted_proxies[0]", NO_PROXY),
    ("a network with bits of an address", ("issuer", "trusted_proxies"), ["::1", "10.0.0.7/8"],
     "issuer.trusted_proxies[1]", NO_PROXY),
    ("everybody as a proxy", ("issuer", "trusted_proxies"), ["0.0.0.0/0"],
     "issuer.trusted_proxies[0]", "must not be everybody: then everybody says who they are"),
    ("IPv4 proxies as IPv6", ("issuer", "trusted_proxies"), ["::ffff:10.0.0.0/104"],
     "issuer.trusted_proxies[0]", "must be written as IPv4"),
    ("the same proxy twice", ("issuer", "trusted_proxies"), ["unix:", "unix:"],
     "issuer.trusted_proxies", "must name each thing once: take one of the two out"),
    ("an unknown store", ("issuer", "replay_store"), "redsi:x", "issuer.replay_store",
     '"redsi" is not known here; did you mean "redis"?'),
    ("a password in a store's URL", STORE, "redis://:x@redis.example", STORED,
     "must hold no password: put it into a file that ISSUER_REDIS_PASSWORD_FILE names where the "
     "workers start, or into ISSUER_REDIS_PASSWORD"),
    ("a password beside its user", STORE, "rediss+sentinel://u:x@a.example,b.example/m", STORED,
     "must hold no password: put it into a file that ISSUER_REDIS_PASSWORD_FILE names where the "
     "workers start, or into ISSUER_REDIS_PASSWORD"),
    ("a password as a parameter", STORE, "redis://redis.example?password=x", STORED,
     "may have no parameters"),
    ("certificates without TLS", STORE, "redis://redis.example?ssl_ca_certs=ca.pem", STORED,
     "may have no parameters"),
    ("TLS that checks nothing", STORE, "rediss://redis.example?ssl_cert_reqs=none", STORED,
     TLS_PARAMETERS),
    ("a parameter twice", STORE, "rediss://redis.example?ssl_ca_certs=a&ssl_ca_certs=b", STORED,
     TLS_PARAMETERS),
    ("an empty parameter", STORE, "rediss://redis.example?ssl_ca_certs=", STORED, TLS_PARAMETERS),
    ("a key without its certificate", STORE, "rediss://redis.example?ssl_keyfile=k", STORED,
     "must have ssl_certfile beside ssl_keyfile"),
    ("no host", STORE, "redis:///0", STORED,
     'must name a host, and a port from 1 to 65535 if any, such as "redis://redis.example:6379/0"'),
    ("no slashes", STORE, "redis:redis.example", STORED,
     'must be a URL, such as "redis://redis.example:6379/0"'),
    ("a store's port that is none", STORE, "redis://redis.example:x", STORED,
     'must name a host, and a port from 1 to 65535 if any, such as "redis://redis.example:6379/0"'),
    ("a port beyond the last", STORE, "redis://redis.example:65536", STORED,
     'must name a host, and a port from 1 to 65535 if any, such as "redis://redis.example:6379/0"'),
    ("two hosts", STORE, "rediss://a.example,b.example", STORED,
     'must name one host; several are for "rediss+sentinel://" and "rediss+cluster://"'),
    ("a database by name", STORE, "redis://redis.example/tokens", STORED,
     'must give the database as a number, such as "redis://redis.example:6379/0"'),
    ("a path of two parts", STORE, "redis://redis.example/0/1", STORED,
     'must have a number behind the host, such as "redis://redis.example:6379/0"'),
    ("no socket", STORE, "unix://", STORED,
     'must name a socket, such as "unix:///run/redis/redis.sock?db=0"'),
    ("a socket with two slashes", STORE, "unix://run/redis.sock", STORED,
     'must have three slashes before the path, such as "unix:///run/redis/redis.sock?db=0"'),
    ("no master", STORE, "redis+sentinel://a.example,b.example", STORED,
     "must name the master as Sentinel does, such as "
     '"redis+sentinel://one.example,two.example/mymaster/0"'),
    ("a database of a cluster", STORE, "redis+cluster://a.example/1", STORED,
     "must have no path: a cluster has one database, such as "
     '"redis+cluster://one.example,two.example"'),
    ("a misspelt store", ("issuer", "replay_store"), "sqlit:x", "issuer.replay_store",
     '"sqlit" is not known here; did you mean "sqlite"?'),
    ("no lifetime", ("issuer", "access_token_lifetime"), 0, "issuer.access_token_lifetime",
     "must be at least 1 s"),
    ("a lifetime as text", ("issuer", "access_token_lifetime"), "600",
     "issuer.access_token_lifetime", INTEGER),
    ("a lifetime that is true", ("issuer", "access_token_lifetime"), True,
     "issuer.access_token_lifetime", INTEGER),
    ("a lifetime with a point", ("issuer", "access_token_lifetime"), 600.0,
     "issuer.access_token_lifetime", INTEGER),
    ("a token of more than a day", ("issuer", "access_token_lifetime"), 86_401,
     "issuer.access_token_lifetime", "must be at most 86400 s"),
    ("a code of more than ten minutes", ("issuer", "authorization_code_lifetime"), 601,
     "issuer.authorization_code_lifetime", "must be at most 600 s"),
    ("a refresh token of more than a year", ("issuer", "refresh_token_lifetime"), 367 * 86_400,
     "issuer.refresh_token_lifetime", "must be at most 31622400 s"),
    ("a grace of more than a minute", ("issuer", "refresh_token_grace"), 61,
     "issuer.refresh_token_grace", "must be at most 60 s"),
    ("a grace below none", (*WEB, "refresh_token_grace"), -1, "clients.web.refresh_token_grace",
     "must be at least 0 s"),
    ("an idle time shorter than any grace", (*WEB, "refresh_token_idle_lifetime"), 59,
     "clients.web.refresh_token_idle_lifetime", "must be at least 60 s"),
    ("rotation as a word", (*WEB, "rotate_refresh_tokens"), "yes",
     "clients.web.rotate_refresh_tokens", BOOLEAN),
    ("rotation that nothing remembers", (*WEB, "rotate_refresh_tokens"), True,
     "clients.web.rotate_refresh_tokens",
     'needs a replay_store under [issuer], which remembers what was used, such as '
     '"sqlite:replay.db": set one, or take this out'),
    ("a date without time", ("issuer", "not_before"), "2026-11-01", "issuer.not_before",
     TIME + '; "2026-11-01" is no time: it is a day alone; add the time and its offset, such as '
     "T00:00:00Z"),
    ("a time without offset", ("issuer", "not_before"), "2026-11-01T00:00:00", "issuer.not_before",
     TIME + '; "2026-11-01T00:00:00" is no time: it has no offset; add one, such as Z'),
    ("milliseconds", ("issuer", "not_before"), 1_800_000_000_000, "issuer.not_before", TIME),
    ("a negative time", ("issuer", "not_before"), -1, "issuer.not_before", TIME),
    ("an acr of two words", ("issuer", "acr_values_supported"), ["1", "2 3"],
     "issuer.acr_values_supported[1]",
     "must have no blanks: clients list what they want with blanks between"),
    ("an acr twice", ("issuer", "acr_values_supported"), ["1", "1"],
     "issuer.acr_values_supported", ONCE),
    ("one blocked subject as text", ("issuer", "blocked_subjects"), "bob",
     "issuer.blocked_subjects", LIST + '["248289761001"]'),
    ("a blocked subject twice", ("issuer", "blocked_subjects"), ["bob", "bob"],
     "issuer.blocked_subjects", ONCE),
    ("an empty subject blocked", ("issuer", "blocked_subjects"), ["bob", ""],
     "issuer.blocked_subjects[1]", "must not be empty"),
    ("a client blocked as a subject", ("issuer", "blocked_subjects"), ["bob", "web"],
     "issuer.blocked_subjects[1]",
     "is a client's client_id; a client is taken away by deleting its table"),
    # --- [clients] ---
    ("a secret in clear", (*WEB, "client_secret"), LEAKED, "clients.web.client_secret",
     'unknown key; did you mean "client_secrets"?'),
    ("a secret for a hash", SECRETS, [{"hash": LEAKED}], "clients.web.client_secrets[0].hash",
     NEVER),
    ("a hash that is cut off", SECRETS, [{"hash": HASH[:-1]}],
     "clients.web.client_secrets[0].hash", NEVER),
    ("a hash in hexadecimal", SECRETS, [{"hash": "sha256:" + "0" * 64}],
     "clients.web.client_secrets[0].hash", NEVER),
    ("a hash with a line end", SECRETS, [{"hash": HASH + "\n"}],
     "clients.web.client_secrets[0].hash", NEVER),
    ("bcrypt", SECRETS, [{"hash": "$2b$12$abcdefghijklmnopqrstuv"}],
     "clients.web.client_secrets[0].hash", NEVER),
    ("argon2i", SECRETS, [{"hash": PASSWORD_HASH.replace("argon2id", "argon2i")}],
     "clients.web.client_secrets[0].hash", PHC + BY_SECRET),
    ("argon2id without its hash", SECRETS, [{"hash": PASSWORD_HASH.rpartition("$")[0] + "$x"}],
     "clients.web.client_secrets[0].hash", PHC + BY_SECRET),
    ("argon2id of 1 GB", SECRETS, [{"hash": PASSWORD_HASH.replace("m=8", "m=1048576")}],
     "clients.web.client_secrets[0].hash", COSTLY),
    ("argon2id of 17 passes", SECRETS, [{"hash": PASSWORD_HASH.replace("t=1", "t=17")}],
     "clients.web.client_secrets[0].hash", COSTLY),
    ("a secret that is a string", SECRETS, [LEAKED], "clients.web.client_secrets[0]",
     'must be a table, such as {"hash": "sha256:…"}'),
    ("secrets that are a string", SECRETS, LEAKED, "clients.web.client_secrets",
     LIST + '[{"hash": "sha256:…"}]' + BY_SECRET),
    ("a misspelt date of a secret", SECRETS, [{"hash": HASH, "expires": 1}],
     "clients.web.client_secrets[0].expires", 'unknown key; did you mean "expires_at"?'),
    ("a secret that ends before it begins", SECRETS,
     [{"hash": HASH}, {"hash": HASH, "not_before": 20, "expires_at": 20}],
     "clients.web.client_secrets[1].expires_at", "must be later than not_before"),
    ("no secret", SECRETS, [], "clients.web.client_secrets",
     "must have one; `issuer client secret` makes it, or the method is none"),
    ("a public client with a secret", (*WEB, "token_endpoint_auth_method"), "none",
     "clients.web.client_secrets",
     "a public client must have none, for it cannot keep one: take them out"),
    ("a misspelt method", (*WEB, "token_endpoint_auth_method"), "client_secret_bsic",
     "clients.web.token_endpoint_auth_method",
     '"client_secret_bsic" is not known here; did you mean "client_secret_basic"?'),
    ("a grant that is not on offer", (*WEB, "grant_types"), ["implicit"],
     "clients.web.grant_types",
     '"implicit" is not known here; there is authorization_code, client_credentials, '
     f"password, refresh_token, {DEVICE_CODE}, urn:ietf:params:oauth:grant-type:jwt-bearer, "
     "urn:ietf:params:oauth:grant-type:token-exchange"),
    ("devices whose decisions nobody keeps", (*WEB, "grant_types"),
     ["authorization_code", DEVICE_CODE], "clients.web.grant_types",
     f'has "{DEVICE_CODE}", which needs a replay_store under [issuer], where a decision waits for '
     'its device, such as "sqlite:replay.db": set one, or take this out'),
    ("a grant twice", (*WEB, "grant_types"), ["password", "password"], "clients.web.grant_types",
     ONCE),
    ("grants as text", (*WEB, "grant_types"), "password", "clients.web.grant_types",
     LIST + '["authorization_code", "refresh_token"]'),
    ("http for a redirect", (*WEB, "redirect_uris"), [CALLBACK, "http://x.example/"],
     "clients.web.redirect_uris[1]", HTTPS),
    ("a wildcard", (*WEB, "redirect_uris"), ["https://*.example/"],
     "clients.web.redirect_uris[0]", "must be one whole URI; wildcards are not matched"),
    ("no redirect URI", (*WEB, "redirect_uris"), [], "clients.web.redirect_uris",
     'authorization_code needs one, such as ["https://app.example/callback"]'),
    ("a scope of no resource", (*WEB, "scope"), "admin", "clients.web.scope",
     '"admin" is not known here; there is read, write' + ADD_SCOPE),
    ("a misspelt scope", (*WEB, "scope"), "raed", "clients.web.scope",
     '"raed" is not known here; did you mean "read"?'),
    ("two blanks in a scope", (*WEB, "scope"), "read  write", "clients.web.scope", SPACED),
    ("a scope as a list", (*WEB, "scope"), ["read"], "clients.web.scope",
     'must be one text, its scopes separated by single spaces, such as "read write"'),
    ("a misspelt resource", (*WEB, "resources"), ["https://api.exmple"], "clients.web.resources",
     f'"https://api.exmple" is not known here; did you mean "{API}"?'),
    ("a resource twice", (*WEB, "resources"), [API, API], "clients.web.resources", ONCE),
    ("PKCE as a word", (*WEB, "require_pkce"), "no", "clients.web.require_pkce", BOOLEAN),
    ("another client_id than its key", (*WEB, "client_id"), "other", "clients.web.client_id",
     "must equal the key it stands under; leave it out"),
    ("a claim of the issuer's", (*WEB, "claims"), {"tenant": 1, "sub": "x", "iss": "y"},
     "clients.web.claims", "must not set what the issuer says itself: iss, sub"),
    ("the grant of others", (*WEB, "claims"), {"grant_id": "x"},
     "clients.web.claims", "must not set what the issuer says itself: grant_id"),
    ("a client that is no table", WEB, LEAKED, "clients.web", TABLE),
    ("an empty client_id", ("clients", ""), WHOLE["clients"]["web"], 'clients."".client_id',
     "must not be empty"),
    ("a line feed in a client_id", ("clients", "a\nb"), WHOLE["clients"]["web"],
     'clients."a\\nb".client_id', CONTROL),
    ("a key that nothing is near to", (*WEB, "zzz"), LEAKED, "clients.web.zzz",
     "unknown key; `issuer schema` lists those that there are"),
    ("a link that runs", (*WEB, "client_uri"), "javascript:alert(1)", "clients.web.client_uri",
     HTTPS),
    ("a link in clear", (*WEB, "policy_uri"), "http://x.example", "clients.web.policy_uri", HTTPS),
    ("a link to nowhere", (*WEB, "tos_uri"), "https://", "clients.web.tos_uri", LINK),
    ("a link with a password", (*WEB, "tos_uri"), f"https://a:{LEAKED}@x.example",
     "clients.web.tos_uri", LINK),
    ("a link with a broken port", (*WEB, "tos_uri"), "https://x.example:y", "clients.web.tos_uri",
     "must be an absolute URL"),
    ("a logo from elsewhere", (*WEB, "logo_uri"), "https://x.example/logo.png",
     "clients.web.logo_uri", LOGO),
    ("consent that is asked for sometimes", (*WEB, "prompt_consent"), "sometimes",
     "clients.web.prompt_consent", 'must be "once" or "always"'),
    ("a type of application that is none", (*WEB, "application_type"), "spa",
     "clients.web.application_type", 'must be "web" or "native"'),
    ("a redirect URI required as a word", (*WEB, "require_redirect_uri"), "yes",
     "clients.web.require_redirect_uri", BOOLEAN),
    ("an algorithm that is none", (*WEB, "id_token_signed_response_alg"), "HS256",
     "clients.web.id_token_signed_response_alg", "must be one of ES256, RS256, PS256, EdDSA"),
    ("the issuer as a resource of a client", (*WEB, "resources"), [API, ISSUER],
     "clients.web.resources",
     "must not name the issuer, which is for every client with openid in its scope"),
    ("what the issuer knows of a user, without openid", (*WEB, "scope"), "email",
     "clients.web.scope", '"email" says who the user is, which takes "openid" beside it'),
    ("an origin of every host", ORIGINS, ["https://*.example"],
     "clients.web.allowed_cors_origins[0]", "must be one whole origin; wildcards are not matched"),
    ("every origin", ORIGINS, ["*"], "clients.web.allowed_cors_origins[0]",
     "must be one whole origin; wildcards are not matched"),
    ("no origin", ORIGINS, ["null"], "clients.web.allowed_cors_origins[0]", ORIGIN),
    ("an origin with a path", ORIGINS, ["https://a.example/"],
     "clients.web.allowed_cors_origins[0]", ORIGIN),
    ("an origin in upper case", ORIGINS, ["https://A.example"],
     "clients.web.allowed_cors_origins[0]", ORIGIN),
    ("an origin by http", ORIGINS, ["http://a.example"], "clients.web.allowed_cors_origins[0]",
     ORIGIN),
    ("an origin that only looks like loopback", ORIGINS, ["http://localhost.evil.example"],
     "clients.web.allowed_cors_origins[0]", ORIGIN),
    ("the usual port of an origin", ORIGINS, ["https://a.example:443"],
     "clients.web.allowed_cors_origins[0]",
     "must have no port where it is the usual one, and none beyond 65535"),
    ("a port beyond all", ORIGINS, ["http://localhost:65536"],
     "clients.web.allowed_cors_origins[0]",
     "must have no port where it is the usual one, and none beyond 65535"),
    # --- [resources] ---
    ("the issuer as a resource", ("resources", ISSUER), {}, f'resources."{ISSUER}"',
     "is the issuer itself, which is a resource without being named: take it out"),
    ("a resource that is no URI", ("resources", "api"), {}, "resources.api.resource",
     "must be an absolute URI without a fragment (RFC 8707 section 2)"),
    ("a fragment in a resource", ("resources", "https://a#b"), {},
     'resources."https://a#b".resource',
     "must be an absolute URI without a fragment (RFC 8707 section 2)"),
    ("a resource_name of two lines", (*RESOURCE, "resource_name"), "Invo\nices",
     f'resources."{API}".resource_name', CONTROL),
    ("a blank in a scope token", (*RESOURCE, "scopes"), ["read", "wri te"],
     f'resources."{API}".scopes[1]',
     'must be one scope, such as "read": printable ASCII without spaces, " and \\'),
    ("an unknown token type", (*RESOURCE, "access_token_type"), "bearer",
     f'resources."{API}".access_token_type',
     '"bearer" is not known here; did you mean "Bearer"?'),
    ("a misspelt key of a resource", (*RESOURCE, "scope"), [], f'resources."{API}".scope',
     'unknown key; did you mean "scopes"?'),
    # --- [users] ---
    ("a sub twice", BOB, {"sub": "alice"}, "users.bob.sub",
     'is also that of "alice": give one of them another'),
    ("a sub that is a client", BOB, {"sub": "web"}, "users.bob.sub",
     "is a client's client_id: resource servers could not tell the two apart; "
     "give the user another sub (RFC 9700 section 4.15)"),
    ("a username that is a client", ("users", "web"), {}, "users.web.sub",
     "is a client's client_id: resource servers could not tell the two apart; "
     "give the user another sub (RFC 9700 section 4.15)"),
    ("an address that is a username", BOB, {"email": "alice"}, "users.bob.email",
     'is also a login of "alice"'),
    ("an address twice", BOB, {"email": "alice@example.com"}, "users.bob.email",
     'is also a login of "alice"'),
    ("a password for a hash", BOB, {"password_hash": LEAKED}, "users.bob.password_hash",
     PHC + BY_USER),
    ("a fast hash of a password", BOB, {"password_hash": HASH}, "users.bob.password_hash",
     PHC + BY_USER),
    ("a misspelt key of a user", BOB, {"pasword_hash": LEAKED}, "users.bob.pasword_hash",
     'unknown key; did you mean "password_hash"?'),
    ("active as a word", BOB, {"active": "yes"}, "users.bob.active", BOOLEAN),
    ("a line feed in an address", BOB, {"email": LEAKED + "\n"}, "users.bob.email", CONTROL),
    # --- [branding] ---
    ("a page as a logo", LOGO_AT, "data:text/html;base64,AAAA", "branding.logo", LOGO),
    ("a logo that is not base64", LOGO_AT, "data:image/png;base64,<svg>", "branding.logo",
     "must be base64 behind the comma"),
    ("a large logo", LOGO_AT, "data:image/png;base64," + "A" * 32_768, "branding.logo",
     "is longer than 32 KiB"),
    ("a color by name", ("branding", "color"), "red", "branding.color", COLOR),
    ("a color that ends the rule", ("branding", "color"), "#123456;}", "branding.color", COLOR),
    ("a policy that runs", ("branding", "policy_uri"), "javascript:alert(1)",
     "branding.policy_uri", HTTPS),
    ("a misspelt key of the branding", ("branding", "colour"), "#123456", "branding.colour",
     'unknown key; did you mean "color"?'),
    ("a script for a picture", BOB, {"picture": "javascript:x"}, "users.bob.picture",
     "must be the URL of a web page, such as https://example.com/alice"),
    ("a misspelt key of an address", BOB, {"address": {"contry": "DE"}},
     "users.bob.address.contry", 'unknown key; did you mean "country"?'),
    ("a description of what nobody may ask", ("scopes", "email"), "x", "scopes.email",
     '"email" is not known here; there is read, write' + ADD_SCOPE),
    # --- [scopes] and tables ---
    ("a description of no scope", ("scopes", "admin"), "x", "scopes.admin",
     '"admin" is not known here; there is read, write' + ADD_SCOPE),
    ("a description that is none", ("scopes", "read"), 1, "scopes.read",
     'must be a sentence in quotes, such as "Read your invoices"'),
    ("an unknown table", ("client",), {}, "client", 'unknown table; did you mean "clients"?'),
    ("a table that is none", ("users",), [], "users", TABLE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "where", "sentence"),
    [pytest.param(*row[1:], id=row[0]) for row in REFUSED],
)
def test_what_is_wrong_is_refused_with_its_place(path, value, where, sentence):
    """Design section 3: file and path, and the near name of a misspelt one."""
    assert problems_in(changed((path, value))) == [located(where, sentence)]


TAKEN: list[tuple[str, tuple[Any, ...], Any]] = [
    ("http on loopback", URL, "http://127.0.0.1:8000"),
    ("http on ::1", URL, "http://[::1]:8000"),
    ("http on localhost", URL, "http://localhost"),
    ("a path", URL, ISSUER + "/tenant"),
    ("a store", ("issuer", "replay_store"), "sqlite:replay.db"),
    ("no store", ("issuer", "replay_store"), "none"),
    ("a Redis", STORE, "redis://redis.example"),
    ("a Redis by its address", STORE, "redis://[2001:db8::1]:6380/15"),
    (
        "a Redis with all that it can have",
        STORE,
        "rediss://issuer@redis.example:6380/2?ssl_ca_certs=a&ssl_certfile=b&ssl_keyfile=c",
    ),
    ("a socket", STORE, "unix:///run/redis/redis.sock"),
    ("a socket and a database", STORE, "unix://issuer@/run/redis.sock?db=3"),
    ("a Sentinel", STORE, "redis+sentinel://a.example:26380,[::1]/mymaster"),
    ("a cluster", STORE, "rediss+cluster://a.example,b.example/?ssl_ca_certs=ca.pem"),
    ("a token of a second", ("issuer", "access_token_lifetime"), 1),
    ("a token of a day", ("issuer", "access_token_lifetime"), 86_400),
    ("a code of ten minutes", ("issuer", "authorization_code_lifetime"), 600),
    ("a refresh token of a leap year", ("issuer", "refresh_token_lifetime"), 366 * 86_400),
    ("a time", ("issuer", "not_before"), "2026-11-01T00:00:00Z"),
    ("classes of assurance", ("issuer", "acr_values_supported"), ["1", "urn:mace:silver"]),
    ("subjects blocked, registered or not", ("issuer", "blocked_subjects"), ["bob", "alice"]),
    ("a time elsewhere", ("issuer", "not_before"), "2026-11-01T02:00:00+02:00"),
    ("argon2id", SECRETS, [{"hash": PASSWORD_HASH}]),
    ("a chosen secret of 256 MiB", SECRETS, [{"hash": PASSWORD_HASH.replace("m=8", "m=262144")}]),
    ("two secrets", SECRETS, [{"hash": HASH, "expires_at": 20}, {"hash": HASH, "not_before": 10}]),
    ("a secret of one second", SECRETS, [{"hash": HASH, "not_before": 10, "expires_at": 11}]),
    ("the body", (*WEB, "token_endpoint_auth_method"), "client_secret_post"),
    ("a loopback redirect", (*WEB, "redirect_uris"), ["http://127.0.0.1/cb"]),
    ("no scope", (*WEB, "scope"), ""),
    ("every scope", (*WEB, "scope"), "write read"),
    ("no PKCE", (*WEB, "require_pkce"), False),
    ("consent each time", (*WEB, "prompt_consent"), "always"),
    ("consent never", (*WEB, "skip_consent"), True),
    ("the redirect URI to the letter", (*WEB, "require_redirect_uri"), True),
    ("a native application", (*WEB, "application_type"), "native"),
    ("its own key as client_id", (*WEB, "client_id"), "web"),
    ("other claims", (*WEB, "claims"), {"tenant": {"a": [1, None, "x", 1.5, True]}}),
    ("a claim of 63 bits", (*WEB, "claims"), {"n": 2**63}),
    ("contacts", (*WEB, "contacts"), ["ops@example.com"]),
    ("an odd client_id", ("clients", "a:b c/\u00e4"), WHOLE["clients"]["web"]),
    ("a client_id of 255 characters", ("clients", "x" * 255), WHOLE["clients"]["web"]),
    (
        "origins",
        ORIGINS,
        [
            "https://a.example",
            "https://a.example:8443",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://[2001:db8::1]",
        ],
    ),
    ("openid", (*WEB, "scope"), "openid email read"),
    ("ID tokens by another algorithm", (*WEB, "id_token_signed_response_alg"), "ES256"),
    (
        "what is known of a user",
        BOB,
        {"name": "Bob", "email_verified": True, "address": {"formatted": "1 Street\nTown"}},
    ),
    ("a URN as a resource", ("resources", "urn:example:api"), {}),
    ("a user without anything", BOB, {}),
    ("a user with another sub", BOB, {"sub": "b-1"}),
    ("an inactive user", BOB, {"active": False}),
    ("a link", (*WEB, "client_uri"), "https://app.example/?a=b#c"),
    ("a link to this machine", (*WEB, "client_uri"), "http://localhost:3000"),
    ("a logo", (*WEB, "logo_uri"), "data:image/svg+xml;base64,AAAA"),
    ("the largest logo", LOGO_AT, "data:image/png;base64," + "A" * (32_768 - 24) + "=="),
    ("a color in capitals", ("branding", "color"), "#ABCDEF"),
    ("no branding", ("branding",), GONE),
    ("no users", ("users",), GONE),
    ("no scopes", ("scopes",), GONE),
    ("a resource_name", (*RESOURCE, "resource_name"), "Rechnungen & Zahlungen"),
    ("no clients", ("clients",), GONE),
]


@pytest.mark.parametrize(("path", "value"), [pytest.param(*row[1:], id=row[0]) for row in TAKEN])
def test_what_is_next_to_it_is_taken(path, value):
    assert parsed(changed((path, value)))


OPENID = ((*WEB, "scope"), "openid email")
ITSELF = ((*WEB, "grant_types"), ["authorization_code", "client_credentials"])


@pytest.mark.parametrize("changes", [(), (("scopes", "email"), "Know your e-mail address")])
def test_a_client_that_only_asks_who_the_user_is_needs_no_resource(changes):
    table = changed(OPENID, ((*WEB, "resources"), []), *([changes] if changes else []))
    assert parsed(table).clients["web"].is_relying_party
    wrong = "must name at least one resource, for a token has an audience; "
    wrong += "`issuer resource add` makes one"
    assert problems_in(changed(OPENID, ITSELF, ((*WEB, "resources"), []))) == [
        located("clients.web.resources", wrong)
    ]


def test_consent_is_not_both_asked_for_always_and_never():
    both = ((*WEB, "skip_consent"), True), ((*WEB, "prompt_consent"), "always")
    where = located("clients.web.prompt_consent", 'cannot be "always" where skip_consent = true')
    assert problems_in(changed(*both)) == [where]


PUBLIC = ((*WEB, "token_endpoint_auth_method"), "none"), (SECRETS, [])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param((), None, id="with PKCE and a code"),
        pytest.param(
            (((*WEB, "require_pkce"), False),),
            located("clients.web.require_pkce",
                    "a public client cannot go without PKCE (RFC 9700 2.1.1): take it out"),
            id="without PKCE",
        ),
        pytest.param(
            (((*WEB, "grant_types"), ["client_credentials"]),),
            located("clients.web.grant_types",
                    "client_credentials is for clients with a secret (RFC 6749 4.4): take it out"),
            id="for itself",
        ),
    ],
)  # fmt: skip
def test_a_public_client_has_rules_of_its_own(changes, problem):
    table = changed(*PUBLIC, *changes)
    assert problem is None or problems_in(table) == [problem]
    assert problem is not None or parsed(table).clients["web"].is_public


def test_the_same_instant_is_the_same_however_it_is_written():
    written = ["2026-11-01T00:00:00Z", "2026-11-01T02:00:00+02:00", 1_793_491_200]
    held = {parsed(changed((("issuer", "not_before"), each))).issuer.not_before for each in written}
    assert held == {1_793_491_200}


def test_all_problems_are_told_at_once():
    """Design section 3."""
    table = changed(
        (URL, "http://x.example"),
        ((*WEB, "scope"), "read  write"),
        ((*WEB, "redirect_uris"), ["http://x.example", "https://*.example"]),
        ((*WEB, "zzz"), 1),
        (("users", "alice"), {"password_hash": LEAKED, "active": 1}),
        ((*RESOURCE, "access_token_type"), "hawk"),
        (("tables",), {}),
    )
    wrong = problems_in(table)
    places = {each.split(": ")[1] for each in wrong}
    assert places == {
        "tables", "issuer.url", "clients.web.scope", "clients.web.redirect_uris[0]",
        "clients.web.redirect_uris[1]", "clients.web.zzz", "users.alice.password_hash",
        "users.alice.active", f'resources."{API}".access_token_type',
    }  # fmt: skip
    assert len(wrong) == len(places)


def test_a_broken_resource_is_not_said_to_be_missing_as_well():
    """One mistake, one problem."""
    table = changed(((*RESOURCE, "scopes"), ["read write"]))
    assert len(problems_in(table)) == 1


@pytest.mark.parametrize(
    "path",
    [
        (*WEB, "client_secret"), (*WEB, "scope"), (*WEB, "redirect_uris"), (*WEB, "not_before"),
        (*WEB, "access_token_lifetime"), (*WEB, "require_pkce"), SECRETS, ("issuer", "not_before"),
        ("issuer", "access_token_lifetime"), ("users", "alice", "password_hash"),
        ("users", "alice", "active"), ("users", "alice"), WEB, RESOURCE, ("clients",), ("users",),
        ("issuer",), (*RESOURCE, "scopes"), (*RESOURCE, "jwks"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [[LEAKED + " "], {"hash": LEAKED + "\n"}, LEAKED + "  x"])
def test_a_secret_in_the_wrong_place_is_never_repeated(path, value):
    """Security P32: problems are logged."""
    assert problems_in(changed((path, value)))  # which looks for it


@pytest.mark.parametrize(
    ("settings", "lifetime"),
    [
        ({}, 25),
        ({"replay_store": "none"}, 25),
        ({"replay_store": "sqlite:replay.db"}, 60),
        ({"authorization_code_lifetime": 60}, 60),
        ({"replay_store": "sqlite:replay.db", "authorization_code_lifetime": 20}, 20),
    ],
)
def test_a_code_lives_shorter_where_nothing_remembers_that_it_was_used(settings, lifetime):
    """RFC 6749 section 4.1.2; OpenID's basic certification redeems one again after 30 seconds."""
    registry = parsed(changed(*((("issuer", name), value) for name, value in settings.items())))
    assert registry.issuer.authorization_code_lifetime == lifetime


@pytest.mark.parametrize(
    ("store", "issuers", "clients", "warned"),
    [
        ("none", 25, 25, []),
        ("none", 26, 25, ["issuer"]),
        ("none", 25, 26, ["clients"]),
        ("none", 600, 600, ["issuer", "clients"]),
        ("sqlite:replay.db", 600, 600, []),
    ],
)
def test_a_code_that_lives_long_where_nothing_remembers_it_is_warned_of(
    store, issuers, clients, warned
):
    table = changed(
        (("issuer", "replay_store"), store),
        (("issuer", "authorization_code_lifetime"), issuers),
        ((*WEB, "authorization_code_lifetime"), clients),
    )
    found = list(warnings(parsed(table)))
    assert [path[0] for path, _ in found] == warned
    assert all(path[-1] == "authorization_code_lifetime" for path, _ in found)
    assert all(sentence.startswith("is more than 25: without") for _, sentence in found)


@pytest.mark.parametrize(
    ("store", "method", "grants", "is_bound", "is_warned"),
    [
        ("none", "none", ["authorization_code", "refresh_token"], False, True),
        ("none", "none", ["authorization_code", "refresh_token"], True, False),
        ("none", "none", ["authorization_code"], False, False),
        ("sqlite:replay.db", "none", ["authorization_code", "refresh_token"], False, False),
        ("none", "client_secret_basic", ["authorization_code", "refresh_token"], False, False),
    ],
)
def test_a_refresh_token_that_nobody_will_get_is_warned_of(
    store, method, grants, is_bound, is_warned
):
    """RFC 9700 section 4.14.2: without a store, a public client's replay cannot be detected."""
    table = changed(
        (("issuer", "replay_store"), store),
        ((*WEB, "token_endpoint_auth_method"), method),
        ((*WEB, "grant_types"), grants),
        ((*WEB, "dpop_bound_access_tokens"), is_bound),
        *([(SECRETS, GONE)] if method == "none" else []),
    )
    found = [sentence for path, sentence in warnings(parsed(table)) if path[-1] == "grant_types"]
    assert ["comes to nothing" in each for each in found] == [True] * is_warned


@pytest.mark.parametrize(
    ("idle", "lifetime", "is_warned"),
    [
        pytest.param(None, 86_400, False, id="no idle time"),
        pytest.param(600, 600, True, id="as long as an access token"),
        pytest.param(601, 600, False, id="longer"),
    ],
)
@pytest.mark.parametrize("whose", [("issuer",), WEB])
def test_an_idle_time_in_which_nobody_refreshes_is_warned_of(whose, idle, lifetime, is_warned):
    """Clients refresh when the access token has expired."""
    table = changed(
        ((*WEB, "grant_types"), ["authorization_code", "refresh_token"]),
        *([((*whose, "refresh_token_idle_lifetime"), idle)] if idle else []),
        (("issuer", "access_token_lifetime"), lifetime),
    )
    found = [path for path, _ in warnings(parsed(table))]
    assert found == [(*WEB, "refresh_token_idle_lifetime")] * is_warned
