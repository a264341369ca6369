"""The snippets of the guides for users, as they are but for ports and what goes around them."""

import os
import pathlib
import re
import signal
import subprocess

import pytest
from conftest import free_port, serve, wait_until_it_listens

HERE = pathlib.Path(__file__).parent
GUIDES = HERE.parents[2]


def snippets(guide, language):
    """The blocks of a guide in this language."""
    text = (GUIDES / guide).read_text()
    found = re.findall(rf"^```{language}$\n(.*?)^```$", text, re.M | re.S)
    assert found
    return found


def of_clients(language, port):
    """The snippet of the guide to clients, for this port."""
    [snippet] = snippets("docs/clients.md", language)
    assert "11212" in snippet
    return snippet.replace("11212", str(port))


def printed(command, folder, **variables):
    env = {**os.environ, **variables}
    run = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    return run.stdout.strip()


def test_python(dynamidb, tmp_path):
    assert printed(["python", "-c", of_clients("python", dynamidb)], tmp_path) == "b'hello'"


def test_php(dynamidb, tmp_path):
    assert printed(["php", "-r", of_clients("php", dynamidb)], tmp_path) == "hello"


def test_php_sessions(dynamidb, tmp_path):
    (tmp_path / "php.ini").write_text(of_clients("ini", dynamidb))
    program = 'session_id("abcdef"); session_start(); '
    program += 'echo $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1;'
    visits = [printed(["php", "-c", "php.ini", "-r", program], tmp_path) for _ in range(2)]
    assert visits == ["1", "2"]


def test_javascript(dynamidb):
    # It keeps its connection, and so does not end by itself.
    command = ["node", "--input-type=commonjs", "--eval", of_clients("js", dynamidb)]
    with subprocess.Popen(command, cwd=HERE / "npm", stdout=subprocess.PIPE, text=True) as node:
        line = node.stdout.readline()
        node.kill()
    assert line == "hello\n"


def test_ruby(dynamidb, tmp_path):
    assert printed(["ruby", "-e", of_clients("ruby", dynamidb)], tmp_path) == "hello"


def test_c(dynamidb, tmp_path):
    code = of_clients("c", dynamidb)
    check = "size_t size; uint32_t flags; "
    check += 'puts(memcached_get(cache, "greeting", 8, &size, &flags, 0));'
    headers = "#include <libmemcached/memcached.h>\n#include <stdio.h>\n#include <string.h>\n"
    (tmp_path / "snippet.c").write_text(f"{headers}int main(void) {{ {code} {check} }}\n")
    printed(["cc", "snippet.c", "-o", "snippet", "-lmemcached"], tmp_path)
    assert printed(["./snippet"], tmp_path) == "hello"


def test_sign_in(request, tmp_path):
    (tmp_path / "users").write_text("bob:secret\n")
    server = [request.config.getoption("--server"), "-Y", tmp_path / "users"]
    for port in serve(server):
        assert printed(["sh", "-c", of_clients("sh", port)], tmp_path) == "STORED\nEND"


@pytest.fixture
def tls_guide(request, tmp_path):
    """The server of the guide to TLS, and how its snippets read for its port."""
    plain, tls = free_port(), free_port()
    (tmp_path / "dynamidb").symlink_to(pathlib.Path(request.config.getoption("--server")).resolve())
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def adapted(snippet):
        return snippet.replace("11211", str(plain)).replace("11213", str(tls))

    recipe = adapted(snippets("native/docs/tls.md", "sh")[0])
    options = {"cwd": tmp_path, "env": environment, "start_new_session": True}
    process = subprocess.Popen(["sh", "-ec", recipe], **options)
    try:
        wait_until_it_listens(process, plain)
        yield adapted
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def test_tls(tls_guide, tmp_path):
    by_openssl = tls_guide(snippets("native/docs/tls.md", "sh")[1])
    assert printed(["sh", "-c", by_openssl], tmp_path) == "STORED"
    [by_python] = snippets("native/docs/tls.md", "python")
    program = tls_guide(by_python) + "print(client.get('key1'))"
    assert printed(["python", "-c", program], tmp_path) == "b'hello'"
