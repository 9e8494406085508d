//! The element with real telephones.

mod bridge;
mod called;
mod launch;
mod limits;
mod linphone;
mod names;
mod phone;
mod phones;
mod records;
mod tones;
mod trunk;
