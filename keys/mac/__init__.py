"""MAC access authentication: requests signed with a key that travels inside the access token.

draft-ietf-oauth-v2-http-mac-01 and -02, and -00 with its ``age``. Needs the extra ``mac``.
"""
