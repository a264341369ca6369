# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_dynamidb_global_optspecs
    string join \n p/port= l/listen= c/max-connections= stall-timeout= Y/auth-file= require-tls-auth tls-cert= tls-key= tls-client-ca= b/backlog= admin= admin-keys dialect= memcached-version= m/memory= max-items= I/max-item-size= slab-sizes= f/slab-growth= n/slab-min= policy= lru-bump= insight= state= t/threads= runtime= io-uring= v/verbose log-format= config= check-config print-config hash-password slow-log= s/unix-socket= a/unix-mask= A/enable-shutdown F/disable-flush-all X/disable-dumping W/disable-watch D/stat-prefix= max-prefixes= B/protocol= S/enable-sasl sasl-pwdb= C/disable-cas M/disable-evictions k/lock-memory r/enable-coredumps u/user= i/license U/udp-port= o/extended= L/enable-largepages R/max-reqs-per-event= P/pidfile= d/daemon e/memory-file= Z/enable-ssl N/napi-ids= h/help V/version
end

function __fish_dynamidb_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_dynamidb_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_dynamidb_using_subcommand
    set -l cmd (__fish_dynamidb_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c dynamidb -n "__fish_dynamidb_needs_command" -s p -l port -d 'TCP port; 0 picks a free one, as memcached\'s -1 does' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s l -l listen -d 'Addresses to listen on, separated by commas: HOST or HOST:PORT (IPv6 with a port in brackets, * for all addresses), unix:FILE; with tls: in front, clients speak TLS there, with noauth: they need not sign in [default: 127.0.0.1 and ::1, as far as the host has them]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s c -l max-connections -d 'The most clients at a time; more are rejected with an error [default: 10000, or what the limit of open files leaves]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l stall-timeout -d 'Seconds after which a client is disconnected that has sent half a request or does not read its replies; 0 for never' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s Y -l auth-file -d 'A file of up to eight lines NAME:PASSWORD; users below a line [read-only] may only read. A client has to send one of them first, as the value "NAME PASSWORD" of a set of any key, or by SASL PLAIN in the binary protocol; SIGHUP reloads the file' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l tls-cert -d 'The certificate of the server for TLS, with those between it and its root, in PEM. This and the next two files are read again on SIGHUP, by `refresh_certs` and when they have changed' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l tls-key -d 'The key of the certificate, in PEM [default: in the file of --tls-cert]' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l tls-client-ca -d 'Serve clients with TLS only if they show a certificate that is signed by one in this file' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s b -l backlog -d 'Connections that the system queues until they are accepted' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l admin -d 'Where HTTP serves metrics (/metrics), health checks and a dashboard, read only; or off [default: 127.0.0.1:11280, or off if another program has that port]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l dialect -d 'Which verbs are understood. auto: with a capital letter DynamiDB\'s, in lower case memcached\'s' -r -f -a "auto\t''
dynamidb\t''
memcached\t''"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l memcached-version -d 'The version that memcached\'s clients are told, in visible ASCII characters' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s m -l memory -d 'Memory for items and their index, in MiB or with a unit, as in 512k, 64MB or 1.5g; lifts the default item limit [default: 64]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l max-items -d 'The most items [default: 1000, or no limit if --memory is given]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s I -l max-item-size -d 'The largest item, key and value together, in bytes or with a unit; from 1k to 16m and a quarter of the memory [default: 1m]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l slab-sizes -d 'Chunk sizes of the slab classes, in bytes: ascending multiples of 16, separated by commas [default: 64,128,256,1024,4096; with --memory 11 sizes from 32 on, with 16 MiB or more 30]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s f -l slab-growth -d 'Chunk sizes as memcached\'s options -f and -n make them: the first is 48 bytes and -n, each further one larger by this factor, up to 4096' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s n -l slab-min -d 'Bytes of key, value and flags in the smallest chunk, with --slab-growth' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l policy -d 'Which item is evicted when memory is full. lru: the least recently used; s3lru: the same behind a queue that keeps keys which are requested only once from evicting others; density: by age and size, which gives the fewest misses where sizes differ; density-full: with the full weight of size, for fewer misses still, but more bytes missed' -r -f -a "lru\t''
s3lru\t''
density\t''
density-full\t''"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l lru-bump -d 'When a used item moves to the front of the LRU list. strict: always, so that the order is exact; lazy: unless it is in the newest quarter, for half the writes and 0.4 % more misses' -r -f -a "strict\t''
lazy\t''"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l insight -d 'Whether the server samples requests to know its hot keys, and what hit ratio it would have with more or less memory: `stats hotkeys`, `stats advice`' -r -f -a "on\t''
off\t''"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l state -d 'A file that keeps all items while the server does not run: written at a stop, on SIGUSR2 and by the command `save`, read at the start' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s t -l threads -d 'Worker threads [default: one for each processor, at most 4]' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l runtime -d 'The runtime that drives the sockets' -r -f -a "tokio\t'One single-threaded tokio runtime for each thread'"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l io-uring -d 'Read and write many sockets by one call of the system, with Linux\' io_uring. auto: where the system allows it; on: do not start without it' -r -f -a "auto\t''
on\t''
off\t''"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l log-format -d 'How the log is written: lines for people, or a JSON object in each line' -r -f -a "text\t''
json\t''"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l config -d 'A file in TOML whose keys are the long names of options; SIGHUP reloads it' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l slow-log -d 'Log requests that take this long, from readable to written, and why' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s s -l unix-socket -d 'Listen on this Unix socket, and on addresses only with -l; the file is removed at the end' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s a -l unix-mask -d 'The permissions of Unix sockets, in octal' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s D -l stat-prefix -d 'Count gets, sets and deletes for each key prefix up to this character, as `stats detail on` does with `:`' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l max-prefixes -d 'How many prefixes `stats detail` counts. 64 bytes of the memory are set aside for each' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s B -l protocol -d 'Which protocol is spoken. auto: the first byte of a connection decides [default: auto, or binary with -S and without -Y]' -r -f -a "auto\t''
ascii\t''
binary\t''"
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l sasl-pwdb -d 'With -S, memcached\'s file of lines NAME:PASSWORD, which MEMCACHED_SASL_PWDB names as well; SIGHUP reloads it' -r -F
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s u -l user -d 'The user to run as once everything is bound and opened; only root can change users, and for others this has no effect' -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s U -l udp-port -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s o -l extended -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s R -l max-reqs-per-event -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s P -l pidfile -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s e -l memory-file -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s N -l napi-ids -r
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l require-tls-auth -d 'Refuse to start if names and passwords would be sent over TCP beyond this host'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l admin-keys -d 'Show keys on the admin port also if other hosts can reach it or clients have to sign in'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s v -l verbose -d 'Log each connection that opens or ends, too; with -vv also who signs in. The command `watch` shows requests'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l check-config -d 'Check the options, the file and the users, say all that is wrong with a status of 2, and end'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l print-config -d 'Print all options as a file in TOML, each with where its value comes from'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -l hash-password -d 'Read a password from standard input and print its salted hash, which can stand in the place of the password in the file of --auth-file'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s A -l enable-shutdown -d 'Let clients stop the server by `shutdown`'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s F -l disable-flush-all -d 'Refuse `flush_all` and `flush_prefix`'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s X -l disable-dumping -d 'Refuse commands that list keys: `lru_crawler metadump` and `mgdump`, `stats cachedump`, `detail` and `hotkeys`'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s W -l disable-watch -d 'Refuse `watch`'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s S -l enable-sasl -d 'Let clients of the binary protocol sign in by SASL PLAIN, and serve none that has not; with -Y they do so in any case'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s C -l disable-cas -d 'Give items no `cas`: it is 0 for all, and `cas` stores nothing. Those without client flags take 8 bytes less, and have no time of last use either, unless the policy is density'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s M -l disable-evictions -d 'When memory is full, refuse to store instead of evicting'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s k -l lock-memory -d 'Lock all memory, so that it is resident from the start; needs the right to lock that much'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s r -l enable-coredumps -d 'Leave a core file of any size after a crash'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s i -l license -d 'Print the licence'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s L -l enable-largepages
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s d -l daemon
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s Z -l enable-ssl -d 'Have clients of all addresses speak TLS, but for those with notls: in front'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -s V -l version -d 'Print version'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "ping" -d 'Ask a server whether it serves: status 0 if it answers, 1 if not'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "flush" -d 'Delete everything under keys that begin with a prefix'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "inspect" -d 'Verify a snapshot, and say what is in it'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "export" -d 'Save the items of a running server, also of a memcached, as a snapshot'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "import" -d 'Store the items of a snapshot in a running server, also in a memcached'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "top" -d 'Show what a server does, second by second'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "save" -d 'Have a server save its items to the file of its --state'
complete -c dynamidb -n "__fish_dynamidb_needs_command" -f -a "cli" -d 'Converse with a server: type commands, read replies'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l timeout -d 'How many milliseconds to wait for each step' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l address -d 'HOST, HOST:PORT or unix:PATH' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l user -d 'Sign in as this user' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l password-file -d 'The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l tls-ca -d 'Trust these certificates, in PEM, and those that they have signed' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l tls-cert -d 'Show this certificate, in PEM' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l tls-key -d 'Its key, if that is not in the same file' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l tls-server-name -d 'The name that the server\'s certificate has to have, if it is not the host of the address' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -l tls -d 'Speak TLS, and trust what the system trusts; each option below does so, too'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand ping" -s h -l help -d 'Print help'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l address -d 'HOST, HOST:PORT or unix:PATH' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l user -d 'Sign in as this user' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l password-file -d 'The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l tls-ca -d 'Trust these certificates, in PEM, and those that they have signed' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l tls-cert -d 'Show this certificate, in PEM' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l tls-key -d 'Its key, if that is not in the same file' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l tls-server-name -d 'The name that the server\'s certificate has to have, if it is not the host of the address' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -l tls -d 'Speak TLS, and trust what the system trusts; each option below does so, too'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand flush" -s h -l help -d 'Print help'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l address -d 'HOST, HOST:PORT or unix:PATH' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l user -d 'Sign in as this user' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l password-file -d 'The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l tls-ca -d 'Trust these certificates, in PEM, and those that they have signed' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l tls-cert -d 'Show this certificate, in PEM' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l tls-key -d 'Its key, if that is not in the same file' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l tls-server-name -d 'The name that the server\'s certificate has to have, if it is not the host of the address' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -l tls -d 'Speak TLS, and trust what the system trusts; each option below does so, too'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand export" -s h -l help -d 'Print help'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l address -d 'HOST, HOST:PORT or unix:PATH' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l user -d 'Sign in as this user' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l password-file -d 'The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l tls-ca -d 'Trust these certificates, in PEM, and those that they have signed' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l tls-cert -d 'Show this certificate, in PEM' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l tls-key -d 'Its key, if that is not in the same file' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l tls-server-name -d 'The name that the server\'s certificate has to have, if it is not the host of the address' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -l tls -d 'Speak TLS, and trust what the system trusts; each option below does so, too'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand import" -s h -l help -d 'Print help'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l address -d 'HOST, HOST:PORT or unix:PATH' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l user -d 'Sign in as this user' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l password-file -d 'The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l tls-ca -d 'Trust these certificates, in PEM, and those that they have signed' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l tls-cert -d 'Show this certificate, in PEM' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l tls-key -d 'Its key, if that is not in the same file' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l tls-server-name -d 'The name that the server\'s certificate has to have, if it is not the host of the address' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -l tls -d 'Speak TLS, and trust what the system trusts; each option below does so, too'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand top" -s h -l help -d 'Print help'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l address -d 'HOST, HOST:PORT or unix:PATH' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l user -d 'Sign in as this user' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l password-file -d 'The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l tls-ca -d 'Trust these certificates, in PEM, and those that they have signed' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l tls-cert -d 'Show this certificate, in PEM' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l tls-key -d 'Its key, if that is not in the same file' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l tls-server-name -d 'The name that the server\'s certificate has to have, if it is not the host of the address' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -l tls -d 'Speak TLS, and trust what the system trusts; each option below does so, too'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand save" -s h -l help -d 'Print help'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l address -d 'HOST, HOST:PORT or unix:PATH' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l user -d 'Sign in as this user' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l password-file -d 'The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l tls-ca -d 'Trust these certificates, in PEM, and those that they have signed' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l tls-cert -d 'Show this certificate, in PEM' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l tls-key -d 'Its key, if that is not in the same file' -r -F
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l tls-server-name -d 'The name that the server\'s certificate has to have, if it is not the host of the address' -r
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l no-history -d 'Neither read nor write the file of commands that were typed before'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -l tls -d 'Speak TLS, and trust what the system trusts; each option below does so, too'
complete -c dynamidb -n "__fish_dynamidb_using_subcommand cli" -s h -l help -d 'Print help'
