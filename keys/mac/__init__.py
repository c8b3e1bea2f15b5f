"""MAC access authentication (draft-ietf-oauth-v2-http-mac), for those who take it or use it."""
