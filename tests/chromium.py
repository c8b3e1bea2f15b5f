"""The Chromium that is installed, driven by Playwright."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import playwright
import pytest
from playwright.sync_api import Browser, sync_playwright

DRIVER = Path(playwright.__file__).with_name("driver") / "node"


@contextmanager
def chromium() -> Iterator[Browser]:
    """It runs within. Where it cannot, the test is skipped, and says what is missing."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no chromium")
    if subprocess.run([DRIVER, "--version"], check=False, capture_output=True).returncode:
        pytest.skip("Playwright's driver does not run here: it may need the package libatomic1")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
