<?php
// One request of a web page that counts its visits in a session, with the settings that the extension
// HANDLER, `memcached` or `memcache`, has by default, but for its patience. It holds the session's lock for a while.

$user = getenv('SASL_USER');
if ($user !== false) {
    ini_set('memcached.sess_sasl_username', $user);
    ini_set('memcached.sess_sasl_password', getenv('SASL_PASSWORD'));
}
$handler = getenv('HANDLER');
ini_set('session.save_handler', $handler);
ini_set('session.save_path', ($handler === 'memcache' ? 'tcp://' : '') . '127.0.0.1:' . getenv('PORT'));
session_id($argv[1]);
// More often than the five times that are its default, which are over after 0.75 s. On a busy machine
// that may be too short, and then the extension breaks the lock of another request.
ini_set('memcached.sess_lock_retries', '200');
if (!session_start()) {
    exit(1);
}
$visits = $_SESSION['visits'] ?? 0;
usleep(20_000);
$_SESSION['visits'] = $visits + 1;
session_write_close();
echo $_SESSION['visits'], "\n";
