//! Plays conversations through a UART with a program on the emulated Cortex-M4:
//! `uart PROGRAM`. Each conversation begins with a reset.

extern crate alloc;

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use conversations::{Conversation, Host, parse};
use dynamidb_core::SessionConfig;

#[path = "../../tests/conversations/mod.rs"]
mod conversations;

/// Conversations of one client, who sends no dates, with items that fit the program's memory.
const FILES: [(&str, &str); 3] = [
    (
        "arithmetic.txt",
        include_str!("../../tests/conversations/arithmetic.txt"),
    ),
    (
        "meta_base64.txt",
        include_str!("../../tests/conversations/meta_base64.txt"),
    ),
    (
        "noreply.txt",
        include_str!("../../tests/conversations/noreply.txt"),
    ),
];

/// How long a reply may take, in an emulator on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing must be heard.
const SILENCE: Duration = Duration::from_millis(50);

/// A board that runs the program. It is stopped when this is dropped.
struct Board {
    emulator: Child,
    line: ChildStdin,
    heard: Receiver<Vec<u8>>,
}

impl Board {
    fn start(program: &str) -> Self {
        let mut emulator = Command::new("qemu-system-arm")
            .args([
                "-machine",
                "mps2-an386",
                "-display",
                "none",
                "-monitor",
                "none",
            ])
            .args(["-semihosting-config", "enable=on,target=native"])
            .args(["-serial", "stdio", "-kernel", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("qemu-system-arm is installed");
        let line = emulator.stdin.take().expect("it is piped");
        let mut output = emulator.stdout.take().expect("it is piped");
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = output.read(&mut buffer) {
                if tell.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            emulator,
            line,
            heard,
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

impl Host for Board {
    fn say(&mut self, client: char, bytes: &[u8]) {
        assert_eq!(client, 'a', "there is one client");
        self.line.write_all(bytes).expect("the board runs");
        self.line.flush().expect("the board runs");
    }

    fn hear(&mut self, _client: char, enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        // Only a wait for silence ends with this.
        let patience = match enough(b"\0anything") {
            true => SILENCE,
            false => PATIENCE,
        };
        let mut heard = Vec::new();
        while !enough(&heard) {
            match self.heard.recv_timeout(patience) {
                Ok(bytes) => heard.extend(bytes),
                Err(_) => break,
            }
        }
        heard
    }

    fn is_closed(&mut self, _client: char) -> bool {
        // The program ends with its session.
        matches!(
            self.heard.recv_timeout(PATIENCE),
            Err(mpsc::RecvTimeoutError::Disconnected)
        )
    }

    fn wait(&mut self, _millis: i64) {
        unreachable!("conversations that move the clock are not played");
    }
}

/// Whether it needs neither another clock nor another limit than the program's.
fn can_be_played(conversation: &Conversation) -> bool {
    let usual = SessionConfig::default().item_size_max;
    !conversation.moves_clock() && conversation.settings.item_size_max == usual
}

fn main() {
    let program = std::env::args().nth(1).expect("the path of the program");
    let all = FILES.iter().flat_map(|(name, text)| parse(name, text));
    let mut played = 0;
    for conversation in all.filter(can_be_played) {
        conversation.play(&mut Board::start(&program), "through a UART");
        played += 1;
    }
    assert!(played >= 20, "{played} conversations");
    println!("{played} conversations through a UART");
}
