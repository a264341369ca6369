"""libmemcached's conformance tests of both protocols."""

import subprocess

import pytest

TESTS = 27


@pytest.mark.parametrize("protocol", ["-a", "-b"])
def test_every_capability_passes(port, protocol):
    command = ["memccapable", protocol, "-h", "127.0.0.1", "-p", str(port)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    assert run.stdout.count("[pass]") == TESTS
    assert run.stdout.endswith("All tests passed\n")
