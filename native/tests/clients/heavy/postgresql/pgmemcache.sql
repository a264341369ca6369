-- What a database does with a cache, through pgmemcache. Each line of a result is one check.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
create extension pgmemcache;
select memcache_flush_all();
select 'absent', memcache_get('key') is null;
select 'set', memcache_set('key', 'value'), memcache_get('key') = 'value';
select 'add', not memcache_add('key', 'other'), memcache_add('new', 'value', interval '100 s');
select 'replace', memcache_replace('key', 'newer'), not memcache_replace('none', 'x');
select 'append', memcache_append('key', '-end'), memcache_prepend('key', 'start-');
select 'joined', memcache_get('key') = 'start-newer-end';
select 'delete', memcache_delete('key'), not memcache_delete('key');
select 'absent count', memcache_incr('count') = -1;
select 'count', memcache_set('count', '10'), memcache_incr('count', 32) = 42;
select 'decr', memcache_decr('count', 50) = 0;
select 'many', count(memcache_set('key' || n, 'value' || n)) = 300 from generate_series(1, 300) n;
select 'multi', count(*) = 300, bool_and(value = 'value' || substr(key, 4))
    from memcache_get_multi(array(select 'key' || n from generate_series(1, 301) n));
select 'sizes', bool_and(memcache_set('size', repeat('x', size))
    and memcache_get('size') = repeat('x', size)) from unnest(array[0, 1, 4096, 100000, 1047552]) size;
select 'lines', memcache_set('lines', E'END\r\n'), memcache_get('lines') = E'END\r\n';
select 'expiry', memcache_set('short', 'value', interval '1 s'), pg_sleep(2.1) is not null,
    memcache_get('short') is null;
select 'stats', memcache_stats() like '%limit_maxbytes%';
