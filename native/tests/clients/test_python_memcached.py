"""The oldest of Python's clients, python-memcached."""

import random

import memcache
import pytest

MIB = 1 << 20


@pytest.fixture
def client(port):
    client = memcache.Client([f"127.0.0.1:{port}"], cache_cas=True, server_max_value_length=2 * MIB)
    client.flush_all()
    yield client
    client.disconnect_all()


def test_set_get_delete(client):
    assert client.get("key") is None
    assert client.set("key", "value")
    assert client.get("key") == "value"
    assert client.delete("key")
    assert client.get("key", "none") == "none"


def test_add_replace_append_prepend(client):
    assert not client.replace("key", "0")
    assert not client.append("key", "0")
    assert client.add("key", "middle")
    assert not client.add("key", "other")
    assert client.append("key", "-end")
    assert client.prepend("key", "start-")
    assert client.get("key") == "start-middle-end"
    assert client.replace("key", "new")


def test_compare_and_swap(client, port):
    other = memcache.Client([f"127.0.0.1:{port}"])
    client.set("key", "old")
    assert client.gets("key") == "old"
    assert client.cas("key", "new")
    assert client.gets("key") == "new"
    other.set("key", "other")
    assert not client.cas("key", "newest")
    assert client.get("key") == "other"
    other.disconnect_all()


def test_increment_and_decrement(client):
    assert client.incr("count") is None
    client.set("count", "10")
    assert client.incr("count", 32) == 42
    assert client.decr("count", 50) == 0


def test_many_keys_at_once(client):
    values = {f"key{i}": f"value{i}" for i in range(300)}
    assert client.set_multi(values) == []
    assert client.get_multi([*values, "absent"]) == values
    assert client.delete_multi(values)
    assert client.get_multi(values) == {}


@pytest.mark.parametrize("size", [0, 1, 4096, 100_000, MIB - 1024])
def test_values_of_every_size_and_any_bytes(client, size):
    value = random.Random(size).randbytes(size)
    assert client.set("key", value)
    assert client.get("key") == value


def test_a_value_too_large_is_refused(client):
    assert not client.set("key", b"x" * (2 * MIB - 1))
    assert client.set("key", "small")
    assert client.get("key") == "small"


def test_flags_tell_the_types_of_values(client):
    for value in ["text", b"bytes", 7, 2**40, True, {"a": [1, 2]}]:
        assert client.set("key", value)
        assert client.get("key") == value


def test_touch(client):
    assert not client.touch("key", 100)
    client.set("key", "value")
    assert client.touch("key", 100)


def test_statistics(client):
    [(_, stats)] = client.get_stats()
    assert {"pid", "version", "cmd_get", "limit_maxbytes"} <= set(stats)
    assert client.get_slab_stats() is not None
