//! The element's properties, and what they ask of its port.

use crate::hub::{HubSettings, TcpDoor, parse_candidates};

/// The port of the papers.
pub const PORT_DEFAULT: u32 = 1853;

/// As they were set.
#[derive(Debug, Clone)]
pub struct Settings {
    pub port: u32,
    pub bind_address: Option<String>,
    pub candidates: Option<String>,
    pub workers: u32,
    pub tcp_port: i32,
    pub tcp_shared: bool,
    pub http: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: PORT_DEFAULT,
            bind_address: None,
            candidates: None,
            workers: 0,
            tcp_port: -1,
            tcp_shared: false,
            http: None,
        }
    }
}

impl Settings {
    /// How the port is to be opened, or the sentence that says what is wrong.
    pub fn hub(&self) -> Result<HubSettings, String> {
        let bind = self.bind_address.as_deref().filter(|address| !address.is_empty());
        let bind = bind.map(|address| {
            let wrong = format!("The property bind-address is an IP address, and \"{address}\" is none.");
            address.parse().map_err(|_| wrong)
        });
        let candidates = parse_candidates(self.candidates.as_deref().unwrap_or_default());
        Ok(HubSettings {
            port: self.port as u16,
            bind: bind.transpose()?,
            candidates: candidates.map_err(|error| error.to_string())?,
            workers: self.workers,
            tcp: match u16::try_from(self.tcp_port) {
                Ok(port) if self.tcp_shared => TcpDoor::Shared(port),
                Ok(port) => TcpDoor::Own(port),
                Err(_) => TcpDoor::None,
            },
        })
    }
}
