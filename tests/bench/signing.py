"""The bare rate of ES256 signatures: ``python -m tests.bench.signing SECONDS``.

The whole process does nothing else, and each signature is the least that cryptography can do: no
JWT around it, and not even JOSE's form of it.
"""

import sys
import time

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

MESSAGE = bytes(400)  # as long as the signed part of an access token


def rate(seconds: float) -> float:
    """Signatures per second on this core."""
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
    signatures, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for _ in range(100):
            key.sign(MESSAGE, algorithm)
        signatures += 100
    return signatures / elapsed


if __name__ == "__main__":
    print(rate(float(sys.argv[1])))
