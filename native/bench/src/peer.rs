//! A server under test: its process, what it has used, and how it is spoken to.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::{Pid, geteuid};

use crate::wire::{Endpoint, Tls};
use crate::workload::Workload;

/// The processors: one for the server, one for the load.
const SERVER_CPU: usize = 0;
const LOAD_CPU: usize = 1;
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    Memcached,
    /// memcached's binary protocol.
    Packets,
    Redis,
}

/// Which server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    /// On one of the two runtimes.
    DynamiDb(&'static str),
    /// DynamiDB on tokio, without io_uring.
    Plain,
    Memcached,
    Redis,
    /// For this size of a value and number of values in a reply.
    Responder(usize, usize),
}

impl Kind {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DynamiDb(runtime) => runtime,
            Self::Plain => "tokio without io_uring",
            Self::Memcached => "memcached",
            Self::Redis => "redis",
            Self::Responder(..) => "responder",
        }
    }

    /// Those that are installed, DynamiDB's two runtimes first.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::DynamiDb("tokio"), Self::DynamiDb("async-std")];
        for (kind, program) in [
            (Self::Memcached, "memcached"),
            (Self::Redis, "redis-server"),
        ] {
            match version(program) {
                Some(_) => all.push(kind),
                None => eprintln!("{program} is not installed: its column is left out"),
            }
        }
        all
    }

    fn command(&self, server: &Path, port: u16, options: &Options) -> io::Result<Command> {
        let program = match self {
            Self::DynamiDb(_) | Self::Plain => server.to_owned(),
            Self::Memcached => "memcached".into(),
            Self::Redis => "redis-server".into(),
            Self::Responder(..) => std::env::current_exe()?,
        };
        let mut command = if options.pinned {
            let mut taskset = Command::new("taskset");
            taskset.args(["-c", &SERVER_CPU.to_string()]).arg(program);
            taskset
        } else {
            Command::new(program)
        };
        let (memory, threads) = (options.memory, options.threads);
        let tls = options.tls.as_ref().map(|tls| tls.options());
        let tls = tls.unwrap_or_default();
        let ours = format!(
            "-p {port} -l 127.0.0.1 --admin 127.0.0.1:0 -m {memory} -t {threads} -c 12000 {tls}"
        );
        let words = match self {
            Self::DynamiDb(runtime) => format!("{ours} --runtime {runtime} {}", options.more),
            Self::Plain => format!("{ours} --io-uring off {}", options.more),
            Self::Memcached => {
                let user = if geteuid().is_root() { "-u root" } else { "" };
                format!(
                    "-p {port} -l 127.0.0.1 -m {memory} -t {threads} -U 0 -c 12000 {user} {tls} {}",
                    options.more
                )
            }
            Self::Redis => format!(
                "--port {port} --bind 127.0.0.1 --save  --appendonly no --io-threads {threads} \
                 --maxmemory {memory}mb --maxmemory-policy allkeys-lru --maxclients 12000"
            ),
            Self::Responder(len, values) => format!("respond {port} {len} {values}"),
        };
        let words = words.trim_end().split(' ');
        // Two blanks are an empty word, which redis wants, and nobody else.
        command.args(words.filter(|word| *self == Self::Redis || !word.is_empty()));
        Ok(command)
    }
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// MiB.
    pub memory: usize,
    pub threads: usize,
    /// Whether it is kept on one processor.
    pub pinned: bool,
    /// Whether it speaks TLS; neither redis nor the responder does.
    pub tls: Option<Arc<Tls>>,
    /// More options for DynamiDB or memcached.
    pub more: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory: 1024,
            threads: 1,
            pinned: true,
            tls: None,
            more: String::new(),
        }
    }
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Peer {
    pub kind: Kind,
    pub endpoint: Endpoint,
    child: Child,
}

impl Peer {
    pub fn start(kind: &Kind, server: &Path, options: &Options) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let mut command = kind.command(server, port, options)?;
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let peer = Self {
            kind: kind.clone(),
            endpoint: Endpoint {
                address: (Ipv4Addr::LOCALHOST, port).into(),
                tls: options.tls.clone(),
            },
            child: quiet.spawn()?,
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(peer.endpoint.address).is_err() {
            if Instant::now() > deadline {
                let name = kind.name();
                return Err(io::Error::other(format!(
                    "{name} does not start: {command:?}"
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// How it is spoken to under this load.
    pub const fn dialect(&self, workload: &Workload) -> Dialect {
        match self.kind {
            Kind::Redis => Dialect::Redis,
            _ if workload.packets => Dialect::Packets,
            _ => Dialect::Memcached,
        }
    }

    /// Processor time of all its threads, from the scheduler's clock.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let mut total = 0;
        for task in fs::read_dir(self.proc("task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let used = text
                .split(' ')
                .next()
                .and_then(|used| used.parse::<u64>().ok());
            total += used.ok_or_else(|| io::Error::other("schedstat is not as expected"))?;
        }
        Ok(Duration::from_nanos(total))
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.ok_or_else(|| io::Error::other("no VmRSS: has it ended?"))
    }

    /// How many files it has open.
    pub fn files(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.proc("fd"))?.count())
    }

    /// A number from memcached's `stats`.
    pub fn stat(&self, name: &str) -> io::Result<u64> {
        let mut socket = BufReader::new(self.endpoint.connect()?);
        socket.get_mut().write_all(b"stats\r\n")?;
        let prefix = format!("STAT {name} ");
        for line in socket.lines() {
            let line = line?;
            if let Some(value) = line.strip_prefix(&prefix) {
                return value.trim().parse().map_err(io::Error::other);
            }
            if !line.starts_with("STAT ") {
                break;
            }
        }
        Err(io::Error::other(format!("no {name} in stats")))
    }

    fn proc(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.child.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the calling thread away from the server's processor.
pub fn pin_load() -> io::Result<()> {
    if thread::available_parallelism()?.get() < 2 {
        return Err(io::Error::other("server and load need a processor each"));
    }
    let mut set = CpuSet::new();
    set.set(LOAD_CPU)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// What a program says of its version, if it is installed.
pub fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
