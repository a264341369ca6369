//! All items, in the order of their use.

use core::ffi::c_void;

use crate::call::Call;
use crate::{Handle, Item, RawItem, Status, at, status_of};

/// `dynamidb_item_visitor`
pub type ItemVisitor =
    unsafe extern "C" fn(*mut c_void, *const c_void, usize, *const RawItem) -> i32;

/// `dynamidb_for_each`
///
/// # Safety
/// Each pointer is null or valid; the handle is in no other call; the visitor returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_for_each(
    handle: *mut Handle,
    now: u64,
    visitor: Option<ItemVisitor>,
    context: *mut c_void,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        let visitor = visitor.ok_or(Status::NullPointer)?;
        let cache = call.cache();
        let is_live = |item: &Item<'_>| item.expires_at.is_none_or(|end| end > at(now));
        for (key, item) in cache.iter().filter(|(_, item)| is_live(item)) {
            let item = RawItem::new(&item);
            // SAFETY: the visitor is the caller's.
            let goes_on = unsafe { visitor(context, key.as_ptr().cast(), key.len(), &item) };
            if goes_on == 0 {
                break;
            }
        }
        Ok(Status::Ok)
    })())
}
