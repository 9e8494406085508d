//! The catalogue, called from where nothing may block.

use convene_store::{Store, StoreError};

use crate::blocking::blocking;

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
        blocking(move || work(&store)).await
    }
}
