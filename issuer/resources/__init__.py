"""Falcon, and nothing but translation: HTTP in, the core's values; the core's values, HTTP out."""
