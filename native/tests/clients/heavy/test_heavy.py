"""Clients that bring much along: Java, Go, PostgreSQL, nginx, and Django with its own tests."""

import os
import pathlib
import re
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import free_port, wait_until_it_listens
from pymemcache.client.base import Client
from test_documented import of_clients, printed
from test_other_languages import LOGIN, run

# Where Debian has libraries in Go, without modules.
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}
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
    shown = run(command, port, folder=HERE / "go", seconds=300, **GO)
    assert shown.count("--- PASS: ") == 8


def test_pgmemcache(port):
    command = ["pg_virtualenv", "-t", "-o", "shared_preload_libraries=pgmemcache"]
    command += ["-o", f"pgmemcache.default_servers=127.0.0.1:{port}"]
    command += ["psql", "-f", HERE / "postgresql/pgmemcache.sql"]
    rows = re.findall(r"^([a-z ]+)\|([tf|]+)$", run(command, port, seconds=300), re.M)
    assert len(rows) == 16
    assert not [name for name, checks in rows if "f" in checks]


def test_nginx_serves_pages_from_the_cache(port, tmp_path):
    page = b"a page\r\n" * 10_000
    Client(("127.0.0.1", port)).set("/page", page, noreply=False)
    http = free_port()
    temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    folders = " ".join(f"{name}_temp_path {tmp_path}/{name};" for name in temporary)
    location = "location / { set $memcached_key $uri; memcached_pass cache; }"
    (tmp_path / "nginx.conf").write_text(f"""
        daemon off; master_process off; pid {tmp_path}/pid; error_log stderr;
        events {{ }}
        http {{
            access_log off; {folders}
            upstream cache {{ server 127.0.0.1:{port}; keepalive 4; }}
            server {{ listen 127.0.0.1:{http}; {location} }}
        }}
    """)
    nginx = subprocess.Popen(["nginx", "-c", tmp_path / "nginx.conf"])
    try:
        wait_until_it_listens(nginx, http)
        for _ in range(20):
            with urllib.request.urlopen(f"http://127.0.0.1:{http}/page", timeout=60) as reply:
                assert reply.read() == page
        with pytest.raises(urllib.error.HTTPError) as absent:
            urllib.request.urlopen(f"http://127.0.0.1:{http}/absent", timeout=60)
        assert absent.value.code == 404
    finally:
        nginx.kill()
        nginx.wait()


@pytest.mark.parametrize("default", ["PyMemcacheCache", "PyLibMCCache"])
def test_django(port, default):
    """Django's tests of a backend, and of sessions that are kept in it."""
    tests = [f"cache.tests.{default}Tests"]
    sessions = ["CacheSessionTests", "CacheDBSessionTests"]
    tests += [f"sessions_tests.tests.{name}" for name in sessions]
    [tests_folder] = (HERE.parents[3] / ".venv/django").glob("django-*/tests")
    command = ["python", "runtests.py", "--settings=settings", "--parallel=1", *tests]
    variables = {"DEFAULT": default, "PYTHONPATH": str(HERE / "django")}
    shown = run(command, port, folder=tests_folder, seconds=600, **variables)
    # Three are for backends that remove items when there are too many.
    assert "Ran 201 tests" in shown and "\nOK (skipped=3)\n" in shown


def test_the_documented_java(dynamidb, tmp_path):
    imports = "import java.net.InetSocketAddress; import net.spy.memcached.MemcachedClient;"
    body = of_clients("java", dynamidb) + "System.out.println(value); cache.shutdown();"
    main = f"public static void main(String[] none) throws Exception {{ {body} }}"
    (tmp_path / "Snippet.java").write_text(f"{imports} class Snippet {{ {main} }}\n")
    assert printed(["java", "-cp", JARS, "Snippet.java"], tmp_path).endswith("hello")


def test_the_documented_go(dynamidb, tmp_path):
    imports = 'import ("fmt"; "github.com/bradfitz/gomemcache/memcache")'
    body = of_clients("go", dynamidb) + "fmt.Println(string(item.Value), err)"
    (tmp_path / "main.go").write_text(f"package main\n{imports}\nfunc main() {{\n{body}\n}}\n")
    assert printed(["go", "run", "main.go"], tmp_path, **GO) == "hello <nil>"
