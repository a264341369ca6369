"""What a program in Python does with a cache, through pymemcache."""

import random
import time

import pytest
from pymemcache import serde
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

MIB = 1 << 20


@pytest.fixture
def client(port):
    client = Client(("127.0.0.1", port), timeout=60, connect_timeout=60, default_noreply=False)
    client.flush_all()
    yield client
    client.close()


def test_set_get_delete(client):
    assert client.get("key") is None
    assert client.set("key", "value") is True
    assert client.get("key") == b"value"
    assert client.delete("key") is True
    assert client.delete("key") is False
    assert client.get("key", default="none") == "none"


def test_add_and_replace(client):
    assert client.replace("key", "0") is False
    assert client.add("key", "1") is True
    assert client.add("key", "2") is False
    assert client.replace("key", "3") is True
    assert client.get("key") == b"3"


def test_append_and_prepend(client):
    assert client.append("key", "x") is False
    assert client.prepend("key", "x") is False
    client.set("key", "middle")
    assert client.append("key", "-end") is True
    assert client.prepend("key", "start-") is True
    assert client.get("key") == b"start-middle-end"


def test_compare_and_swap(client):
    assert client.cas("key", "value", "1") is None
    client.set("key", "old")
    value, version = client.gets("key")
    assert value == b"old"
    assert client.cas("key", "new", version) is True
    assert client.cas("key", "newer", version) is False
    assert client.get("key") == b"new"


def test_increment_and_decrement(client):
    assert client.incr("count", 1) is None
    assert client.decr("count", 1) is None
    client.set("count", "10")
    assert client.incr("count", 5) == 15
    assert client.decr("count", 20) == 0
    client.set("count", str(2**64 - 1))
    assert client.incr("count", 2) == 1
    client.set("count", "ten")
    with pytest.raises(MemcacheClientError):
        client.incr("count", 1)


def test_many_keys_at_once(client):
    values = {f"key{i}": f"value{i}".encode() for i in range(500)}
    assert client.set_many(values) == []
    assert client.get_many([*values, "absent"]) == values
    versions = client.gets_many(list(values))
    assert {key: value for key, (value, _) in versions.items()} == values
    assert client.delete_many(list(values)) is True
    assert client.get_many(list(values)) == {}


def test_items_expire(client):
    client.set("short", "1", expire=2)
    client.set("long", "1", expire=100)
    client.set("past", "1", expire=-1)
    assert set(client.get_many(["short", "long", "past"])) == {"short", "long"}
    time.sleep(3.1)
    assert set(client.get_many(["short", "long"])) == {"long"}


def test_an_expiry_of_more_than_thirty_days_is_a_date(client):
    client.set("past", "1", expire=int(time.time()) - 10)
    client.set("future", "1", expire=int(time.time()) + 100)
    assert set(client.get_many(["past", "future"])) == {"future"}


def test_touch(client):
    assert client.touch("key", 10) is False
    client.set("key", "value", expire=2)
    assert client.touch("key", 100) is True
    time.sleep(3.1)
    assert client.get("key") == b"value"


def test_get_and_touch(client):
    def gat(seconds, key):
        return client.raw_command(f"gat {seconds} {key}", end_tokens="END\r\n")

    assert gat(10, "key") == b""
    client.set("key", "value", expire=2)
    assert gat(100, "key") == b"VALUE key 0 5\r\nvalue\r\n"
    time.sleep(3.1)
    assert client.get("key") == b"value"


@pytest.mark.parametrize("size", [0, 1, 63, 64, 4095, 4096, 4097, 100_000, MIB - 1024])
def test_values_of_every_size_and_any_bytes(client, size):
    value = random.Random(size).randbytes(size)
    assert client.set("key", value) is True
    assert client.get("key") == value


def test_values_that_look_like_the_protocol(client):
    for value in [b"\r\n", b"END\r\n", b"\0" * 100, b"x\r\nflush_all\r\n", bytes(range(256))]:
        client.set("key", value)
        assert client.get("key") == value


def test_a_value_too_large_is_refused_and_the_connection_goes_on(client):
    with pytest.raises(MemcacheServerError):
        client.set("key", b"x" * (2 * MIB))
    assert client.get("key") is None
    assert client.set("key", "small") is True


def test_flags_tell_the_types_of_python_values(client):
    client.serde = serde.pickle_serde
    for value in ["text", b"bytes", 7, {"a": [1, 2]}]:
        client.set("key", value)
        assert client.get("key") == value


def test_noreply(client):
    for i in range(300):
        client.set(f"key{i}", str(i), noreply=True)
    client.incr("key7", 3, noreply=True)
    client.delete("key8", noreply=True)
    assert client.get_many(["key7", "key8", "key299"]) == {"key7": b"10", "key299": b"299"}


def test_flush_all_forgets_everything_and_can_wait(client):
    client.set("key", "value")
    assert client.flush_all() is True
    assert client.get("key") is None
    client.set("key", "value")
    assert client.flush_all(delay=3) is True
    assert client.get("key") == b"value"
    time.sleep(4.1)
    assert client.get("key") is None


def test_stats_count(client):
    before = client.stats()
    client.set("counted", "value")
    client.get("counted")
    client.get("absent")
    after = client.stats()
    deltas = {b"cmd_set": 1, b"cmd_get": 2, b"get_hits": 1, b"get_misses": 1, b"curr_items": 1}
    assert {name: after[name] - before[name] for name in deltas} == deltas
    assert {b"pid", b"uptime", b"time", b"version", b"limit_maxbytes", b"threads"} <= set(after)


def test_the_version_is_one_that_clients_can_parse(client):
    major, minor, patch = client.version().split(b".")
    assert (int(major), int(minor)) >= (1, 4) and patch
