"""libmemcached's command-line tools, in both protocols where they have both."""

import re
import subprocess
import time

import pytest


@pytest.fixture(params=[[], ["--binary"]], ids=["text", "binary"])
def tool(port, request, tmp_path):
    """Runs a tool on a server without items; returns its status and what it prints."""

    def run(name, *words):
        command = [name, f"--servers=127.0.0.1:{port}", *request.param, *words]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        run = subprocess.run(command, cwd=tmp_path, timeout=60, **output)
        return run.returncode, run.stdout.strip()

    run("memcflush")
    return run


def test_files_are_stored_shown_touched_and_removed(tool, tmp_path):
    (tmp_path / "a-file").write_text("hello")
    assert tool("memcexist", "a-file")[0] == 1
    assert tool("memccp", "a-file")[0] == 0
    assert tool("memccat", "a-file") == (0, "hello")
    assert tool("memcexist", "a-file")[0] == 0
    assert tool("memctouch", "--expire=100", "a-file")[0] == 0
    assert tool("memcrm", "a-file")[0] == 0
    assert tool("memccat", "a-file")[0] == 1


def test_statistics_and_version(tool):
    status, printed = tool("memcstat")
    assert status == 0 and "limit_maxbytes" in printed
    status, printed = tool("memcstat", "--args=settings")
    assert status == 0 and "maxbytes" in printed
    assert " 1." in tool("memcstat", "--server-version")[1]


def test_load_of_four_threads(tool):
    load = ["--concurrency=4", "--execute-number=100", "--initial-load=100"]
    for kind in ["set", "get", "mget"]:
        assert tool("memcslap", f"--test={kind}", *load)[0] == 0


def test_keys_are_listed(port):
    server = f"--servers=127.0.0.1:{port}"
    subprocess.run(["memcflush", server], check=True, timeout=60)
    # memcached lists an item only some time after it was stored.
    deadline = time.monotonic() + 60
    listed = []
    while "test_libmemcached_tools.py" not in listed:
        assert time.monotonic() < deadline, listed
        subprocess.run(["memccp", server, __file__], check=True, timeout=60)
        dump = subprocess.run(["memcdump", server], check=True, capture_output=True, text=True)
        listed = dump.stdout.splitlines()
    assert subprocess.run(["memcping", server], timeout=60).returncode == 0


def test_a_load_is_verified(port):
    """In text its keys have control characters, which only memcached takes."""
    command = ["memcaslap", f"--servers=127.0.0.1:{port}", "--binary", "--threads=1"]
    command += ["--concurrency=4", "--execute_number=2000", "--verify=1"]
    load = subprocess.run(command, capture_output=True, text=True, timeout=120)
    print(load.stdout, load.stderr)
    counted = dict(re.findall(r"^(\w+): (\d+)$", load.stdout, re.M))
    assert int(counted["cmd_get"]) + int(counted["cmd_set"]) == 2000
    assert [counted[name] for name in ["get_misses", "verify_misses", "verify_failed"]] == ["0"] * 3
