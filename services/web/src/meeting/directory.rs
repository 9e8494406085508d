//! Which meetings there are, who may look for one, and which codes rest.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use convene_domain::{Allowance, EndCause, Input, MissLimiter, Pin, Rate, Refusal, SessionCode, Token};
use parking_lot::Mutex;
use rand::TryRngCore;
use rand::rngs::OsRng;
use time::{Duration, OffsetDateTime};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::room::{self, Founding, Letter, RoomCount, RoomHandle};
use crate::service::Service;

/// How many meetings one server holds at once; each may start a relay with threads of its own.
pub(crate) const MEETINGS_MAX: usize = 1000;

/// Meetings that one address may start: a school behind one address starts many at full hours.
const FOUNDING: Rate = Rate { burst: 60, every: std::time::Duration::from_secs(5) };

/// How many founders' addresses are remembered at once.
const FOUNDERS_MAX: usize = 16_384;

/// How long a code rests after its meeting, so that a late guest does not end up among strangers.
const CODE_REST: Duration = Duration::hours(24);

/// All meetings of this server.
#[derive(Default)]
pub(crate) struct Directory {
    inner: Mutex<Inner>,
    shutting_down: CancellationToken,
    /// Meetings so far; in logs, a meeting has its number, as its code lets people in.
    founded: AtomicU64,
}

#[derive(Default)]
struct Inner {
    rooms: BTreeMap<SessionCode, RoomHandle>,
    resting: BTreeMap<SessionCode, OffsetDateTime>,
    misses: MissLimiter,
    founders: BTreeMap<IpAddr, Allowance>,
}

/// A meeting that was just started.
pub(crate) struct Founded {
    pub(crate) code: SessionCode,
    pub(crate) token: Token,
}

/// Why a meeting cannot be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundingError {
    ShuttingDown,
    TooManyFromYou { wait: std::time::Duration },
    TooManyMeetings,
}

impl Directory {
    /// With the codes that rest since an earlier run.
    pub(crate) fn new(resting: Vec<(SessionCode, OffsetDateTime)>) -> Self {
        let inner = Inner { resting: resting.into_iter().collect(), ..Inner::default() };
        Self { inner: Mutex::new(inner), ..Self::default() }
    }

    /// Starts a meeting for somebody at this address.
    pub(crate) fn found(&self, service: &Arc<Service>, address: IpAddr) -> Result<Founded, FoundingError> {
        let now = service.clock.now();
        let mut inner = self.inner.lock();
        // Under the lock, so that no meeting begins behind the back of `shut_down`.
        if self.is_shutting_down() {
            return Err(FoundingError::ShuttingDown);
        }
        inner.may_found(address, now.elapsed).map_err(|wait| FoundingError::TooManyFromYou { wait })?;
        if MEETINGS_MAX <= inner.rooms.len() {
            return Err(FoundingError::TooManyMeetings);
        }
        inner.resting.retain(|_, until| now.date < *until);

        let mut random = OsRng.unwrap_err();
        let Inner { rooms, resting, .. } = &*inner;
        let taken = |code| rooms.contains_key(&code) || resting.contains_key(&code);
        let code = SessionCode::random(&mut random, taken).map_err(|_| FoundingError::TooManyMeetings)?;
        let host = Token::random(&mut random);
        let recorder = Token::random(&mut random);
        let pin = Pin::random(&mut random);
        let number = self.founded.fetch_add(1, Ordering::Relaxed) + 1;
        let founding = Founding { number, code, host: host.clone(), recorder, pin };
        inner.rooms.insert(code, room::open(service.clone(), founding));
        Ok(Founded { code, token: host })
    }

    /// The room with this code, for somebody at this address. Unknown and malformed codes count as misses. One that rests does not: a program
    /// that tries again after the end of its meeting must not keep its whole address out of the others.
    pub(crate) fn find(
        &self,
        code: &str,
        address: IpAddr,
        elapsed: std::time::Duration,
    ) -> Result<RoomHandle, Refusal> {
        if self.is_shutting_down() {
            return Err(Refusal::shutting_down());
        }
        let mut inner = self.inner.lock();
        if !inner.misses.may_try(address, elapsed) {
            return Err(Refusal::too_many_tries());
        }
        let code: Option<SessionCode> = code.parse().ok();
        let room = code.and_then(|code| inner.rooms.get(&code).cloned());
        room.ok_or_else(|| {
            if code.is_none_or(|code| !inner.resting.contains_key(&code)) {
                inner.misses.missed(address, elapsed);
            }
            Refusal::no_meeting()
        })
    }

