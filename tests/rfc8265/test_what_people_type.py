"""RFC 8265: what people type is compared in one form, whatever keyboard it comes from."""

from unicodedata import normalize

import pytest
from argon2 import PasswordHasher

from issuer.grants import passwords
from issuer.registry import InvalidRegistry, parse, precis, secret
from issuer.registry.advice import warnings
from issuer.registry.precis import Forbidden
from issuer.token import OFFERED
from tests.asking import ask
from tests.builders import (
    ISSUER,
    PASSWORD,
    a_client,
    a_registry,
    a_request,
    a_server,
    a_user,
)

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
BOB = "Bob@Example.com"
ZOE = "zo\u00eb"  # one code point for the last letter; decomposed, two
SPACED = "a\u00a0password of no\u00ebl"
ONE = "na\u00efve horse battery"
TWO = normalize("NFD", ONE)


def logs_in(login: str, password: str, *users) -> bool:
    server = a_server(a_client(), users=users)
    answer = ask(server, a_request("password", username=login, password=password))
    assert answer.status == 200 or answer.body["error"] == "invalid_grant"
    return answer.status == 200


# --- who: usernames and addresses ---


@pytest.mark.parametrize(
    ("registered", "typed"),
    [
        (BOB, "bob@example.com"),
        (BOB, "BOB@EXAMPLE.COM"),
        (BOB, BOB),
        ("bob@example.com", BOB),
        ("Zo\u00eb@example.com", normalize("NFD", "zO\u00eb@example.com")),
        (normalize("NFD", "zo\u00eb@example.com"), "ZO\u00cb@example.com"),
        ("\u039f\u0394\u039f\u03a3@example.gr", "\u03bf\u03b4\u03bf\u03c2@example.gr"),
        ("stra\u00dfe@example.com", "STRASSE@EXAMPLE.COM"),
        ("kelvin@example.com", "\u212aelvin@example.com"),
        ("\u0130lk@example.com", "i\u0307lk@example.com"),
    ],
)
def test_people_need_not_know_the_case_of_their_address(registered, typed):
    assert logs_in(typed, PASSWORD, a_user("u", email=registered))


@pytest.mark.parametrize(
    ("registered", "typed"),
    [
        (BOB, "bob@example.org"),
        (BOB, "b0b@example.com"),
        (BOB, "bob@example.com "),
        ("ilk@example.com", "\u0131lk@example.com"),
        ("noel@example.com", "no\u00ebl@example.com"),
        ("ab@example.com", "\uff41b@example.com"),
    ],
)
def test_another_address_is_another(registered, typed):
    """The dotless i of Turkish is a letter of its own, in whatever language the machine speaks."""
    assert not logs_in(typed, PASSWORD, a_user("u", email=registered))


@pytest.mark.parametrize(
    ("registered", "typed", "same"),
    [
        (ZOE, ZOE, True),
        (ZOE, normalize("NFD", ZOE), True),
        (normalize("NFD", ZOE), ZOE, True),
        ("alice", "\uff41\uff4c\uff49\uff43\uff45", True),  # full width (RFC 8265 section 3.4.2)
        ("Alice Smith", "Alice Smith", True),
        ("r&d \U0001f680 e\u0301", "r&d \U0001f680 \u00e9", True),  # forbidden, and registered
        ("alice", "Alice", False),
        ("alice", "alice ", False),
        (ZOE, "zoe", False),
        ("alice", "\u0430lice", False),  # Cyrillic
    ],
)
def test_a_username_is_compared_in_one_form_and_keeps_its_case(registered, typed, same):
    """RFC 8265 section 3.4."""
    assert logs_in(typed, PASSWORD, a_user(registered, email=None)) is same


def test_usernames_and_claims_stay_as_they_are_written():
    user = a_user(normalize("NFD", ZOE), email=BOB)
    found = a_registry(users=(user,)).user_named("bob@EXAMPLE.com")
    assert (found.username, found.sub, found.email) == (user.username, user.username, BOB)


def test_a_username_goes_before_an_address():
    """Such a registry is refused when it is read; nobody gets in by another's name even so."""
    alice, bob = a_user("bob@example.com", email=None), a_user("bob", email=BOB)
    registry = a_registry(users=(alice, bob))
    assert registry.user_named("bob@example.com") is alice


