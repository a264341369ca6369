// What a program in JavaScript does with a cache, through the package `memjs` and through
// `@keyv/memcache`, which is built on it. Both speak the binary protocol.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import KeyvMemcache from '@keyv/memcache';
import Keyv from 'keyv';
import memjs from 'memjs';

const address = `127.0.0.1:${process.env.PORT}`;
const options = { timeout: 20, conntimeout: 20, retries: 0 };
const cache = memjs.Client.create(address, options);
const text = async (key) => (await cache.get(key)).value?.toString();

beforeEach(() => Promise.all(['key', 'count', 'short'].map((key) => cache.delete(key))));
after(() => cache.close());

test('set, get and delete', async () => {
    assert.equal(await text('key'), undefined);
    assert.equal(await cache.set('key', 'value', {}), true);
    assert.equal(await text('key'), 'value');
    assert.equal(await cache.delete('key'), true);
    assert.equal(await cache.delete('key'), false);
});

// Its `prepend` appends.
test('add, replace and append', async () => {
    assert.equal(await cache.replace('key', '0', {}), false);
    assert.equal(await cache.add('key', 'middle', {}), true);
    assert.equal(await cache.add('key', 'other', {}), false);
    assert.equal(await cache.append('key', '-end'), true);
    assert.equal(await text('key'), 'middle-end');
});

test('increment and decrement', async () => {
    const increment = await cache.increment('count', 5, { initial: 10, expires: 60 });
    assert.equal(increment.value, 10);
    assert.equal((await cache.increment('count', 32, {})).value, 42);
    assert.equal((await cache.decrement('count', 50, {})).value, 0);
});

test('touch and expiry', async () => {
    assert.equal(await cache.touch('key', 100), false);
    await cache.set('key', 'value', { expires: 2 });
    await cache.set('short', 'value', { expires: 2 });
    assert.equal(await cache.touch('key', 100), true);
    await sleep(3100);
    assert.equal(await text('key'), 'value');
    assert.equal(await text('short'), undefined);
});

test('many requests at once', async () => {
    const keys = Array.from({ length: 300 }, (_, number) => `key${number}`);
    await Promise.all(keys.map((key) => cache.set(key, `of ${key}`, {})));
    const values = await Promise.all(keys.map(text));
    assert.deepEqual(values, keys.map((key) => `of ${key}`));
});

test('values of every size and any bytes', async () => {
    for (const size of [0, 1, 4096, 100_000, (1 << 20) - 1024]) {
        const value = randomBytes(size);
        assert.equal(await cache.set('key', value, {}), true);
        assert.deepEqual((await cache.get('key')).value, value);
    }
});

test('a value too large is refused', async () => {
    await assert.rejects(cache.set('key', Buffer.alloc(2 << 20), {}));
    assert.equal(await cache.set('key', 'small', {}), true);
});

test('keyv', async () => {
    const store = new KeyvMemcache(address, options);
    const keyv = new Keyv({ store });
    assert.equal(await keyv.set('key', { deep: ['value'] }, 60_000), true);
    assert.deepEqual(await keyv.get('key'), { deep: ['value'] });
    assert.equal(await keyv.delete('key'), true);
    assert.equal(await keyv.get('key'), undefined);
    store.client.close();
});
