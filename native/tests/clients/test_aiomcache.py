"""aiomcache, a client for asyncio."""

import asyncio
import random

import aiomcache
import pytest

MIB = 1 << 20


@pytest.fixture
def run(port):
    """Runs a test with a client of a server without items."""

    def run(test):
        async def with_client():
            client = aiomcache.Client("127.0.0.1", port)
            try:
                await client.flush_all()
                await test(client)
            finally:
                await client.close()

        asyncio.run(with_client())

    return run


def test_set_get_delete(run):
    async def test(client):
        assert await client.get(b"key") is None
        assert await client.get(b"key", b"none") == b"none"
        assert await client.set(b"key", b"value")
        assert await client.get(b"key") == b"value"
        assert await client.delete(b"key")
        assert not await client.delete(b"key")

    run(test)


def test_add_replace_append_prepend(run):
    async def test(client):
        assert not await client.replace(b"key", b"0")
        assert not await client.append(b"key", b"0")
        assert await client.add(b"key", b"middle")
        assert not await client.add(b"key", b"other")
        assert await client.append(b"key", b"-end")
        assert await client.prepend(b"key", b"start-")
        assert await client.get(b"key") == b"start-middle-end"
        assert await client.replace(b"key", b"new")

    run(test)


def test_compare_and_swap(run):
    async def test(client):
        await client.set(b"key", b"old")
        value, version = await client.gets(b"key")
        assert value == b"old"
        assert await client.cas(b"key", b"new", version)
        assert not await client.cas(b"key", b"newer", version)
        assert await client.get(b"key") == b"new"

    run(test)


def test_increment_and_decrement(run):
    async def test(client):
        with pytest.raises(aiomcache.ClientException):
            await client.incr(b"count")
        await client.set(b"count", b"10")
        assert await client.incr(b"count", 32) == 42
        assert await client.decr(b"count", 50) == 0
        await client.set(b"text", b"ten")
        with pytest.raises(aiomcache.ClientException):
            await client.incr(b"text")

    run(test)


def test_touch_and_expiry(run):
    async def test(client):
        assert not await client.touch(b"key", 100)
        await client.set(b"key", b"value", exptime=2)
        await client.set(b"short", b"value", exptime=2)
        assert await client.touch(b"key", 100)
        await asyncio.sleep(3.1)
        assert await client.multi_get(b"key", b"short") == (b"value", None)

    run(test)


def test_many_requests_at_once(run):
    async def test(client):
        values = {b"key%d" % number: b"value%d" % number for number in range(300)}
        assert all(await asyncio.gather(*(client.set(*item) for item in values.items())))
        assert await asyncio.gather(*map(client.get, values)) == list(values.values())
        found = await client.multi_get(*values, b"absent")
        assert found == (*values.values(), None)

    run(test)


@pytest.mark.parametrize("size", [0, 1, 4096, 100_000, MIB - 1024])
def test_values_of_every_size_and_any_bytes(run, size):
    async def test(client):
        value = random.Random(size).randbytes(size)
        assert await client.set(b"key", value)
        assert await client.get(b"key") == value

    run(test)


def test_the_version_and_the_statistics(run):
    async def test(client):
        assert (await client.version()).startswith(b"1.")
        stats = await client.stats()
        assert {b"pid", b"cmd_get", b"limit_maxbytes"} <= set(stats)

    run(test)
