// Signing in through the package `memjs`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import memjs from 'memjs';

const create = (login) => memjs.Client.create(`${login}@127.0.0.1:${process.env.PORT}`, { retries: 0, timeout: 20 });

test('who has signed in is served', async () => {
    const cache = create('ada:lovelace');
    assert.equal(await cache.set('key', 'value', {}), true);
    assert.equal((await cache.get('key')).value.toString(), 'value');
    cache.close();
});
