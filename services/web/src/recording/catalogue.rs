//! The catalogue, called from where nothing may block.

use convene_store::{Store, StoreError};

/// The catalogue. Clones share it.
#[derive(Clone)]
pub(crate) struct Catalogue {
    store: Store,
}

impl Catalogue {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Does this with the store, on a thread that may wait for the disk.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Busy("the service is being stopped".into())),
            },
        }
    }
}
