"""``issuer device``: a device to try out, with its QR code (RFC 8628 section 3.3.1)."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from issuer.cli import qr
from tests.browser.browsing import Browser
from tests.builders import SECRET
from tests.rfc8628.running import an_issuer_with_devices
from tests.running import CHECKOUT, RunningIssuer


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    running = an_issuer_with_devices(tmp_path_factory.mktemp("devices"))
    running.start()
    yield running
    running.stop()


def started(issuer: RunningIssuer, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "issuer", "--registry", issuer.registry, "device", *arguments]
    return subprocess.Popen(
        command, cwd=CHECKOUT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def shown(device: subprocess.Popen[str]) -> str:
    """The link, once it is shown with all that stands above it."""
    for line in device.stderr:
        found = re.search(r"http\S+\?user_code=\S+", line)
        if found:
            return found[0]
    raise AssertionError("it showed no link")


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_it_is_told_what_its_user_decided(issuer, tmp_path, decision):
    svg = tmp_path / "code.svg"
    device = started(issuer, "--client", "tv", "--scope", "read", "--svg", str(svg))
    link = shown(device)
    with Browser(issuer) as browser:
        page = browser.log_in(browser.submit(browser.get(link), "continue"))
        browser.submit(page, decision)
    out, err = device.communicate(timeout=60)
    if decision == "allow":
        assert device.returncode == 0
        assert json.loads(out)["scope"] == "read"
    else:
        assert (device.returncode, out) == (1, "")
        assert err.rstrip().endswith("access_denied: The user said no.")
    drawn = ElementTree.parse(svg).getroot()  # noqa: S314  we made it
    assert drawn.tag.endswith("svg")
    assert link in "".join(drawn.itertext())


def test_a_client_with_a_secret_reads_it_from_stdin(issuer):
    device = started(issuer, "--client", "console", "--secret-stdin")
    device.stdin.write(SECRET + "\n")
    device.stdin.flush()
    assert shown(device)
    device.kill()
    device.communicate(timeout=60)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["--client", "nobody"], 2, "there is no client nobody", id="no such client"),
        pytest.param(["--client", "console"], 2, "--secret-stdin", id="it has a secret"),
        pytest.param(["--client", "spa"], 1, "unauthorized_client: ", id="not on devices"),
        pytest.param(["--client", "tv", "--scope", "x"], 1, "invalid_scope: ", id="no such scope"),
    ],
)
def test_what_it_is_refused_for_is_said(issuer, arguments, code, said):
    device = started(issuer, *arguments)
    out, err = device.communicate(timeout=60)
    assert (device.returncode, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


def test_where_no_issuer_runs_that_is_said(run, registry):
    url = "http://127.0.0.1:9"
    text = registry.read_text().replace("https://issuer.example", url)
    registry.write_text(text.replace("[issuer]", '[issuer]\nreplay_store = "sqlite:"'))
    assert run("client", "add", "tv", "--device").exit_code == 0
    result = run("device", "--client", "tv")
    assert result.exit_code == 1
    assert "Does the issuer run" in result.stderr


def test_a_code_in_the_terminal_is_one_for_cameras():
    """A quiet zone of four modules stands around it (ISO/IEC 18004)."""
    lines = qr.drawn("https://id.example/device?user_code=WDJB-MJHT").splitlines()
    assert len({len(line) for line in lines}) == 1
    assert set(lines[0]) == set(lines[1]) == {"█"}