    /// A meeting is over: its code rests.
    pub(crate) fn close(&self, code: SessionCode, service: &Arc<Service>) {
        let until = service.clock.date() + CODE_REST;
        let mut inner = self.inner.lock();
        inner.rooms.remove(&code);
        inner.resting.insert(code, until);
        drop(inner);
        let catalogue = service.catalogue.clone();
        service.tasks.spawn(async move {
            if let Err(error) = catalogue.call(move |store| store.rest_code(code, until)).await {
                tracing::warn!(%error, "a code that should rest may be used again after a restart");
            }
        });
    }

    /// All meetings in numbers; those that do not answer in time are left out.
    pub(crate) async fn count(&self, patience: std::time::Duration) -> Vec<RoomCount> {
        let rooms: Vec<_> = self.inner.lock().rooms.values().cloned().collect();
        let ask = |room: RoomHandle| async move {
            let (answer, count) = oneshot::channel();
            let asked =
                async { if room.send(Letter::Count(answer)).await { count.await.ok() } else { None } };
            tokio::time::timeout(patience, asked).await.ok().flatten()
        };
        let counts = futures_util::future::join_all(rooms.into_iter().map(ask)).await;
        counts.into_iter().flatten().collect()
    }

    /// No new meetings and no new participants from now on; every meeting ends.
    pub(crate) async fn shut_down(&self) {
        self.shutting_down.cancel();
        let rooms: Vec<_> = self.inner.lock().rooms.values().cloned().collect();
        let stop = |room: RoomHandle| async move {
            room.send(Letter::Input(Input::Stop(EndCause::Shutdown))).await;
        };
        futures_util::future::join_all(rooms.into_iter().map(stop)).await;
    }

    /// Done as soon as the service is being stopped.
    pub(crate) async fn shutting_down(&self) {
        self.shutting_down.cancelled().await;
    }

    fn is_shutting_down(&self) -> bool {
        self.shutting_down.is_cancelled()
    }
}

impl Inner {
    fn may_found(
        &mut self,
        address: IpAddr,
        elapsed: std::time::Duration,
    ) -> Result<(), std::time::Duration> {
        if FOUNDERS_MAX <= self.founders.len() {
            self.founders.retain(|_, allowance| !allowance.is_whole(elapsed));
        }
        if FOUNDERS_MAX <= self.founders.len() && !self.founders.contains_key(&address) {
            return Err(FOUNDING.every);
        }
        self.founders.entry(address).or_insert_with(|| Allowance::new(FOUNDING)).take(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const ANN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const BOB: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn one_address_starts_sixty_meetings_at_once_and_not_one_more() {
        let mut inner = Inner::default();
        let now = std::time::Duration::from_secs(100);
        for _ in 0..FOUNDING.burst {
            assert_eq!(inner.may_found(ANN, now), Ok(()));
        }
        assert_eq!(inner.may_found(ANN, now), Err(FOUNDING.every));
        assert_eq!(inner.may_found(BOB, now), Ok(()));
        assert_eq!(inner.may_found(ANN, now + FOUNDING.every), Ok(()));
    }

    #[test]
    fn unknown_and_malformed_codes_get_one_answer_and_both_count() {
        let directory = Directory::default();
        let now = std::time::Duration::ZERO;
        let unknown = directory.find("123456789", ANN, now).err().unwrap();
        assert_eq!(unknown, Refusal::no_meeting());
        for code in ["", "x", "12345678x", "1234567890", "🦀", &"9".repeat(1000)] {
            assert_eq!(directory.find(code, ANN, now).err().unwrap(), unknown);
        }
        for _ in 7..convene_domain::MISSES_PER_ADDRESS_MAX {
            assert_eq!(directory.find("123456789", ANN, now).err().unwrap(), unknown);
        }
        assert_eq!(directory.find("123456789", ANN, now).err().unwrap(), Refusal::too_many_tries());
        assert_eq!(directory.find("123456789", BOB, now).err().unwrap(), unknown);
    }
}
