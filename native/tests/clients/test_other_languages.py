"""Clients of other languages. Each has its tests in its own language, in a folder beside this."""

import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent


def run(command, port, seconds=120):
    """What a program prints that is told the port; it must end well."""
    env = {**os.environ, "PORT": str(port)}
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds)
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    return run.stdout


def test_php(port):
    printed = run(["php", HERE / "php/memcached.php"], port)
    assert printed.count("passed: ") == 11


def test_javascript(port):
    printed = run(["node", "--test-reporter=tap", HERE / "npm/memcached.test.js"], port)
    assert re.search(r"^# pass 13$", printed, re.M)


def test_rust(port):
    manifest = HERE / "rust/Cargo.toml"
    command = ["cargo", "test", "--locked", "--manifest-path", manifest, "--tests"]
    printed = run(command, port, seconds=600)
    assert len(re.findall(r"^test .* \.\.\. ok$", printed, re.M)) == 24
