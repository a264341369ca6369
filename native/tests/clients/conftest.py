"""Starts the servers that clients talk to: ours, and memcached to show that the tests are right."""

import glob
import os
import signal
import socket
import subprocess
import time

import pytest

# A busy machine may take seconds for anything.
START_SECONDS = 60
STOP_SECONDS = 60

# Its default is the same for all servers.
os.environ["DYNAMIDB_ADMIN"] = "off"
# Debian has twemproxy there.
os.environ["PATH"] += ":/usr/sbin"
# The library in pylibmc's package looks for the mechanisms of SASL where it was built.
os.environ["SASL_PATH"] = ":".join(glob.glob("/usr/lib/*/sasl2"))


def pytest_addoption(parser):
    parser.addoption("--server", default="target/release/dynamidb", help="the server to test")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_it_listens(process, port):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert process.poll() is None, f"the server ended with {process.returncode}"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.02)


def start(command, port):
    process = subprocess.Popen([*command, "-p", str(port)])
    try:
        wait_until_it_listens(process, port)
    except BaseException:
        process.kill()
        raise
    return process


def stop(process):
    """Asks a server to end, which it must do well and in time."""
    try:
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def serve(command):
    port = free_port()
    process = start(command, port)
    yield port
    stop(process)


@pytest.fixture(scope="session")
def dynamidb(request):
    """The port of our server."""
    yield from serve([request.config.getoption("--server")])


@pytest.fixture
def monitored(request):
    """The ports of our server for clients and for monitoring."""
    admin = free_port()
    server = [request.config.getoption("--server"), "-m", "8", "-t", "2"]
    for port in serve([*server, "--admin", f"127.0.0.1:{admin}"]):
        yield port, admin


@pytest.fixture(scope="session")
def with_users(request, tmp_path_factory):
    """The port of our server where clients sign in, as `ada` with `lovelace`."""
    users = tmp_path_factory.mktemp("users") / "users"
    users.write_text("ada:lovelace\n")
    yield from serve([request.config.getoption("--server"), "-Y", users])


@pytest.fixture(scope="session")
def memcached():
    """The port of memcached."""
    yield from serve(["memcached", "-u", "root", "-l", "127.0.0.1", "-U", "0"])


@pytest.fixture(scope="session", params=["dynamidb", "memcached"])
def port(request):
    """The port of either."""
    return request.getfixturevalue(request.param)
