"""Settings for Django's own tests: its memcached backends have a server at PORT, DEFAULT is the one
that sessions are kept in."""

import os


def backend(name):
    location = f"127.0.0.1:{os.environ['PORT']}"
    return {"BACKEND": f"django.core.cache.backends.memcached.{name}", "LOCATION": location}


CACHES = {name: backend(name) for name in ["PyMemcacheCache", "PyLibMCCache"]}
CACHES["default"] = backend(os.environ["DEFAULT"])

DATABASES = {name: {"ENGINE": "django.db.backends.sqlite3"} for name in ["default", "other"]}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "of no importance"
USE_TZ = False
