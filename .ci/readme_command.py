"""Prints a command of the README, so that what is run is what is read.

``start`` is the first of its two commands, ``test`` the second.
"""

import re
import sys
from pathlib import Path

WHICH = {"start": 0, "test": 1}
README = Path(__file__).parents[1] / "README.md"

commands = re.findall(r"^python3 -m venv .*$", README.read_text(), re.MULTILINE)
print(commands[WHICH[sys.argv[1]]])
