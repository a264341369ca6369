//! A terminal whose screen a command uses, and leaves as it was.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[H\x1b[J";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";

pub(super) struct Screen {
    /// How the keyboard was, if there is one.
    before: Option<Termios>,
    is_ended: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the screen, and has keys come at once. Ctrl-C stays a signal.
    pub(super) fn open() -> io::Result<Self> {
        let is_ended = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&is_ended))?;
        }
        let input = io::stdin();
        let before = match input.is_terminal() {
            true => Some(tcgetattr(&input)?),
            false => None,
        };
        let screen = Self { before, is_ended };
        if let Some(before) = &screen.before {
            let mut keys = before.clone();
            keys.local_flags
                .remove(LocalFlags::ICANON | LocalFlags::ECHO);
            tcsetattr(&input, SetArg::TCSANOW, &keys)?;
        }
        io::stdout().write_all(ENTER)?;
        io::stdout().flush()?;
        Ok(screen)
    }

    /// Waits for this time; `false` once `q` was pressed, a signal came, or the terminal is gone.
    pub(super) fn goes_on(&self, period: Duration) -> bool {
        if self.is_ended.load(Ordering::SeqCst) {
            return false;
        }
        if self.before.is_none() {
            std::thread::sleep(period);
            return !self.is_ended.load(Ordering::SeqCst);
        }
        let input = io::stdin();
        let mut waits = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(period).unwrap_or(PollTimeout::MAX);
        // It fails if a signal comes.
        let has_key = poll(&mut waits, timeout).is_ok_and(|ready| ready > 0);
        if has_key {
            let mut keys = [0; 64];
            let len = input.lock().read(&mut keys).unwrap_or(0);
            let keys = &keys[..len];
            return !keys.is_empty() && !keys.contains(&b'q');
        }
        !self.is_ended.load(Ordering::SeqCst)
    }

    /// Shows a page in the place of the last one.
    pub(super) fn show(&self, page: &str) -> io::Result<()> {
        let page = page.replace('\n', "\x1b[K\n");
        let mut output = io::stdout().lock();
        write!(output, "\x1b[H{page}\x1b[J")?;
        output.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut output = io::stdout();
        // The terminal may be gone.
        let _ = output.write_all(LEAVE).and_then(|()| output.flush());
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
    }
}
