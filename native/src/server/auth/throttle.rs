//! Slows down addresses from which clients sign in with wrong passwords again and again.
//!
//! Each wrong password takes half a second of an address's time. An address that is ten of them
//! behind waits for its answers, right or wrong: three seconds each at most, so that somebody else
//! behind the same address can still sign in. Connections of one address wait side by side.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::Duration;

use dynamidb_core::Instant;

use crate::server::lock::lock;

/// What a wrong password costs.
const COST: Duration = Duration::from_millis(500);
/// What may be owed before answers are held back.
const CREDIT: Duration = Duration::from_secs(5);
/// The longest time for which an answer is held back: clients wait for some seconds at most.
const HOLD_MAX: Duration = Duration::from_secs(3);
/// Addresses that are remembered. Strangers must not fill the memory.
const ADDRESSES_MAX: usize = 4096;

/// When each address will have paid for its wrong passwords.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    debts: Mutex<HashMap<IpAddr, Instant>>,
}

impl Throttle {
    /// For how long the answer to somebody who has signed in, or tried to, is held back. A client
    /// of a Unix socket has no address, but the permissions of a file.
    pub(crate) fn hold(&self, address: Option<IpAddr>, failures: u32, now: Instant) -> Duration {
        let Some(address) = address.map(network) else {
            return Duration::ZERO;
        };
        let mut debts = lock(&self.debts);
        let paid_at = debts.get(&address).copied().unwrap_or(now).max(now);
        let owed = paid_at.since(now);
        if failures > 0 {
            if debts.len() >= ADDRESSES_MAX && !debts.contains_key(&address) {
                forget(&mut debts, now);
            }
            debts.insert(address, paid_at + COST * failures);
        }
        owed.saturating_sub(CREDIT).min(HOLD_MAX)
    }
}

/// Makes room for one more: of addresses that owe nothing, or of the one that owes least.
fn forget(debts: &mut HashMap<IpAddr, Instant>, now: Instant) {
    debts.retain(|_, paid_at| *paid_at > now);
    if debts.len() >= ADDRESSES_MAX {
        let least = debts.iter().min_by_key(|(_, paid_at)| **paid_at);
        if let Some(address) = least.map(|(address, _)| *address) {
            debts.remove(&address);
        }
    }
}

/// What one client can choose its address from: all of IPv4's is one, of IPv6's the first half.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1000);

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn after_ten_wrong_passwords_each_further_one_waits_longer_and_none_forever() {
        let (throttle, ada) = (Throttle::default(), address("10.0.0.1"));
        let holds = [(); 18].map(|()| throttle.hold(ada, 1, NOW).as_millis());
        assert_eq!(holds[..11], [0; 11]);
        assert_eq!(holds[11..], [500, 1000, 1500, 2000, 2500, 3000, 3000]);
        // The right one waits as well, and another address does not.
        assert_eq!(throttle.hold(ada, 0, NOW).as_millis(), 3000);
        assert_eq!(throttle.hold(address("10.0.0.2"), 1, NOW).as_millis(), 0);
        // What was owed is paid by waiting.
        assert_eq!(
            throttle
                .hold(ada, 0, NOW + Duration::from_secs(3))
                .as_millis(),
            1000
        );
        assert_eq!(
            throttle
                .hold(ada, 0, NOW + Duration::from_secs(4))
                .as_millis(),
            0
        );
    }

    #[test]
    fn all_addresses_of_one_ipv6_network_count_together() {
        let throttle = Throttle::default();
        for client in 0..20 {
            throttle.hold(address(&format!("2001:db8::{client}")), 1, NOW);
        }
        assert!(throttle.hold(address("2001:db8::ffff"), 0, NOW) > Duration::ZERO);
        assert!(throttle.hold(address("2001:db8:0:1::1"), 0, NOW).is_zero());
        let mapped = address("::ffff:10.0.0.1");
        assert_eq!(mapped.map(network), address("10.0.0.1"));
    }

    #[test]
    fn no_more_addresses_than_the_limit_are_remembered_and_the_worst_are_not_forgotten() {
        let throttle = Throttle::default();
        let attacker = address("10.255.255.255");
        throttle.hold(attacker, 100, NOW);
        for number in 0..ADDRESSES_MAX as u32 + 10 {
            throttle.hold(Some(IpAddr::V4(number.into())), 1, NOW);
        }
        assert_eq!(throttle.debts.lock().unwrap().len(), ADDRESSES_MAX);
        assert_eq!(throttle.hold(attacker, 0, NOW), HOLD_MAX);
        let later = NOW + Duration::from_secs(2);
        throttle.hold(address("11.0.0.1"), 1, later);
        assert_eq!(throttle.debts.lock().unwrap().len(), 2);
    }
}