ANN = '[users.ann]\nemail = "Ann@example.com"\n'


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        (ANN + '[users.bob]\nemail = "ann@Example.COM"\n',
         'users.bob.email: is also a login of "ann"; '
         "case and Unicode form do not count in an address"),
        (ANN + '[users.bob]\nemail = "Ann@example.com"\n',
         'users.bob.email: is also a login of "ann"'),
        (ANN + '[users."ann@example.com"]\n',
         'users.ann.email: is also a login of "ann@example.com"; '
         "case and Unicode form do not count in an address"),
        ('[users."ann@example.com"]\n' + ANN,
         'users.ann.email: is also a login of "ann@example.com"; '
         "case and Unicode form do not count in an address"),
        ('[users.ANN]\n[users.ann]\nemail = "Ann"\n',
         'users.ann.email: is also a login of "ANN"; '
         "case and Unicode form do not count in an address"),
        (f'[users."{ZOE}"]\n[users."{normalize("NFD", ZOE)}"]\n',
         f'users."{normalize("NFD", ZOE)}": is the username "{ZOE}" in another Unicode form '
         "(RFC 8265)"),
        (f'[users.a]\nemail = "{ZOE}@x"\n[users.b]\nemail = "{normalize("NFD", ZOE)}@x"\n',
         'users.b.email: is also a login of "a"; case and Unicode form do not count in an address'),
        ('[users.a]\nemail = "strasse@x"\n[users.b]\nemail = "stra\u00dfe@x"\n',
         'users.b.email: is also a login of "a"; case and Unicode form do not count in an address'),
    ],
)  # fmt: skip
def test_two_users_whom_one_login_means_are_refused(tables, problem):
    with pytest.raises(InvalidRegistry) as refused:
        parse({"r.toml": f'[issuer]\nurl = "{ISSUER}"\n{tables}'.encode()}, OFFERED)
    assert str(refused.value) == f"r.toml: {problem}"


@pytest.mark.parametrize(
    "tables",
    [
        ANN + '[users.bob]\nemail = "bob@example.com"\n',
        "[users.ann]\n[users.Ann]\n",
        '[users."Ann@example.com"]\nemail = "ann@example.com"\n',
        '[users.ann]\nemail = ""\n[users.bob]\nemail = ""\n',
    ],
    ids=["two addresses", "usernames in two cases", "one's own in another case", "no address"],
)
def test_whom_one_login_does_not_mean_are_taken(tables):
    assert parse({"r.toml": f'[issuer]\nurl = "{ISSUER}"\n{tables}'.encode()}, OFFERED).users


def test_an_unknown_login_meets_one_decoy_however_it_is_written():
    """Security P24: a known address has one hash in every case; so has an unknown one."""
    hashes = [CHEAP.hash(PASSWORD) for _ in range(9)]
    users = [a_user(f"u{n}", password_hash=each) for n, each in enumerate(hashes)]
    registry = a_registry(users=tuple(users))
    for login in (BOB, ZOE, "\uff21da"):
        ways = {login, login.upper(), login.lower(), normalize("NFD", login)}
        assert len({registry.decoy_password(each) for each in ways}) == 1
    assert len({registry.decoy_password(f"x{n}") for n in range(99)}) > 3


# --- which password ---


@pytest.mark.parametrize("hashed", [ONE, TWO], ids=["hashed as one", "hashed as two"])
@pytest.mark.parametrize("typed", [ONE, TWO], ids=["typed as one", "typed as two"])
def test_a_password_is_the_same_on_every_keyboard(hashed, typed):
    """One letter with its diaeresis, as one code point or as two."""
    user = a_user(password_hash=CHEAP.hash(hashed))
    assert logs_in("alice", typed, user)
    assert not logs_in("alice", typed.replace("\u00ef", "i").replace("\u0308", ""), user)


@pytest.mark.parametrize(
    ("made_of", "typed", "same"),
    [
        (precis.password(SPACED), SPACED, True),  # RFC 8265 section 4.2.2: every space is one
        (precis.password(SPACED), SPACED.replace("\u00a0", " "), True),
        (SPACED, SPACED, True),
        ("mixed \u00e9 e\u0301", "mixed \u00e9 e\u0301", True),
        ("tab\tand more", "tab\tand more", True),
        ("\u2764\ufe0f\u2764\ufe0f e\u0301", "\u2764\ufe0f\u2764\ufe0f \u00e9", True),
        ("\uff41" * 8, "\uff41" * 8, True),
        ("\uff41" * 8, "a" * 8, False),  # OpaqueString keeps width
        ("Password of No\u00ebl", "password of no\u00ebl", False),
        ("password of noel", "password of no\u00ebl", False),
        ("\u00e9" * 1001, "\u00e9" * 1001, True),
        ("\u00e9" * 1001, "e\u0301" * 1001, False),
    ],
)
def test_a_hash_that_exists_goes_on_working_as_it_was_typed(made_of, typed, same):
    """RFC 8265 section 4.2; and what the profile forbids, such as a tab, where it was hashed."""
    assert logs_in("alice", typed, a_user(password_hash=CHEAP.hash(made_of))) is same


