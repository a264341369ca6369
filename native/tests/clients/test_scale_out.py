"""Several servers as one cache: through twemproxy, and by clients that choose the server."""

import json
import pathlib
import socket
import subprocess
import sys
import time

import pylibmc
import pytest
from conftest import START_SECONDS, free_port, start, stop, wait_until_it_listens
from pymemcache.client.hash import HashClient

GUIDE = pathlib.Path(__file__).parents[3] / "docs" / "deploy.md"
KEYS = [f"key{i}" for i in range(1000)]
# As the guide has them.
RETRY_SECONDS = 2
FAILURE_LIMIT = 2


def example(language):
    """The example in this language that the guide has."""
    return GUIDE.read_text().split(f"```{language}\n")[1].split("```")[0]


class Servers:
    """Two servers, of which any can go and come back at its port."""

    def __init__(self, command):
        self.command = command
        self.ports = [free_port(), free_port()]
        self.processes = [start(command, port) for port in self.ports]

    def go(self, index):
        stop(self.processes[index])

    def come_back(self, index):
        self.processes[index] = start(self.command, self.ports[index])

    def items(self, index):
        with socket.create_connection(("127.0.0.1", self.ports[index])) as connection:
            connection.sendall(b"stats\r\nquit\r\n")
            lines = connection.makefile("rb").read().split(b"\r\n")
        [count] = [line.split()[2] for line in lines if line.startswith(b"STAT curr_items ")]
        return int(count)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                stop(process)


@pytest.fixture
def servers(request):
    servers = Servers([request.config.getoption("--server"), "--max-items", "100000"])
    yield servers
    servers.end()


