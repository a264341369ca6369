"""Clients that bring much along: Java, Go, PostgreSQL, and Django with its own tests."""

import os
import pathlib
import re

import pytest
from test_other_languages import LOGIN, run

HERE = pathlib.Path(__file__).parent
JARS = "/usr/share/java/spymemcached.jar:/usr/share/java/slf4j-api.jar"


def java(port, protocol, **login):
    command = ["java", "-cp", JARS, HERE / "java/Spymemcached.java"]
    return run(command, port, PROTOCOL=protocol, **login).count("passed: ")


def test_spymemcached_in_text(port):
    assert java(port, "text") == 10


def test_spymemcached_in_packets(port):
    assert java(port, "binary") == 11


def test_spymemcached_signs_in(with_users):
    assert java(with_users, "binary", **LOGIN) == 11


def test_gomemcache(port):
    command = ["go", "test", "-count=1", "-v", "."]
    variables = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}
    printed = run(command, port, folder=HERE / "go", seconds=300, **variables)
    assert printed.count("--- PASS: ") == 8


def test_pgmemcache(port):
    command = ["pg_virtualenv", "-t", "-o", "shared_preload_libraries=pgmemcache"]
    command += ["-o", f"pgmemcache.default_servers=127.0.0.1:{port}"]
    command += ["psql", "-f", HERE / "postgresql/pgmemcache.sql"]
    rows = re.findall(r"^([a-z ]+)\|([tf|]+)$", run(command, port, seconds=300), re.M)
    assert len(rows) == 16
    assert not [name for name, checks in rows if "f" in checks]


@pytest.mark.parametrize("default", ["PyMemcacheCache", "PyLibMCCache"])
def test_django(port, default):
    """Django's tests of a backend, and of sessions that are kept in it."""
    tests = [f"cache.tests.{default}Tests"]
    tests += [f"sessions_tests.tests.{name}" for name in ["CacheSessionTests", "CacheDBSessionTests"]]
    [tests_folder] = (HERE.parents[3] / ".venv/django").glob("django-*/tests")
    command = ["python", "runtests.py", "--settings=settings", "--parallel=1", *tests]
    variables = {"DEFAULT": default, "PYTHONPATH": str(HERE / "django")}
    printed = run(command, port, folder=tests_folder, seconds=600, **variables)
    # Three are for backends that remove items when there are too many.
    assert "Ran 201 tests" in printed and "\nOK (skipped=3)\n" in printed
