"""gunicorn reads this file by itself. Everything set below the first line is yours."""

from issuer.gunicorn_settings import *  # noqa: F403

# workers = 4             # one per processor, or WEB_CONCURRENCY, if left out
# bind = "0.0.0.0:8000"   # 127.0.0.1:8000 if left out; all addresses at PORT where that is set
