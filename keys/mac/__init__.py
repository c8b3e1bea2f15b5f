"""MAC access authentication (draft-ietf-oauth-v2-http-mac), for those who take it or use it.

    verifier = MacVerifier(
        "https://issuer.example", "https://api.example", decryption_keys=Path("mac-keys.json")
    )
    token = verifier.verify(
        "GET", "/invoices?page=2", host="api.example", port=443, authorization=authorization
    )

Requests are signed with a key that travels inside the access token, encrypted to the resource
server. Needs the extra ``mac``.
"""

from keys.errors import InvalidMac, ReplaysUnavailable
from keys.mac.key_wrapping import DecryptionKeys
from keys.mac.verifier import MacVerifier
from keys.replays import MemoryReplays, Replays, SQLiteReplays

__all__ = [
    "DecryptionKeys",
    "InvalidMac",
    "MacVerifier",
    "MemoryReplays",
    "Replays",
    "ReplaysUnavailable",
    "SQLiteReplays",
]
