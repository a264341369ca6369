//! All items, in the order of their use.

use core::ffi::c_void;

use crate::call::Call;
use crate::{Handle, RawItem, Status, status_of};

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
        let live = cache.iter().map(|(key, item)| (key, RawItem::new(&item)));
        for (key, item) in live.filter(|(_, item)| item.expires_at > now) {
            // SAFETY: the visitor is the caller's.
            let goes_on = unsafe { visitor(context, key.as_ptr().cast(), key.len(), &item) };
            if goes_on == 0 {
                break;
            }
        }
        Ok(Status::Ok)
    })())
}
