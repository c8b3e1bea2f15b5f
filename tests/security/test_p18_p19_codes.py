"""Security P16, P18 and P19: codes that came out of a browser."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from issuer.protocol import pkce
from issuer.registry import secret
from tests.browser.browsing import Browser
from tests.builders import API, CALLBACK, SECRET, VERIFIER
from tests.running import RunningIssuer

OTHER_CALLBACK = CALLBACK + "/other"


def remembering(running):
    """The issuer with a thief, and a second redirect_uri of client web."""
    table = running.read_registry()
    table["clients"]["web"]["redirect_uris"] = [CALLBACK, OTHER_CALLBACK]
    table["clients"]["thief"] = {
        "client_secrets": [{"hash": secret.sha256_hash(SECRET)}],
        "grant_types": ["authorization_code"],
        "redirect_uris": [CALLBACK],
        "scope": "read write",
        "resources": [API],
    }
    running.write_registry(table)
    return running.start()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    running = remembering(
        RunningIssuer(tmp_path_factory.mktemp("codes"), replay_store="sqlite:replay.db")
    )
    yield running
    running.stop()


@pytest.fixture
def browser(issuer):
    with Browser(issuer) as opened:
        consent = opened.log_in(opened.authorize())
        assert "code" in opened.submit(consent, "allow")
        yield opened


def refusal(answer):
    return answer.status_code, answer.json().get("error")


REFUSED = (400, "invalid_grant")


@pytest.mark.parametrize(
    ("client_id", "given"),
    [
        pytest.param("thief", {}, id="P18: another client"),
        pytest.param("web", {"redirect_uri": OTHER_CALLBACK}, id="P18: another redirect_uri"),
        pytest.param("web", {"code_verifier": "x" * 43}, id="P16: another session's verifier"),
        pytest.param("web", {"code_verifier": pkce.s256(VERIFIER)}, id="P14: the challenge"),
        pytest.param("web", {"code_verifier": ""}, id="B6: no verifier"),
    ],
)
def test_a_code_is_bound_to_its_request(issuer, browser, client_id, given):
    """And what was refused is not spent."""
    code = browser.authorize()["code"]
    assert refusal(issuer.redeem(code, client_id, **given)) == REFUSED
    assert issuer.redeem(code, redirect_uri=CALLBACK).status_code == 200


def test_a_code_is_no_good_at_another_issuer(issuer, browser, an_issuer):
    """P18."""
    other = an_issuer("other").start()
    code = browser.authorize()["code"]
    assert refusal(other.redeem(code)) == REFUSED
    assert issuer.redeem(code).status_code == 200


def test_of_five_redemptions_at_once_one_succeeds(issuer, browser):
    """P18, B21."""
    code = browser.authorize()["code"]
    with ThreadPoolExecutor(5) as threads:
        answers = Counter(threads.map(lambda _: refusal(issuer.redeem(code)), range(5)))
    assert answers == {(200, None): 1, REFUSED: 4}


def spellings(code):
    """Other texts that a careless reader takes for ``code``."""
    last = code[-1]
    bits = [*{chr(ord(last) ^ 1 << bit) for bit in range(7)}]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    trailing = [each for each in alphabet if each != last]
    return [
        *(code + each for each in ("=", "==", "!", "A", " ", "\n", "\t", "%3D", "\u200b", ".")),
        *(each + code for each in (" ", "\n", "+")),
        *(code[:-1] + each for each in [*bits, *trailing]),
        code.upper(), code.lower(), code.replace(".", ".."), code.replace("-", "+") + "=",
    ]  # fmt: skip


def test_a_code_has_one_spelling_before_and_after_it_is_spent(issuer, browser):
    """P19."""
    code = browser.authorize()["code"]
    for each in spellings(code)[:20]:
        assert refusal(issuer.redeem(each)) == REFUSED
    assert issuer.redeem(code).status_code == 200
    for each in (code, *spellings(code)):
        assert refusal(issuer.redeem(each)) == REFUSED


def test_another_spelling_at_the_same_time_wins_nothing(issuer, browser):
    """P19: no race between two names of one code."""
    for _ in range(3):
        code = browser.authorize()["code"]
        texts = [*spellings(code)[:8], code, *spellings(code)[8:16]]
        with ThreadPoolExecutor(len(texts)) as threads:
            answers = list(threads.map(lambda each: refusal(issuer.redeem(each)), texts))
        good = [text for text, answer in zip(texts, answers, strict=True) if answer[0] == 200]
        assert good == [code]
        assert set(answers) == {(200, None), REFUSED}


@pytest.mark.parametrize("where", ["users", "clients", "issuer"])
def test_a_line_drawn_since_ends_codes_and_sessions(an_issuer, where):
    """P18, B26: what a changed password asks for is the user's not_before."""
    running = an_issuer(replay_store="none").start()
    with Browser(running) as opened:
        consent = opened.log_in(opened.authorize())
        code = opened.submit(consent, "allow")["code"]
        assert running.redeem(code).status_code == 200
        table = running.read_registry()
        table_of = {"users": lambda: table["users"]["alice"], "issuer": lambda: table["issuer"],
                    "clients": lambda: table["clients"]["web"]}[where]  # fmt: skip
        table_of()["not_before"] = int(time.time()) + 1
        running.write_registry(table)
        running.wait_until(lambda: refusal(running.redeem(code)) == REFUSED)
        if where != "clients":
            assert opened.authorize(prompt="none")["error"] == "login_required"
