//! Where a meeting is and how to be let in: what `screensink` and `screensrc` must be told.

use std::path::PathBuf;

/// A meeting as `screensink` and `screensrc` reach it. `Debug` does not show the token.
#[derive(Clone, Default)]
pub struct Connection {
    /// `https://host:port/123456789`.
    pub location: String,
    /// The name that the others see.
    pub name: Option<String>,
    /// A host's or a recorder's token.
    pub token: Option<String>,
    /// A PEM file with certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Take any certificate. Only for trials on one's own machine.
    pub insecure: bool,
}

impl Connection {
    /// Makes a `screensink` or a `screensrc` of this name that knows all of it.
    pub(crate) fn configure(
        &self,
        factory: &gst::ElementFactory,
        name: &str,
    ) -> Result<gst::Element, gst::glib::BoolError> {
        factory
            .create()
            .name(name)
            .property("location", &self.location)
            .property_if_some("display-name", self.name.as_ref())
            .property_if_some("token", self.token.as_ref())
            .property_if_some(
                "ca-file",
                self.ca_file.as_ref().map(|path| path.to_string_lossy().into_owned()),
            )
            .property("tls-verify", !self.insecure)
            .build()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("location", &self.location)
            .field("token", &self.token.as_ref().map(|_| "REDACTED"))
            .field("ca_file", &self.ca_file)
            .field("insecure", &self.insecure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let connection = Connection { token: Some("s3cret".into()), ..Connection::default() };
        let shown = format!("{connection:?}");
        assert!(shown.contains("REDACTED") && !shown.contains("s3cret"), "{shown}");
    }
}
