<?php
// What a program in PHP does with a cache, through the older extension `memcache`, in the protocol that
// it is told.

if (ini_get('zend.assertions') !== '1') {
    exit("`php -d zend.assertions=1`: otherwise nothing is checked\n");
}
ini_set('assert.exception', '1');
$binary = getenv('PROTOCOL') === 'binary';
ini_set('memcache.protocol', $binary ? 'binary' : 'ascii');

$cache = new Memcache();
assert($cache->connect('127.0.0.1', (int) getenv('PORT'), 20));
$cache->setCompressThreshold(1 << 30);

$tests = [
    'set, get and delete' => function ($cache) {
        assert($cache->get('key') === false);
        assert($cache->set('key', 'value'));
        assert($cache->get('key') === 'value');
        assert($cache->delete('key'));
        assert(!$cache->delete('key'));
    },
    'add, replace, append and prepend' => function ($cache) use ($binary) {
        // In packets the extension takes the answer "not found" to a store for a fault of the server.
        assert($binary || !$cache->replace('key', '0'));
        assert($binary || !$cache->append('key', '0'));
        assert($cache->add('key', 'middle'));
        assert(!$cache->add('key', 'other'));
        assert($cache->append('key', '-end'));
        assert($cache->prepend('key', 'start-'));
        assert($cache->get('key') === 'start-middle-end');
        assert($cache->replace('key', 'new'));
    },
    'compare and swap' => function ($cache) {
        $cache->set('key', 'old');
        $flags = $cas = null;
        assert($cache->get('key', $flags, $cas) === 'old' && $cas > 0);
        assert($cache->cas('key', 'new', 0, 0, $cas));
        assert(!$cache->cas('key', 'newer', 0, 0, $cas));
        assert($cache->get('key') === 'new');
    },
    'increment and decrement' => function ($cache) {
        assert($cache->increment('count') === false);
        $cache->set('count', 10);
        assert($cache->increment('count', 32) === 42);
        assert($cache->decrement('count', 50) === 0);
    },
    'many keys at once' => function ($cache) {
        $values = [];
        for ($i = 0; $i < 300; $i++) {
            $values["key$i"] = "value$i";
            $cache->set("key$i", "value$i");
        }
        $found = $cache->get([...array_keys($values), 'absent']);
        ksort($found);
        ksort($values);
        assert($found === $values);
    },
    'values of every size and any bytes' => function ($cache) {
        foreach ([0, 1, 4096, 100_000, (1 << 20) - 1024] as $size) {
            $value = $size > 0 ? random_bytes($size) : '';
            assert($cache->set('key', $value));
            assert($cache->get('key') === $value);
        }
    },
    'a value too large is refused' => function ($cache) {
        assert(!@$cache->set('key', random_bytes(2 << 20)));
        assert($cache->set('key', 'small'));
        assert($cache->get('key') === 'small');
    },
    'a value that is sent compressed' => function ($cache) {
        $value = str_repeat('text ', 50_000);
        assert($cache->set('key', $value, MEMCACHE_COMPRESSED));
        assert($cache->get('key') === $value);
    },
    'flags tell the types of values' => function ($cache) {
        foreach (['text', 7, 1.5, true, ['a' => [1, 2]]] as $value) {
            assert($cache->set('key', $value));
            assert($cache->get('key') === $value);
        }
    },
    'expiry' => function ($cache) {
        $cache->set('short', 'value', 0, 1);
        $cache->set('long', 'value', 0, 100);
        usleep(2_100_000);
        assert($cache->get('short') === false);
        assert($cache->get('long') === 'value');
    },
    'the version and the statistics' => function ($cache) use ($binary) {
        assert(preg_match('/^1\.\d+\.\d+$/', $cache->getVersion()));
        // The extension has no statistics in packets.
        $stats = $cache->getStats();
        assert($binary ? !$stats : $stats['pid'] > 0 && isset($stats['limit_maxbytes']));
    },
];

foreach ($tests as $name => $test) {
    $cache->flush();
    $test($cache);
    echo "passed: $name\n";
}
