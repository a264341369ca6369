//! A server without a cache: every line is answered by the same item. What it costs is the price of
//! sockets and of tokio, below which no server on tokio can go.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Serves for ever.
pub fn run(port: u16, value_len: usize, values: usize) -> io::Result<()> {
    let item = format!(
        "VALUE key:000000000000 0 {value_len}\r\n{}\r\n",
        "v".repeat(value_len)
    );
    let reply = item.repeat(values) + "END\r\n";
    // For as many lines as can be read at once.
    let replies: &'static [u8] = reply.repeat(64).leak().as_bytes();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::task::spawn_local(respond(stream, replies, reply.len()));
        }
    }))
}

async fn respond(mut stream: TcpStream, replies: &[u8], reply_len: usize) -> io::Result<()> {
    loop {
        let lines = poll_fn(|cx| {
            // Not kept while a client is waited for: idle connections have no buffer.
            let mut bytes = [MaybeUninit::uninit(); 16 * 1024];
            let mut read = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut stream).poll_read(cx, &mut read))?;
            let ends = read.filled().iter().filter(|&&byte| byte == b'\n').count();
            Poll::Ready(io::Result::Ok((ends, read.filled().is_empty())))
        });
        let (mut lines, closed) = lines.await?;
        if closed {
            return Ok(());
        }
        while lines > 0 {
            let now = lines.min(replies.len() / reply_len);
            stream.write_all(&replies[..now * reply_len]).await?;
            lines -= now;
        }
    }
}