class Proxy:
    """twemproxy in front of two servers."""

    def __init__(self, servers, folder):
        self.port, self.statistics = free_port(), free_port()
        text = example("yaml")
        for shown, port in zip((22121, 11212, 11213), (self.port, *servers.ports)):
            assert str(shown) in text
            text = text.replace(f":{shown}", f":{port}")
        file = folder / "nutcracker.yml"
        file.write_text(text)
        command = ["nutcracker", "-c", file, "-o", folder / "log", "-a", "127.0.0.1", "-i", "100"]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        self.process = subprocess.Popen([*command, "-s", str(self.statistics)])
        wait_until_it_listens(self.process, self.port)

    def connect(self):
        return Connection(self.port)

    def wait_until_it_ejects(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            with socket.create_connection(("127.0.0.1", self.statistics)) as connection:
                statistics = json.loads(connection.makefile("rb").read())
            if statistics["cache"]["server_ejects"] > 0:
                return
            assert time.monotonic() < deadline, "no server is left out"
            time.sleep(0.1)


@pytest.fixture
def proxy(servers, tmp_path):
    proxy = Proxy(servers, tmp_path)
    yield proxy
    proxy.process.terminate()
    proxy.process.wait(START_SECONDS)


class Connection:
    """Says bytes and hears replies of one line, or of items and their END."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, request):
        self.socket.sendall(request.encode())
        return self.file.readline().decode().rstrip("\r\n")

    def set(self, key, value):
        return self.ask(f"set {key} 0 0 {len(value)}\r\n{value}\r\n")

    def get(self, *keys):
        self.socket.sendall(f"get {' '.join(keys)}\r\n".encode())
        items = {}
        while (line := self.file.readline()) != b"END\r\n":
            word, key, _, size = line.split()
            assert word == b"VALUE", line
            items[key.decode()] = self.file.read(int(size)).decode()
            assert self.file.readline() == b"\r\n"
        return items

    def is_closed_after(self, request):
        self.socket.sendall(request.encode())
        try:
            return self.file.readline() == b""
        except ConnectionResetError:
            return True


def is_even(servers):
    counts = [servers.items(0), servers.items(1)]
    return all(count >= 0.42 * sum(counts) for count in counts)


def test_twemproxy_spreads_items_and_finds_them(servers, proxy):
    connection = proxy.connect()
    assert {connection.set(key, f"value of {key}") for key in KEYS} == {"STORED"}
    assert all(connection.get(key) == {key: f"value of {key}"} for key in KEYS)
    assert servers.items(0) + servers.items(1) == len(KEYS)
    assert is_even(servers)
    some = KEYS[:100]
    assert connection.get(*some) == {key: f"value of {key}" for key in some}


def test_twemproxy_passes_the_classic_commands_on(proxy):
    connection = proxy.connect()
    assert connection.ask("version\r\n").startswith("VERSION ")
    assert connection.ask("incr absent 1\r\n") == "NOT_FOUND"
    assert connection.ask("add count 0 0 2\r\n10\r\n") == "STORED"
    assert connection.ask("incr count 32\r\n") == "42"
    assert connection.ask("decr count 2\r\n") == "40"
    assert connection.ask("append count 0 0 1\r\n0\r\n") == "STORED"
    assert connection.ask("prepend count 0 0 1\r\n1\r\n") == "STORED"
    assert connection.get("count") == {"count": "1400"}
    assert connection.ask("replace count 0 0 1\r\nx\r\n") == "STORED"
    assert connection.ask("cas count 0 0 1 1\r\ny\r\n") == "EXISTS"
    assert connection.ask("gets count\r\n").startswith("VALUE count 0 1 ")
    assert connection.file.readline() == b"x\r\n" and connection.file.readline() == b"END\r\n"
    assert connection.ask("touch count 100\r\n") == "TOUCHED"
    assert connection.ask("delete count\r\n") == "DELETED"


@pytest.mark.parametrize("line", ["gat 0 k", "verbosity 1", "stats", "flush_all", "mn", "mg k v"])
def test_twemproxy_itself_knows_no_other_commands(proxy, line):
    assert proxy.connect().is_closed_after(f"{line}\r\n")


def test_twemproxy_goes_on_with_one_server_and_takes_the_other_back(servers, proxy):
    connection = proxy.connect()
    keys = KEYS[:400]
    assert {connection.set(key, "1") for key in keys} == {"STORED"}
    servers.go(1)
    # A clean end is seen at once: nothing is lost on its way to a server that has gone.
    replies = [connection.set(key, "2") for key in keys]
    refused = [reply for reply in replies if reply != "STORED"]
    assert len(refused) <= FAILURE_LIMIT
    assert all(reply.startswith("SERVER_ERROR") for reply in refused)
    assert [connection.set(key, "2") for key in keys].count("STORED") >= len(keys) - FAILURE_LIMIT
    proxy.wait_until_it_ejects()
    # It is tried again now and then, which a request or two pays for.
    time.sleep(RETRY_SECONDS + 0.2)
    replies = [connection.set(key, "3") for key in keys]
    assert len(keys) - FAILURE_LIMIT <= replies.count("STORED") < len(keys)
    servers.come_back(1)
    time.sleep(RETRY_SECONDS + 0.5)
    assert {connection.set(key, "4") for key in keys} == {"STORED"}
    assert all(connection.get(key) == {key: "4"} for key in keys)
    assert servers.items(1) >= 0.42 * len(keys)


def pymemcache_client(servers):
    return HashClient(
        [("127.0.0.1", port) for port in servers.ports],
        connect_timeout=60,
        timeout=60,
        retry_attempts=1,
        retry_timeout=0.5,
        dead_timeout=1,
        ignore_exc=True,
        use_pooling=True,
        default_noreply=False,
    )


def pylibmc_client(servers):
    behaviors = {
        "ketama": True,
        "remove_failed": 1,
        "retry_timeout": 1,
        "dead_timeout": 1,
        "tcp_nodelay": True,
    }
    return pylibmc.Client([f"127.0.0.1:{port}" for port in servers.ports], behaviors=behaviors)


def get_many(client, keys):
    get = client.get_many if isinstance(client, HashClient) else client.get_multi
    text = lambda value: value.decode() if isinstance(value, bytes) else value
    return {key: text(value) for key, value in get(keys).items()}


def stored(client, keys, value):
    """How many of the keys can be set."""
    count = 0
    for key in keys:
        try:
            count += bool(client.set(key, value))
        except pylibmc.Error:
            pass
    return count


@pytest.mark.parametrize("connect", [pymemcache_client, pylibmc_client])
def test_a_client_chooses_among_servers_that_go_and_come_back(servers, connect):
    client = connect(servers)
    assert stored(client, KEYS, "1") == len(KEYS)
    assert get_many(client, KEYS) == dict.fromkeys(KEYS, "1")
    assert servers.items(0) + servers.items(1) == len(KEYS)
    assert is_even(servers)
    keys = KEYS[:200]
    servers.go(1)
    # The keys of a server that has gone fail until the client gives it up.
    assert stored(client, keys, "2") >= 0.4 * len(keys)
    time.sleep(1.1)
    stored(client, keys, "2")
    assert stored(client, keys, "2") >= len(keys) - 4
    found = get_many(client, keys)
    assert set(found.values()) == {"2"} and len(found) >= len(keys) - 4
    servers.come_back(1)
    deadline = time.monotonic() + START_SECONDS
    while stored(client, keys, "3") < len(keys) or servers.items(1) == 0:
        assert time.monotonic() < deadline, "the server is not used again"
        time.sleep(0.2)
    assert stored(client, keys, "3") == len(keys)
    assert get_many(client, keys) == dict.fromkeys(keys, "3")


def test_the_example_in_python(servers):
    program = example("python")
    for shown, port in zip((11212, 11213), servers.ports):
        program = program.replace(str(shown), str(port))
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.stdout == "b'hello'\n", run.stderr
    assert servers.items(0) + servers.items(1) == 1


def test_the_tools_of_libmemcached_use_several_servers(servers, tmp_path):
    names = ",".join(f"127.0.0.1:{port}" for port in servers.ports)

    def tool(name, *words):
        command = [name, f"--servers={names}", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    for i in range(10):
        (tmp_path / f"file{i}").write_text(f"content {i}\n")
    files = [f"file{i}" for i in range(10)]
    assert tool("memccp", *files).returncode == 0
    assert servers.items(0) + servers.items(1) == len(files)
    assert servers.items(0) > 0 and servers.items(1) > 0
    for i, file in enumerate(files):
        assert tool("memccat", file).stdout.strip() == f"content {i}"
        assert tool("memcexist", file).returncode == 0
    assert tool("memcexist", "absent").returncode != 0
    assert tool("memcping").returncode == 0
    assert tool("memcstat").stdout.count("curr_items") == 2
    assert tool("memcrm", "file1").returncode == 0
    assert tool("memcexist", "file1").returncode != 0
