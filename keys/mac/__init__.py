"""MAC access authentication (draft-ietf-oauth-v2-http-mac), for those who take it or use it.

Requests are signed with a key that travels inside the access token, encrypted to the resource
server. Needs the extra ``mac``.
"""
