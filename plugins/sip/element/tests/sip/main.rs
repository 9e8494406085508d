//! The element with real telephones.

mod bridge;
mod launch;
mod limits;
mod phone;
mod phones;
