//! Serves memcached's clients on a TCP port, a thread for each client, all on one cache:
//!
//! ```text
//! cargo run -p dynamidb-sync --example threads 127.0.0.1:11311
//! ```
//!
//! Without an argument it serves itself on a free port, shows what the clients hear, and ends. The
//! server of the package `dynamidb` has what this lacks: limits, a turn for many clients in each
//! thread, TLS, statistics.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use dynamidb_core::{Config, Session, SessionConfig};
use dynamidb_sync::SharedCache;

fn main() -> Result<(), Box<dyn Error>> {
    let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    if let Some(address) = std::env::args().nth(1) {
        return accept(&cache, &TcpListener::bind(address)?);
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = cache.clone();
    thread::spawn(move || accept(&server, &listener).expect("the listener works"));
    for request in ["set key 0 60 5\r\nvalue\r\nquit\r\n", "get key\r\nquit\r\n"] {
        let mut client = TcpStream::connect(address)?;
        client.write_all(request.as_bytes())?;
        let mut heard = String::new();
        client.read_to_string(&mut heard)?;
        print!("{heard}");
    }
    assert_eq!(cache.get("key").as_deref(), Some(&b"value"[..]));
    Ok(())
}

fn accept(cache: &SharedCache, listener: &TcpListener) -> Result<(), Box<dyn Error>> {
    loop {
        let (client, _) = listener.accept()?;
        let cache = cache.clone();
        thread::spawn(move || {
            if let Err(error) = serve(&cache, client) {
                eprintln!("a client is gone: {error}");
            }
        });
    }
}

fn serve(cache: &SharedCache, mut client: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut session = Session::new(SessionConfig::default());
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let mut piece = [0; 4096];
    while !session.is_closed() {
        let used = session.process(cache.now(), &input, &mut cache.keyspace(), &mut output);
        input.drain(..used);
        client.write_all(&output)?;
        output.clear();
        if used == 0 && !session.is_closed() {
            match client.read(&mut piece)? {
                0 => break,
                len => input.extend_from_slice(&piece[..len]),
            }
        }
    }
    Ok(())
}
