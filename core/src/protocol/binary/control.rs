//! Carries out what decides how the conversation goes on: signing in, `stat`, refused packets.

use super::super::context::Context;
use super::super::parsed::State;
use super::super::{AdminOutcome, Host, Output};
use super::header::Status;
use super::request::{BinaryControl, ControlAction};
use super::state::{PacketSkip, PendingStat};
use super::{sasl, stat};

/// Carries out a request whose answer decides what follows, and says what that is.
#[inline(never)]
pub(in crate::protocol) fn control<H: Host, O: Output>(
    context: &mut Context<'_, H, O>,
    control: &BinaryControl<'_>,
) -> State {
    let &BinaryControl {
        echo,
        login,
        action,
    } = control;
    match action {
        ControlAction::Stat { name } => {
            let start = context.output.len();
            let outcome = stat::answer(echo, name, context.host, context.output);
            match control.is_report() {
                true => State::Packets(login),
                false => after_stat(context, start, PendingStat { login, echo }, outcome),
            }
        }
        ControlAction::SignIn {
            step,
            mechanism,
            data,
        } => {
            let attempt = sasl::Attempt {
                step,
                mechanism,
                data,
            };
            let (status, login) = attempt.judge(login, context.host);
            match status {
                Status::Ok => echo.packet(context.output, status, 0, &[], sasl::WELCOME),
                status => echo.refusal(context.output, status),
            }
            match login.refusals {
                ..sasl::REFUSALS_MAX => State::Packets(login),
                _ => State::Closed { error: true },
            }
        }
    }
}

/// Goes on with what `stat` began.
#[cold]
pub(in crate::protocol) fn resume<H: Host, O: Output>(
    context: &mut Context<'_, H, O>,
    stat: PendingStat,
) -> State {
    let start = context.output.len();
    let outcome = stat::resume(stat.echo, context.host, context.output);
    after_stat(context, start, stat, outcome)
}

/// What follows a `stat` that was refused for its size.
pub(in crate::protocol) const fn after_refusal(stat: PendingStat) -> State {
    State::Packets(stat.login)
}

/// Passes over what was refused, as far as it has arrived; returns how far that is.
#[cold]
pub(in crate::protocol) fn skip(
    mut skip: PacketSkip,
    input: &[u8],
    output: &mut impl Output,
) -> (usize, State) {
    let used = input.len().min(skip.left as usize);
    skip.left -= used as u32;
    if skip.left > 0 {
        return (used, State::PacketSkip(skip));
    }
    skip.echo.refusal(output, skip.status);
    (used, State::Packets(skip.login))
}

/// How it goes on after a piece of an answer, which begins there in the output. One that does not
/// fit is taken back: the host would not say it again.
fn after_stat<H: Host, O: Output>(
    context: &mut Context<'_, H, O>,
    start: usize,
    stat: PendingStat,
    outcome: AdminOutcome,
) -> State {
    if context.output.has_overflowed() {
        context.output.truncate(start);
        stat.echo.refusal(context.output, Status::OutOfMemory);
        return State::Closed { error: true };
    }
    match outcome {
        AdminOutcome::Done => State::Packets(stat.login),
        AdminOutcome::Pending => State::PendingStat(stat),
        // No statistic of ours ends or begins anything; another host's may.
        AdminOutcome::OutputOnly | AdminOutcome::Close => State::Closed { error: false },
    }
}
