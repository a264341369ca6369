<?php
// What a program in PHP does with a cache, through the extension `memcached`, in the protocol that it
// is told.

if (ini_get('zend.assertions') !== '1') {
    exit("`php -d zend.assertions=1`: otherwise nothing is checked\n");
}
ini_set('assert.exception', '1');

$cache = new Memcached();
$cache->addServer('127.0.0.1', (int) getenv('PORT'));
$cache->setOption(Memcached::OPT_TCP_NODELAY, true);
$cache->setOption(Memcached::OPT_COMPRESSION, false);
$binary = getenv('PROTOCOL') === 'binary';
$cache->setOption(Memcached::OPT_BINARY_PROTOCOL, $binary);
$user = getenv('SASL_USER');
if ($user !== false) {
    $cache->setSaslAuthData($user, getenv('SASL_PASSWORD'));
}

$tests = [
    'set, get and delete' => function ($cache) {
        assert($cache->get('key') === false);
        assert($cache->getResultCode() === Memcached::RES_NOTFOUND);
        assert($cache->set('key', 'value'));
        assert($cache->get('key') === 'value');
        assert($cache->delete('key'));
        assert(!$cache->delete('key'));
    },
    'add, replace, append and prepend' => function ($cache) {
        assert(!$cache->replace('key', '0'));
        assert(!$cache->append('key', '0'));
        assert($cache->add('key', 'middle'));
        assert(!$cache->add('key', 'other'));
        assert($cache->append('key', '-end'));
        assert($cache->prepend('key', 'start-'));
        assert($cache->get('key') === 'start-middle-end');
        assert($cache->replace('key', 'new'));
    },
    'compare and swap' => function ($cache) {
        $cache->set('key', 'old');
        $found = $cache->get('key', null, Memcached::GET_EXTENDED);
        assert($found['value'] === 'old' && $found['cas'] > 0);
        assert($cache->cas($found['cas'], 'key', 'new'));
        assert(!$cache->cas($found['cas'], 'key', 'newer'));
        assert($cache->getResultCode() === Memcached::RES_DATA_EXISTS);
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
        }
        assert($cache->setMulti($values));
        assert($cache->getMulti([...array_keys($values), 'absent']) === $values);
        assert($cache->getDelayed(['key1', 'key2'], true));
        assert(count($cache->fetchAll()) === 2);
        assert(!in_array(false, $cache->deleteMulti(array_keys($values))));
        assert($cache->getMulti(array_keys($values)) === []);
    },
    'values of every size and any bytes' => function ($cache) {
        foreach ([0, 1, 4096, 100_000, (1 << 20) - 1024] as $size) {
            $value = $size > 0 ? random_bytes($size) : '';
            assert($cache->set('key', $value));
            assert($cache->get('key') === $value);
        }
    },
    'a value too large is refused' => function ($cache) {
        assert(!$cache->set('key', str_repeat('x', 2 << 20)));
        assert($cache->getResultCode() === Memcached::RES_E2BIG);
        assert($cache->set('key', 'small'));
    },
    'flags tell the types of values' => function ($cache) {
        foreach (['text', 7, 1.5, true, ['a' => [1, 2]]] as $value) {
            assert($cache->set('key', $value));
            assert($cache->get('key') === $value);
        }
    },
    'touch and expiry' => function ($cache) {
        assert(!$cache->touch('key', 100));
        $cache->set('key', 'value', 2);
        $cache->set('short', 'value', 2);
        assert($cache->touch('key', 100));
        usleep(3_100_000);
        assert($cache->get('key') === 'value');
        assert($cache->get('short') === false);
    },
    'without replies' => function ($cache) {
        $cache->setOption(Memcached::OPT_NOREPLY, true);
        for ($i = 0; $i < 300; $i++) {
            $cache->set("key$i", "value$i");
        }
        $cache->setOption(Memcached::OPT_NOREPLY, false);
        assert($cache->get('key299') === 'value299');
    },
    'the version and the statistics' => function ($cache) {
        [$version] = array_values($cache->getVersion());
        assert(preg_match('/^1\.\d+\.\d+$/', $version));
        [$stats] = array_values($cache->getStats());
        assert($stats['pid'] > 0 && isset($stats['limit_maxbytes']));
    },
];

foreach ($tests as $name => $test) {
    $cache->flush();
    $test($cache);
    echo "passed: $name\n";
}
