//! The first request in the input. It is refused as soon as its header, extras and key are there,
//! if they are wrong, and carried out when all of it is.

use super::super::line::LINE_MAX;
use super::super::parsed::{Parsed, State};
use super::super::request::Request;
use super::super::{Protocol, SessionConfig, reply};
use super::FIRST_BYTE;
use super::header::{self, Header, Status};
use super::opcode::{Command, Opcode};
use super::request::{BinaryControl, BinaryRequest, ControlAction, Operation};
use super::state::{Login, PacketSkip, PendingStat};
use crate::{Key, SetMode};

/// The longest body that is passed over if it is refused; memcached's limit.
const BODY_MAX: u32 = 1 << 30;
/// The longest name and password together, as in text.
const SIGN_IN_MAX: usize = 16 * 1024;

/// What a session expects first.
pub(in crate::protocol) const fn initial_state(protocol: Protocol) -> State {
    match protocol {
        Protocol::Auto => State::Undecided(Login::NONE),
        Protocol::Text => State::Ready { dynamidb: false },
        Protocol::Binary => State::Packets(Login::NONE),
    }
}

/// The request that begins here. `None` means that more bytes are needed.
#[inline(never)]
pub(in crate::protocol) fn parse<'i>(
    config: &SessionConfig,
    login: Login,
    input: &'i [u8],
) -> Option<Parsed<'i>> {
    let header = Header::read(input)?;
    if header.magic != FIRST_BYTE {
        // Nobody can say where a request begins.
        return Some(Parsed::close(input.len(), reply::NONE));
    }
    let packet = Packet {
        config,
        login,
        input,
        header,
    };
    packet.parse()
}

/// What is in front of the input.
struct Packet<'c, 'i> {
    config: &'c SessionConfig,
    login: Login,
    input: &'i [u8],
    header: Header,
}

