"""python-binary-memcached, which speaks the binary protocol only, with and without SASL."""

import random

import bmemcached
import pytest
from bmemcached.exceptions import AuthenticationNotSupported, MemcachedException

MIB = 1 << 20


@pytest.fixture
def client(port):
    client = bmemcached.Client([f"127.0.0.1:{port}"])
    client.flush_all()
    yield client
    client.disconnect_all()


def test_set_get_delete(client):
    assert client.get("key") is None
    assert client.set("key", "value")
    assert client.get("key") == "value"
    assert client.delete("key")
    assert not client.delete("key") or client.get("key") is None


def test_add_and_replace(client):
    assert not client.replace("key", "0")
    assert client.add("key", "old")
    assert not client.add("key", "other")
    assert client.replace("key", "new")
    assert client.get("key") == "new"


def test_compare_and_swap(client):
    client.set("key", "old")
    value, version = client.gets("key")
    assert value == "old"
    assert client.cas("key", "new", version)
    assert not client.cas("key", "newer", version)
    assert client.get("key") == "new"


def test_increment_and_decrement_make_what_is_missing(client):
    assert client.incr("count", 3, default=5) == 5
    assert client.incr("count", 37) == 42
    assert client.decr("count", 50) == 0


def test_many_keys_at_once(client):
    values = {f"key{i}": f"value{i}" for i in range(500)}
    assert not client.set_multi(values)
    assert client.get_multi([*values, "absent"]) == values
    client.delete_multi(list(values))
    assert client.get_multi(list(values)) == {}


@pytest.mark.parametrize("size", [0, 1, 4096, 100_000, MIB - 1024])
def test_values_of_every_size_and_any_bytes(client, size):
    value = random.Random(size).randbytes(size)
    assert client.set("key", value, compress_level=0)
    assert client.get("key") == value


def test_a_value_too_large_is_refused(client):
    with pytest.raises(MemcachedException):
        client.set("key", b"x" * (2 * MIB), compress_level=0)
    assert client.set("key", "small")


def test_statistics(client):
    client.set("key", "value")
    [stats] = client.stats().values()
    assert {"pid", "version", "cmd_get", "limit_maxbytes"} <= set(stats)


def test_a_client_that_has_signed_in_is_served(with_users):
    client = bmemcached.Client([f"127.0.0.1:{with_users}"], "ada", "lovelace")
    assert client.set("key", "value")
    assert client.get_multi(["key", "absent"]) == {"key": "value"}


def test_a_wrong_password_is_refused(with_users):
    client = bmemcached.Client([f"127.0.0.1:{with_users}"], "ada", "wrong")
    with pytest.raises(MemcachedException) as refused:
        client.set("key", "value")
    assert refused.value.code == 0x20


def test_a_server_without_users_says_that_there_is_no_sasl(port):
    client = bmemcached.Client([f"127.0.0.1:{port}"], "ada", "lovelace")
    try:
        assert client.set("key", "value")
    except AuthenticationNotSupported:
        pass
