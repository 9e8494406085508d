//! Waiting for the network from a streaming thread, until it is told to stop.

use std::future::Future;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::runtime;

/// Somebody wants the streaming thread back: a flush, or a state change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unlocked;

/// Where a streaming thread waits. It never waits inside of the runtime, so it may be any thread, also one of another runtime.
#[derive(Debug, Default)]
pub struct Gate {
    unlocked: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    /// Ends every wait from now on, until [`Gate::unlock_stop`].
    pub fn unlock(&self) {
        *self.unlocked.lock() = true;
        self.changed.notify_all();
    }

    /// Waits wait again.
    pub fn unlock_stop(&self) {
        *self.unlocked.lock() = false;
    }

    /// What the work comes to. It is dropped when the wait is ended.
    pub fn wait<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unlocked> {
        let done = Arc::new(Mutex::new(None));
        let (gate, slot) = (Arc::clone(self), Arc::clone(&done));
        let task = runtime().spawn(async move {
            let result = work.await;
            *slot.lock() = Some(result);
            // Held for a moment, so that this does not fall between a look and the wait that follows it.
            drop(gate.unlocked.lock());
            gate.changed.notify_all();
        });
        let mut unlocked = self.unlocked.lock();
        loop {
            if let Some(result) = done.lock().take() {
                return Ok(result);
            }
            if *unlocked {
                task.abort();
                return Err(Unlocked);
            }
            self.changed.wait(&mut unlocked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_the_work_or_with_the_unlocking() {
        let gate = Arc::new(Gate::default());
        assert_eq!(gate.wait(async { 7 }), Ok(7));
        let waiting = Arc::clone(&gate);
        let thread = std::thread::spawn(move || waiting.wait(std::future::pending::<()>()));
        gate.unlock();
        assert_eq!(thread.join().expect("it does not panic"), Err(Unlocked));
        gate.unlock_stop();
        assert_eq!(gate.wait(async { 8 }), Ok(8));
    }
}
