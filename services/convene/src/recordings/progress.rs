//! How far it is, on standard error and only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{bar:32} {bytes}/{total_bytes} {bytes_per_sec} {msg}";

/// A bar over so many bytes; `{msg}` says what is looked at. indicatif draws on standard error, and nothing when that is no terminal.
pub(super) fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(TEMPLATE).expect("a fixed template");
    ProgressBar::new(bytes).with_style(style)
}
