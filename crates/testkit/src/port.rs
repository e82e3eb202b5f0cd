//! Loopback ports for programs that are told theirs, and for addresses where nobody listens.

use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where we look: below what Linux gives to whoever asks for any port, every outgoing connection among them.
const FIRST: u32 = 10_000;
const LAST: u32 = 32_000;

/// A port where nobody listens and that no other test gets while this lives, however often the program that is told of
/// it stops and starts.
///
/// What holds it is a UDP socket on the port of the same number: it keeps other test processes off, and is not in the
/// way of the program that listens by TCP.
#[derive(Debug)]
pub struct Port(u16, #[expect(dead_code, reason = "held, not used")] UdpSocket);

impl Port {
    /// Any.
    ///
    /// # Panics
    /// When none is left.
    pub fn free() -> Self {
        let [port] = Self::free_at([0]);
        port
    }

    /// Ports at these distances from one that is not known before.
    ///
    /// # Panics
    /// When no place has them all free.
    pub fn free_at<const COUNT: usize>(distances: [u16; COUNT]) -> [Self; COUNT] {
        static LOOKED: AtomicU32 = AtomicU32::new(0);
        for _ in FIRST..LAST {
            // Elsewhere for each process, so that two test runs at once seldom look at the same place.
            let place = process::id().wrapping_mul(331).wrapping_add(LOOKED.fetch_add(1, Ordering::Relaxed));
            let base = u16::try_from(FIRST + place % (LAST - FIRST)).expect("a port has 16 bits");
            let claimed = distances.map(|distance| Self::claim(base + distance));
            if claimed.iter().all(Option::is_some) {
                return claimed.map(|port| port.expect("looked at just now"));
            }
        }
        panic!("no ports are free from {FIRST} to {LAST}");
    }

    fn claim(number: u16) -> Option<Self> {
        let address = (Ipv4Addr::LOCALHOST, number);
        let claim = UdpSocket::bind(address).ok()?;
        TcpListener::bind(address).ok()?;
        Some(Self(number, claim))
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.0
    }

    /// It on the loopback address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.0).into()
    }
}

impl Display for Port {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn one_that_is_held_is_given_once_and_can_be_listened_on_again_and_again() {
        let ports: Vec<_> = (0..64).map(|_| Port::free()).collect();
        assert_eq!(ports.iter().map(Port::number).collect::<HashSet<_>>().len(), ports.len());
        for port in &ports {
            assert!((FIRST..LAST).contains(&port.number().into()), "{port}");
            assert!(Port::claim(port.number()).is_none());
            for _ in 0..2 {
                drop(TcpListener::bind(port.address()).unwrap());
            }
        }
    }

    #[test]
    fn one_that_somebody_listens_on_is_not_free() {
        let port = Port::free();
        let (number, listener) = (port.number(), TcpListener::bind(port.address()).unwrap());
        drop(port);
        assert!(Port::claim(number).is_none());
        drop(listener);
    }

    #[test]
    fn distances_are_kept() {
        let [base, next, far] = Port::free_at([0, 1, 19]);
        assert_eq!([next.number(), far.number()], [base.number() + 1, base.number() + 19]);
    }
}