@pytest.fixture
def counted(monkeypatch):
    """The forms that were hashed, one after the other."""
    forms: list[str] = []

    def matches(known: str, form: str) -> bool:
        forms.append(form)
        return secret.matches(known, form)

    monkeypatch.setattr(passwords, "matches", matches)
    return forms


@pytest.mark.parametrize("login", ["alice", "nobody", "off"])
@pytest.mark.parametrize(
    ("typed", "times"),
    [
        (PASSWORD, 1),
        ("wrong password", 1),
        ("tab\tin it", 1),
        (ONE, 2),
        (TWO, 2),
        ("wrong n\u00e9", 2),
        ("\u00e9 e\u0301\u00a0", 3),
        ("\u65e5\u672c\u8a9e", 1),
    ],
)
def test_a_password_costs_the_same_whoever_it_is_for_and_whether_it_is_right(
    counted, login, typed, times
):
    """Security P1, P24: ASCII costs one hash; how many it is says nothing about anybody."""
    of_one = CHEAP.hash(ONE)
    users = (a_user(password_hash=of_one), a_user("off", password_hash=of_one, active=False))
    logs_in(login, typed, *users)
    assert len(counted) == times


# --- what the profiles forbid, by name ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must not be empty, nor begin or end with a space"),
        (" alice", "must not be empty, nor begin or end with a space"),
        ("alice ", "must not be empty, nor begin or end with a space"),
        ("a\tb", "must not have U+0009: a control character"),
        ("a\u00a0b", "must not have U+00A0 NO-BREAK SPACE: "
                     "another spelling of a plainer character"),
        ("\ufeffalice", "must not have U+FEFF ZERO WIDTH NO-BREAK SPACE: "
                        "a character that nobody sees"),
        ("al\u200dice", "must not have U+200D ZERO WIDTH JOINER: not allowed there"),
        ("R&D \U0001f680", "must not have U+1F680 ROCKET: a symbol beyond ASCII"),
        ("\ufb01", "must not have U+FB01 LATIN SMALL LIGATURE FI: "
                   "another spelling of a plainer character"),
        ("user\u05d0", "must not have U+05D0 HEBREW LETTER ALEF: "
                       "a letter from right to left, mixed with others (RFC 5893)"),
        ("\u2018a\u2019", "must not have U+2018 LEFT SINGLE QUOTATION MARK: "
                          "punctuation beyond ASCII"),
        ("\u00e9" * 1001, "must have at most 1000 characters"),
    ],
)  # fmt: skip
def test_what_a_username_must_not_have_is_named(text, sentence):
    """RFC 8265 section 3.4.1."""
    with pytest.raises(Forbidden) as forbidden:
        precis.username(text)
    assert str(forbidden.value) == sentence


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("alice", "alice"),
        ("alice@example.com", "alice@example.com"),
        ("Alice  B. Smith", "Alice  B. Smith"),
        ("foo bar", "foo bar"),  # the examples of RFC 8265 section 3.5
        ("fussball", "fussball"),
        ("fu\u00dfball", "fu\u00dfball"),
        ("\u03c0", "\u03c0"),
        ("\u03a3", "\u03a3"),
        ("\u03c2", "\u03c2"),
        ("\u05d0\u05d1", "\u05d0\u05d1"),
        ("e\u0301lan", "\u00e9lan"),
    ],
)
def test_a_username_has_one_form(text, form):
    """RFC 8265 section 3.5."""
    assert precis.username(text) == precis.username(form) == form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("correct horse battery staple", "correct horse battery staple"),  # RFC 8265 section 4.3
        ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
        ("\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"),
        ("Jack of \u2666s", "Jack of \u2666s"),
        ("foo\u1680bar", "foo bar"),
        (TWO, ONE),
    ],
)
def test_a_password_has_one_form(text, form):
    """RFC 8265 section 4.3."""
    assert precis.password(text) == form


@pytest.mark.parametrize("text", ["", "my cat is a \tby"], ids=["empty", "a tab"])
def test_what_a_password_must_not_be_is_refused(text):
    """RFC 8265 section 4.3, its last examples."""
    with pytest.raises(Forbidden):
        precis.password(text)


def test_a_registered_username_that_the_profile_forbids_is_warned_of_and_goes_on_working():
    users = (a_user("r&d \U0001f680"), a_user("alice"), a_user("Alice Smith"))
    registry = a_registry(users=users)
    ((path, sentence),) = warnings(registry)
    assert path == ("users", "r&d \U0001f680")
    assert "U+1F680 ROCKET" in sentence
    assert registry.user_named("r&d \U0001f680") is users[0]
