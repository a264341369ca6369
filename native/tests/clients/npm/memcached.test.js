// What a program in JavaScript does with a cache, through the package `memcached`.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import Memcached from 'memcached';

const cache = new Memcached(`127.0.0.1:${process.env.PORT}`, {
    maxValue: 4 << 20,
    timeout: 20_000,
    retries: 0,
});
const call = (name, ...words) => promisify(cache[name]).apply(cache, words);

beforeEach(() => call('flush'));
after(() => cache.end());

test('set, get and delete', async () => {
    assert.equal(await call('get', 'key'), undefined);
    assert.equal(await call('set', 'key', 'value', 0), true);
    assert.equal(await call('get', 'key'), 'value');
    assert.equal(await call('del', 'key'), true);
    assert.equal(await call('del', 'key'), false);
});

test('add, replace, append and prepend', async () => {
    await assert.rejects(call('replace', 'key', '0', 0));
    await assert.rejects(call('append', 'key', '0'));
    assert.equal(await call('add', 'key', 'middle', 0), true);
    await assert.rejects(call('add', 'key', 'other', 0));
    assert.equal(await call('append', 'key', '-end'), true);
    assert.equal(await call('prepend', 'key', 'start-'), true);
    assert.equal(await call('get', 'key'), 'start-middle-end');
    assert.equal(await call('replace', 'key', 'new', 0), true);
});

test('compare and swap', async () => {
    await call('set', 'key', 'old', 0);
    const { key, cas } = await call('gets', 'key');
    assert.equal(key, 'old');
    assert.equal(await call('cas', 'key', 'new', cas, 0), true);
    assert.equal(await call('cas', 'key', 'newer', cas, 0), false);
    assert.equal(await call('get', 'key'), 'new');
});

test('increment and decrement', async () => {
    assert.equal(await call('incr', 'count', 1), false);
    await call('set', 'count', 10, 0);
    assert.equal(await call('incr', 'count', 32), 42);
    assert.equal(await call('decr', 'count', 50), 0);
    await call('set', 'text', 'ten', 0);
    await assert.rejects(call('incr', 'text', 1), /non-numeric/);
});

test('many keys at once', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `key${i}`);
    await Promise.all(keys.map((key) => call('set', key, `value of ${key}`, 0)));
    const found = await call('getMulti', [...keys, 'absent']);
    assert.equal(Object.keys(found).length, keys.length);
    assert.ok(keys.every((key) => found[key] === `value of ${key}`));
});

for (const size of [0, 1, 4096, 100_000]) {
    test(`${size} bytes of any kind`, async () => {
        const value = randomBytes(size);
        await call('set', 'key', value, 0);
        assert.deepEqual(await call('get', 'key'), value);
    });
}

// In one line: the client looks at every line of a value again with every packet.
test('a megabyte', async () => {
    const value = 'x'.repeat((1 << 20) - 1024);
    await call('set', 'key', value, 0);
    assert.equal(await call('get', 'key'), value);
});

test('flags tell the types of values', async () => {
    for (const value of ['text', 7, true, { a: [1, 2] }]) {
        await call('set', 'key', value, 0);
        assert.deepEqual(await call('get', 'key'), value);
    }
});

test('items expire, and are touched', async () => {
    await call('set', 'short', '1', 2);
    await call('set', 'touched', '1', 2);
    assert.equal(await call('touch', 'touched', 100), true);
    assert.equal(await call('touch', 'absent', 100), false);
    await sleep(3100);
    assert.equal(await call('get', 'short'), undefined);
    assert.equal(await call('get', 'touched'), '1');
});

test('the version and the statistics', async () => {
    const [version] = await call('version');
    assert.equal(version.major, '1');
    const [stats] = await call('stats');
    assert.ok(stats.pid > 0 && stats.limit_maxbytes > 0);
});
