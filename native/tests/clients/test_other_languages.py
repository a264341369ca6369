"""Clients of other languages. Each has its tests in its own language, in a folder beside this."""

import os
import pathlib
import re
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

HERE = pathlib.Path(__file__).parent


LOGIN = {"SASL_USER": "ada", "SASL_PASSWORD": "lovelace"}
# Debian's php.ini turns assertions off, and a script cannot turn them on.
PHP = ["php", "-d", "zend.assertions=1"]


def run(command, port, seconds=120, folder=None, **variables):
    """What a program prints that is told the port; it must end well."""
    env = {**os.environ, "PORT": str(port), **variables}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    run = subprocess.run(command, env=env, cwd=folder, timeout=seconds, **output)
    print(run.stdout)
    assert run.returncode == 0
    return run.stdout


@pytest.mark.parametrize("protocol", ["text", "binary"])
def test_php(port, protocol):
    printed = run([*PHP, HERE / "php/memcached.php"], port, PROTOCOL=protocol)
    assert printed.count("passed: ") == 11


def test_php_signs_in(with_users):
    printed = run([*PHP, HERE / "php/memcached.php"], with_users, PROTOCOL="binary", **LOGIN)
    assert printed.count("passed: ") == 11


@pytest.mark.parametrize("protocol", ["text", "binary"])
def test_the_older_extension_of_php(port, protocol):
    printed = run([*PHP, HERE / "php/memcache.php"], port, PROTOCOL=protocol)
    assert printed.count("passed: ") == 11


def visit(port, session, **variables):
    """A visit of a page, which says the how manieth it is."""
    return int(run(["php", HERE / "php/session.php", session], port, **variables))


@pytest.fixture(params=["memcached", "memcache"])
def handler(request):
    """The extension of PHP that keeps sessions."""
    return {"HANDLER": request.param}


def test_php_sessions_of_one_visitor(port, handler):
    session = secrets.token_hex(16)
    assert [visit(port, session, **handler) for _ in range(3)] == [1, 2, 3]


def test_php_sessions_are_locked_among_four_requests_at_a_time(port, handler):
    session = secrets.token_hex(16)
    with ThreadPoolExecutor(4) as pool:
        visits = list(pool.map(lambda _: visit(port, session, **handler), range(12)))
    assert sorted(visits) == list(range(1, 13))


def test_php_sessions_sign_in(with_users):
    session = secrets.token_hex(16)
    visits = [visit(with_users, session, HANDLER="memcached", **LOGIN) for _ in range(2)]
    assert visits == [1, 2]


def test_ruby(port):
    printed = run(["ruby", HERE / "ruby/dalli.rb"], port)
    assert printed.count("passed: ") == 9


def test_ruby_signs_in(with_users):
    printed = run(["ruby", HERE / "ruby/dalli.rb"], with_users, **LOGIN)
    assert printed.count("passed: ") == 2


def test_javascript(port):
    printed = run(["node", "--test-reporter=tap", HERE / "npm/memcached.test.js"], port)
    assert re.search(r"^# pass 13$", printed, re.M)


def test_javascript_in_the_binary_protocol(port):
    printed = run(["node", "--test-reporter=tap", HERE / "npm/memjs.test.js"], port)
    assert re.search(r"^# pass 8$", printed, re.M)


def test_javascript_signs_in(with_users):
    printed = run(["node", "--test-reporter=tap", HERE / "npm/sasl.test.js"], with_users)
    assert re.search(r"^# pass 1$", printed, re.M)


def rust(port, *options, **login):
    """How many tests pass."""
    manifest = HERE / "rust/Cargo.toml"
    command = ["cargo", "test", "--locked", "--manifest-path", manifest, *options]
    printed = run(command, port, seconds=600, **login)
    return len(re.findall(r"^test .* \.\.\. ok$", printed, re.M))


def test_rust(port):
    assert rust(port, "--tests") == 30


def test_rust_signs_in(with_users):
    assert rust(with_users, "--features", "sasl", "--test", "sasl", **LOGIN) == 2
