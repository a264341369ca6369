"""Clients that speak TLS: pymemcache in text, bmemcached in packets, and openssl's program.

python-memcached and libmemcached do not speak it.
"""

import socket
import ssl
import subprocess

import bmemcached
import pytest
from conftest import serve
from pymemcache.client.base import Client


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A certificate that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
        f"-keyout {key} -out {cert}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return cert, key


@pytest.fixture(scope="session", params=["dynamidb", "memcached"])
def tls_port(request, files):
    """The port of either server, with the same options."""
    cert, key = files
    programs = {
        "dynamidb": [request.config.getoption("--server")],
        "memcached": ["memcached", "-u", "root", "-U", "0"],
    }
    options = ["-l", "127.0.0.1", "-Z", "-o", f"ssl_chain_cert={cert},ssl_key={key}"]
    yield from serve([*programs[request.param], *options])


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def context(request, files):
    context = ssl.create_default_context(cafile=files[0])
    context.minimum_version = context.maximum_version = request.param
    return context


def test_text(tls_port, context):
    address = ("127.0.0.1", tls_port)
    client = Client(address, timeout=60, connect_timeout=60, tls_context=context)
    value = bytes(range(256)) * 2000
    assert client.set("key", value, noreply=False)
    assert client.get("key") == value
    assert client.set_many({f"key{n}": str(n) for n in range(100)}, noreply=False) == []
    assert len(client.get_many([f"key{n}" for n in range(200)])) == 100
    assert client.incr("key7", 5) == 12
    client.quit()


def test_packets(tls_port, context):
    client = bmemcached.Client([f"127.0.0.1:{tls_port}"], tls_context=context, socket_timeout=60)
    value = "x" * 500_000
    assert client.set("key", value)
    assert client.get("key") == value
    assert client.set_multi({f"key{n}": n for n in range(100)}) == []
    assert client.get_multi([f"key{n}" for n in range(200)]) == {f"key{n}": n for n in range(100)}
    client.disconnect_all()


def s_client(port, files, requests, *options):
    """What `openssl s_client` shows of a conversation."""
    command = ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", files[0]]
    command += ["-connect", f"127.0.0.1:{port}", *options]
    run = subprocess.run(command, input=requests, capture_output=True, timeout=120)
    return run.stdout, run.stderr.decode()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl(tls_port, files, version):
    requests = b"set key 0 0 5\r\nhello\r\nget key\r\nquit\r\n"
    shown, _ = s_client(tls_port, files, requests, version)
    assert shown == b"STORED\r\nVALUE key 0 5\r\nhello\r\nEND\r\n"


def test_versions_before_1_2_are_refused(tls_port, files):
    shown, said = s_client(tls_port, files, b"version\r\n", "-tls1_1")
    assert shown == b"" and "error" in said


def test_openssl_resumes_a_session(request, files, tmp_path):
    cert, key = files
    server = [request.config.getoption("--server"), "-l", "127.0.0.1", "-Z"]
    for port in serve([*server, "--tls-cert", cert, "--tls-key", key]):
        for option, kind in [("-sess_out", b"New, TLSv1.2"), ("-sess_in", b"Reused, TLSv1.2")]:
            command = ["openssl", "s_client", "-tls1_2", "-CAfile", cert]
            command += ["-connect", f"127.0.0.1:{port}", option, tmp_path / "ticket"]
            run = subprocess.run(command, input=b"quit\r\n", capture_output=True, timeout=120)
            assert kind in run.stdout


@pytest.mark.parametrize("request_bytes", [b"get key\r\n", b"\x80\x0a" + bytes(22)])
def test_a_client_without_tls_does_not_hang(request, files, request_bytes):
    cert, key = files
    server = [request.config.getoption("--server"), "-l", "127.0.0.1", "-Z"]
    for port in serve([*server, "--tls-cert", cert, "--tls-key", key]):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(request_bytes)
            assert client.recv(100) != b""
            assert client.recv(100) == b""
