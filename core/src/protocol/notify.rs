//! Tells a host what a request did, while it wants to know.
//!
//! `execute` returns that; the item before the request and after a store is looked up here. None of
//! this happens while the host wants no events.

use super::context::Context;
use super::event::Effect;
use super::execute::execute;
use super::request::Request;
use super::{Action, Event, Host, ItemSummary, Lookup, Output, SessionConfig, binary, reply};
use crate::Key;

/// Executes one request and tells the host. `key` is the request's, with its hash.
#[cold]
#[inline(never)]
pub(super) fn execute_and_notify<H: Host, O: Output>(
    context: &mut Context<'_, H, O>,
    config: &SessionConfig,
    request: &Request<'_>,
    key: Key<'_>,
) {
    if !context.host.allows_writes() && request.writes() {
        return refuse(context, request);
    }
    let mut buffer = [0; Key::LEN_MAX];
    let plain_key = match request {
        Request::Meta(meta) => key.written(meta.key_bytes(&mut buffer)),
        _ => key,
    };
    let lookup = look_up(context, &plain_key);
    let effect = execute(context, config, request, key);
    let Some((effect, verb)) = effect.zip(request.verb()) else {
        return;
    };
    let action = match effect {
        Effect::Get => Action::Get,
        Effect::Change => Action::Change,
        Effect::Delete { deleted } => Action::Delete { deleted },
        Effect::Store(status) => {
            let item = match look_up(context, &plain_key) {
                Lookup::Found(item) => Some(item),
                Lookup::NotFound | Lookup::Expired => None,
            };
            Action::Store { status, item }
        }
    };
    let event = Event {
        at: context.now,
        key: plain_key.as_bytes(),
        verb,
        lookup,
        action,
    };
    context.host.on_event(&event);
}

/// Answers a request that the client may not make. A value that is too large has an answer of its
/// own, once it has been passed over.
fn refuse<H: Host, O: Output>(context: &mut Context<'_, H, O>, request: &Request<'_>) {
    match *request {
        Request::TooLarge { .. } => {}
        Request::Binary(ref request) => binary::refuse(context.output, request),
        Request::Store { noreply, .. }
        | Request::Delete { noreply, .. }
        | Request::Arithmetic { noreply, .. }
        | Request::Touch { noreply, .. }
        | Request::FlushAll { noreply, .. } => context.answer(noreply, reply::READ_ONLY),
        Request::Get { last: false, .. } => {}
        _ => context.answer(false, reply::READ_ONLY),
    }
}

/// The item under a key, without counting as use.
fn look_up<H: Host, O: Output>(context: &mut Context<'_, H, O>, key: &Key<'_>) -> Lookup {
    let now = context.now;
    let cache = context.host.cache_for(key);
    // A flush that has come due happens first.
    cache.maintain(now, 0);
    match cache.view_of(*key) {
        None => Lookup::NotFound,
        Some(view) if view.item.expires_at.is_some_and(|end| end <= now) => Lookup::Expired,
        Some(view) => Lookup::Found(ItemSummary {
            class: view.class,
            size: view.item.value.len(),
            expires_at: view.item.expires_at,
        }),
    }
}
