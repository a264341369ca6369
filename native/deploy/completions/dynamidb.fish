complete -c dynamidb -s p -l port -d 'TCP port; 0 picks a free one, as memcached\'s -1 does' -r
complete -c dynamidb -s l -l listen -d 'Addresses to listen on, separated by commas: HOST or HOST:PORT (IPv6 with a port in brackets, * for all addresses), unix:FILE; with tls: in front, clients speak TLS there, with noauth: they need not sign in [default: 127.0.0.1 and ::1, as far as the host has them]' -r
complete -c dynamidb -s c -l max-connections -d 'The most clients at a time; more are rejected with an error [default: 10000, or what the limit of open files leaves]' -r
complete -c dynamidb -l stall-timeout -d 'Seconds after which a client is disconnected that has sent half a request or does not read its replies; 0 for never' -r
complete -c dynamidb -s Y -l auth-file -d 'A file of up to eight lines NAME:PASSWORD; users below a line [read-only] may only read. A client has to send one of them first, as the value "NAME PASSWORD" of a set of any key, or by SASL PLAIN in the binary protocol; SIGHUP reloads the file' -r -F
complete -c dynamidb -l tls-cert -d 'The certificate of the server for TLS, with those between it and its root, in PEM. This and the next two files are read again on SIGHUP, by `refresh_certs` and when they have changed' -r -F
complete -c dynamidb -l tls-key -d 'The key of the certificate, in PEM [default: in the file of --tls-cert]' -r -F
complete -c dynamidb -l tls-client-ca -d 'Serve clients with TLS only if they show a certificate that is signed by one in this file' -r -F
complete -c dynamidb -s b -l backlog -d 'Connections that the system queues until they are accepted' -r
complete -c dynamidb -l admin -d 'Where HTTP serves metrics (/metrics), health checks and a dashboard, read only; or off [default: 127.0.0.1:11280, or off if another program has that port]' -r
complete -c dynamidb -l dialect -d 'Which verbs are understood. auto: with a capital letter DynamiDB\'s, in lower case memcached\'s' -r -f -a "auto\t''
dynamidb\t''
memcached\t''"
complete -c dynamidb -l memcached-version -d 'The version that memcached\'s clients are told, in visible ASCII characters' -r
complete -c dynamidb -s m -l memory -d 'Memory for items and their index, in MiB or with a unit, as in 512k, 64MB or 1.5g; lifts the default item limit [default: 64]' -r
complete -c dynamidb -l max-items -d 'The most items [default: 1000, or no limit if --memory is given]' -r
complete -c dynamidb -s I -l max-item-size -d 'The largest item, key and value together, in bytes or with a unit; from 1k to 16m and a quarter of the memory [default: 1m]' -r
complete -c dynamidb -l slab-sizes -d 'Chunk sizes of the slab classes, in bytes: ascending multiples of 16, separated by commas [default: 64,128,256,1024,4096; with --memory 11 sizes from 32 on, with 16 MiB or more 30]' -r
complete -c dynamidb -s f -l slab-growth -d 'Chunk sizes as memcached\'s options -f and -n make them: the first is 48 bytes and -n, each further one larger by this factor, up to 4096' -r
complete -c dynamidb -s n -l slab-min -d 'Bytes of key, value and flags in the smallest chunk, with --slab-growth' -r
complete -c dynamidb -l policy -d 'Which item is evicted when memory is full. lru: the least recently used; s3lru: the same behind a queue that keeps keys which are requested only once from evicting others; density: by age and size, which gives the fewest misses where sizes differ; density-full: with the full weight of size, for fewer misses still, but more bytes missed' -r -f -a "lru\t''
s3lru\t''
density\t''
density-full\t''"
complete -c dynamidb -l lru-bump -d 'When a used item moves to the front of the LRU list. strict: always, so that the order is exact; lazy: unless it is in the newest quarter, for half the writes and 0.4 % more misses' -r -f -a "strict\t''
lazy\t''"
complete -c dynamidb -l insight -d 'Whether the server samples requests to know its hot keys, and what hit ratio it would have with more or less memory: `stats hotkeys`, `stats advice`' -r -f -a "on\t''
off\t''"
complete -c dynamidb -l state -d 'A file that keeps all items while the server does not run: written at a stop and on SIGUSR2, read at the start' -r -F
complete -c dynamidb -s t -l threads -d 'Worker threads [default: one for each processor, at most 4]' -r
complete -c dynamidb -l runtime -d 'The runtime that drives the sockets' -r -f -a "tokio\t'One single-threaded tokio runtime for each thread'"
complete -c dynamidb -l io-uring -d 'Read and write many sockets by one call of the system, with Linux\' io_uring. auto: where the system allows it; on: do not start without it' -r -f -a "auto\t''
on\t''
off\t''"
complete -c dynamidb -l log-format -d 'How the log is written: lines for people, or a JSON object in each line' -r -f -a "text\t''
json\t''"
complete -c dynamidb -l config -d 'A file in TOML whose keys are the long names of options; SIGHUP reloads it' -r -F
complete -c dynamidb -l slow-log -d 'Log requests that take this long, from readable to written, and why' -r
complete -c dynamidb -s s -l unix-socket -d 'Listen on this Unix socket, and on addresses only with -l; the file is removed at the end' -r -F
complete -c dynamidb -s a -l unix-mask -d 'The permissions of Unix sockets, in octal' -r
complete -c dynamidb -s D -l stat-prefix -d 'Count gets, sets and deletes for each key prefix up to this character, as `stats detail on` does with `:`' -r
complete -c dynamidb -s B -l protocol -d 'Which protocol is spoken. auto: the first byte of a connection decides [default: auto, or binary with -S and without -Y]' -r -f -a "auto\t''
ascii\t''
binary\t''"
complete -c dynamidb -l sasl-pwdb -d 'With -S, memcached\'s file of lines NAME:PASSWORD, which MEMCACHED_SASL_PWDB names as well; SIGHUP reloads it' -r -F
complete -c dynamidb -s u -l user -d 'The user to run as once everything is bound and opened; only root can change users, and for others this has no effect' -r
complete -c dynamidb -s U -l udp-port -r
complete -c dynamidb -s o -l extended -r
complete -c dynamidb -s R -l max-reqs-per-event -r
complete -c dynamidb -s P -l pidfile -r
complete -c dynamidb -s e -l memory-file -r
complete -c dynamidb -s N -l napi-ids -r
complete -c dynamidb -l require-tls-auth -d 'Refuse to start if names and passwords would be sent over TCP beyond this host'
complete -c dynamidb -l admin-keys -d 'Show keys on the admin port also if other hosts can reach it or clients have to sign in'
complete -c dynamidb -s v -l verbose -d 'Log each connection that opens or ends, too; with -vv also who signs in. The command `watch` shows requests'
complete -c dynamidb -l check-config -d 'Check the options, the file and the users, say all that is wrong with a status of 2, and end'
complete -c dynamidb -l print-config -d 'Print all options as a file in TOML, each with where its value comes from'
complete -c dynamidb -l hash-password -d 'Read a password from standard input and print its salted hash, which can stand in the place of the password in the file of --auth-file'
complete -c dynamidb -s A -l enable-shutdown -d 'Let clients stop the server by `shutdown`'
complete -c dynamidb -s F -l disable-flush-all -d 'Refuse `flush_all` and `flush_prefix`'
complete -c dynamidb -s X -l disable-dumping -d 'Refuse commands that list keys: `lru_crawler metadump` and `mgdump`, `stats cachedump` and `detail`'
complete -c dynamidb -s W -l disable-watch -d 'Refuse `watch`'
complete -c dynamidb -s S -l enable-sasl -d 'Let clients of the binary protocol sign in by SASL PLAIN, and serve none that has not; with -Y they do so in any case'
complete -c dynamidb -s C -l disable-cas -d 'Give items no `cas`: it is 0 for all, and `cas` stores nothing'
complete -c dynamidb -s M -l disable-evictions -d 'When memory is full, refuse to store instead of evicting'
complete -c dynamidb -s k -l lock-memory -d 'Lock all memory, so that it is resident from the start; needs the right to lock that much'
complete -c dynamidb -s r -l enable-coredumps -d 'Leave a core file of any size after a crash'
complete -c dynamidb -s i -l license -d 'Print the licence'
complete -c dynamidb -s L -l enable-largepages
complete -c dynamidb -s d -l daemon
complete -c dynamidb -s Z -l enable-ssl -d 'Have clients of all addresses speak TLS, but for those with notls: in front'
complete -c dynamidb -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dynamidb -s V -l version -d 'Print version'
