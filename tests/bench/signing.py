"""The bare rate of ES256 signatures: ``python -m tests.bench.signing SECONDS``.

The whole process does nothing else, and each signature is the least that cryptography can do: no
JWT around it, and not even JOSE's form of it.
"""

import subprocess
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.bench import load
from tests.bench.clients import client_credentials
from tests.bench.endpoint import Endpoint
from tests.bench.figures import Rate
from tests.bench.names import FEW
from tests.bench.processes import pinned, running

MESSAGE = bytes(400)  # as long as the signed part of an access token


def rate(seconds: float) -> Rate:
    """Signatures on this core."""
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
    signatures, start, used = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - start) < seconds:
        for _ in range(100):
            key.sign(MESSAGE, algorithm)
        signatures += 100
    return Rate(signatures / elapsed, (time.process_time() - used) / elapsed)


def beside(bystander: Endpoint, requests: Path, seconds: float) -> Rate:
    """Signatures on core 0, while load and what answers it keep core 1 as busy."""
    load.write(requests, client_credentials(FEW))
    command = [sys.executable, "-m", "tests.bench.signing", str(seconds)]
    with (
        running(bystander.group),
        load.in_background(bystander.token, requests, cores="1"),
        pinned({0}),
    ):
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    per_second, cores = map(float, said.split())
    return Rate(per_second, cores)


if __name__ == "__main__":
    measured = rate(float(sys.argv[1]))
    print(measured.per_second, measured.cores)