impl<'i> Packet<'_, 'i> {
    fn parse(&self) -> Option<Parsed<'i>> {
        let header = &self.header;
        let front_len = header.front_len();
        let front = match self.input.get(header::LEN..header::LEN + front_len) {
            Some(front) => front,
            // Nobody may have more kept than the longest request needs.
            None if front_len > LINE_MAX => &[],
            None => return None,
        };
        if header.body_len < front_len as u32 {
            return Some(self.close(Status::UnknownCommand));
        }
        let opcode = Opcode::of(header.opcode);
        let opcode = opcode.filter(|opcode| self.config.sasl || !opcode.command.is_sasl());
        if !self.may_ask(opcode) {
            return Some(self.close(Status::AuthFailure));
        }
        if header.key_len > Key::LEN_MAX || header.body_len > BODY_MAX || front.len() < front_len {
            return Some(self.close(Status::InvalidArguments));
        }
        let Some(Opcode { command, quiet }) = opcode else {
            return Some(self.skip(Operation::Silence, Status::UnknownCommand));
        };
        if !command.fits(header) {
            return Some(self.close(Status::InvalidArguments));
        }
        let (extras, key) = front.split_at_checked(header.extras_len)?;
        let value_len = header.body_len as usize - front_len;
        if let Some(refused) = self.refuse_large(command, key, value_len) {
            return Some(refused);
        }
        let value = self.input.get(header::LEN + front_len..)?;
        let value = value.get(..value_len)?;
        Some(self.request(command, quiet, extras, key, value))
    }

    /// Whether the client may ask for this already.
    const fn may_ask(&self, opcode: Option<Opcode>) -> bool {
        if !self.config.sasl || self.login.signed_in {
            return true;
        }
        match opcode {
            Some(Opcode { command, .. }) => {
                command.is_sasl() || matches!(command, Command::Version)
            }
            None => false,
        }
    }

    /// Refuses what is larger than an item, or than a request, may be.
    fn refuse_large(
        &self,
        command: Command,
        key: &'i [u8],
        value_len: usize,
    ) -> Option<Parsed<'i>> {
        let whole = header::LEN + self.header.front_len() + value_len;
        match command {
            Command::Store(mode) if key.len() + value_len > self.config.item_size_max => {
                let too_large = Operation::TooLarge { mode };
                Some(self.skip_of(key, too_large, Status::TooLarge))
            }
            Command::SaslAuth | Command::SaslStep
                if value_len > SIGN_IN_MAX || whole > self.config.input_max() =>
            {
                Some(self.skip(Operation::Silence, Status::AuthFailure))
            }
            _ => None,
        }
    }

    /// A request that is all there, and whose lengths are right.
    fn request(
        &self,
        command: Command,
        quiet: bool,
        extras: &[u8],
        key: &'i [u8],
        value: &'i [u8],
    ) -> Parsed<'i> {
        let operation = match command {
            Command::Get { touches, with_key } => Operation::Get {
                touch: touches.then(|| number(extras)),
                with_key,
            },
            Command::Touch => Operation::Touch {
                exptime: number(extras),
            },
            Command::Store(mode @ (SetMode::Append | SetMode::Prepend)) => Operation::Store {
                mode,
                flags: 0,
                exptime: 0,
                value,
            },
            Command::Store(mode) => Operation::Store {
                mode,
                flags: number(extras),
                exptime: number(behind(extras, 4)),
                value,
            },
            Command::Delete => Operation::Delete,
            Command::Arithmetic { decrement } => Operation::Arithmetic {
                decrement,
                delta: long_number(extras),
                initial: long_number(behind(extras, 8)),
                exptime: number(behind(extras, 16)),
            },
            Command::Flush if !self.config.flush_enabled => Operation::Reply(Status::AuthFailure),
            Command::Flush => Operation::Flush {
                delay: number(extras),
            },
            Command::Noop => Operation::Noop,
            Command::Version => Operation::Version,
            Command::SaslList => Operation::SaslList,
            Command::Quit if quiet => return self.last(Operation::Silence, false),
            Command::Quit => return self.last(Operation::Noop, false),
            Command::Stat => return self.control(ControlAction::Stat { name: key }),
            Command::SaslAuth | Command::SaslStep => {
                return self.control(ControlAction::SignIn {
                    step: command == Command::SaslStep,
                    mechanism: key,
                    data: value,
                });
            }
        };
        self.parsed(self.whole_len(), quiet, key, operation, self.ready())
    }

    const fn whole_len(&self) -> usize {
        header::LEN + self.header.body_len as usize
    }

    const fn ready(&self) -> State {
        State::Packets(self.login)
    }

    const fn parsed(
        &self,
        len: usize,
        quiet: bool,
        key: &'i [u8],
        operation: Operation<'i>,
        next: State,
    ) -> Parsed<'i> {
        let request = Request::Binary(BinaryRequest {
            echo: self.header.echo(),
            quiet,
            cas: self.header.cas,
            key,
            operation,
        });
        Parsed { request, len, next }
    }

    const fn control(&self, action: ControlAction<'i>) -> Parsed<'i> {
        let (login, echo) = (self.login, self.header.echo());
        let request = Request::BinaryControl(BinaryControl {
            echo,
            login,
            action,
        });
        Parsed {
            request,
            len: self.whole_len(),
            next: State::PendingStat(PendingStat { login, echo }),
        }
    }

    /// The last answer to this client.
    const fn last(&self, operation: Operation<'i>, error: bool) -> Parsed<'i> {
        let next = State::Closed { error };
        self.parsed(self.input.len(), false, &[], operation, next)
    }

    /// A refusal after which nobody can say where the next request begins.
    const fn close(&self, status: Status) -> Parsed<'i> {
        self.last(Operation::Reply(status), true)
    }

    fn skip(&self, operation: Operation<'i>, status: Status) -> Parsed<'i> {
        self.skip_of(&[], operation, status)
    }

    /// A refusal of what is still to come, which is said when it has come.
    fn skip_of(&self, key: &'i [u8], operation: Operation<'i>, status: Status) -> Parsed<'i> {
        let front_len = self.header.front_len();
        let left = self.header.body_len - front_len as u32;
        let len = header::LEN + front_len;
        if left == 0 {
            return self.parsed(len, false, key, Operation::Reply(status), self.ready());
        }
        let echo = self.header.echo();
        let next = State::PacketSkip(PacketSkip {
            login: self.login,
            left,
            echo,
            status,
        });
        self.parsed(len, false, key, operation, next)
    }
}

/// The number at the front of the extras; 0 if there are none.
fn number(extras: &[u8]) -> u32 {
    extras
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn long_number(extras: &[u8]) -> u64 {
    extras
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn behind(extras: &[u8], len: usize) -> &[u8] {
    extras.get(len..).unwrap_or_default()
}
