"""libmemcached, the client in C, as pylibmc gives it to Python, in both protocols."""

import random
import time

import pylibmc
import pytest

MIB = 1 << 20


@pytest.fixture(params=["text", "binary"])
def client(port, request):
    client = pylibmc.Client(
        [f"127.0.0.1:{port}"],
        binary=request.param == "binary",
        behaviors={"cas": True, "tcp_nodelay": True},
    )
    client.flush_all()
    yield client
    client.disconnect_all()


def test_set_get_delete(client):
    assert client.get("key") is None
    assert client.set("key", "value") is True
    assert client.get("key") == "value"
    assert "key" in client
    assert client.delete("key") is True
    assert client.delete("key") is False


def stores_nothing(store, *words):
    """Whether a store is refused, which the library tells in one of two ways."""
    try:
        return store(*words) is False
    except pylibmc.NotFound:
        return True


def test_add_replace_append_prepend(client):
    assert stores_nothing(client.replace, "key", "0")
    assert stores_nothing(client.append, "key", "0")
    assert client.add("key", "middle") is True
    assert client.add("key", "other") is False
    assert client.append("key", "-end") is True
    assert client.prepend("key", "start-") is True
    assert client.get("key") == "start-middle-end"
    assert client.replace("key", "new") is True
    assert client.get("key") == "new"


def test_compare_and_swap(client):
    client.set("key", "old")
    value, version = client.gets("key")
    assert value == "old"
    assert client.cas("key", "new", version) is True
    assert client.cas("key", "newer", version) is False
    assert client.get("key") == "new"


def test_increment_and_decrement(client):
    with pytest.raises(pylibmc.NotFound):
        client.incr("count")
    client.set("count", 10)
    assert client.incr("count") == 11
    assert client.incr("count", 31) == 42
    assert client.decr("count", 50) == 0
    client.set("text", "ten")
    with pytest.raises(pylibmc.Error):
        client.incr("text")


def test_many_keys_at_once(client):
    values = {f"key{i}": f"value{i}" for i in range(500)}
    assert client.set_multi(values) == []
    assert client.get_multi([*values, "absent"]) == values
    assert client.delete_multi(list(values)) is True
    assert client.get_multi(list(values)) == {}


def test_keys_with_a_prefix(client):
    assert client.set_multi({"a": 1, "b": 2}, key_prefix="some/") == []
    assert client.get_multi(["a", "b"], key_prefix="some/") == {"a": 1, "b": 2}
    assert client.get("some/a") == 1


@pytest.mark.parametrize("size", [0, 1, 4096, 100_000, MIB - 1024])
def test_values_of_every_size_and_any_bytes(client, size):
    value = random.Random(size).randbytes(size)
    assert client.set("key", value) is True
    assert client.get("key") == value


def test_a_value_too_large_is_refused(client):
    with pytest.raises(pylibmc.TooBig):
        client.set("key", b"x" * (2 * MIB))
    assert client.set("key", "small") is True


def test_a_value_that_is_sent_compressed(client):
    value = "text " * 50_000
    assert client.set("key", value, min_compress_len=100) is True
    assert client.get("key") == value


def test_touch(client):
    client.set("key", "value", time=2)
    assert client.touch("key", 100) is True
    assert client.touch("absent", 100) is False
    time.sleep(3.1)
    assert client.get("key") == "value"


def test_nothing_is_heard_of_what_is_sent_without_reply(port):
    behaviors = {"_noreply": True, "tcp_nodelay": True}
    silent = pylibmc.Client([f"127.0.0.1:{port}"], behaviors=behaviors)
    for i in range(300):
        silent.set(f"silent{i}", str(i))
    silent.delete("silent7")
    found = silent.get_multi(["silent7", "silent8", "silent299"])
    assert found == {"silent8": "8", "silent299": "299"}


def test_statistics(client):
    client.set("key", "value")
    [(server, stats)] = client.get_stats()
    assert server.startswith(b"127.0.0.1:")
    assert int(stats["curr_items"]) >= 1
    assert {"pid", "version", "cmd_get", "limit_maxbytes"} <= set(stats)


def test_a_client_that_has_signed_in_is_served(with_users):
    server = f"127.0.0.1:{with_users}"
    client = pylibmc.Client([server], binary=True, username="ada", password="lovelace")
    assert client.set("key", "value") is True
    assert client.get_multi(["key", "absent"]) == {"key": "value"}


def test_a_wrong_password_is_refused(with_users):
    server = f"127.0.0.1:{with_users}"
    client = pylibmc.Client([server], binary=True, username="ada", password="wrong")
    with pytest.raises(pylibmc.Error):
        client.set("key", "value")
