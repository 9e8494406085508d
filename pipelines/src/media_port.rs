//! Where voices and faces come in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::PipelineError;
use crate::init::factory;

/// Where media comes in: one UDP port for all meetings of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPort {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The address to listen on; all of the machine's when `None`.
    pub bind: Option<IpAddr>,
    /// What browsers are told; the machine's own addresses when empty.
    pub addresses: Vec<IpAddr>,
    /// The TCP port that browsers are told beside it, for networks that let no UDP through. The program listens there, and hands in what comes by
    /// [`MediaPort::take_connection`].
    pub tcp_port: Option<u16>,
}

impl MediaPort {
    /// Hands in a TCP connection of which nothing was read yet. While nobody talks it is closed.
    ///
    /// # Errors
    /// When it is over already.
    pub fn take_connection(&self, connection: std::net::TcpStream) -> std::io::Result<()> {
        gstconvenerelay::take_connection(self.port, connection)
    }

    /// Where on this machine that comes in which is for this address, if it is one that browsers are told: behind a NAT the two differ.
    /// `own` says the machine's own addresses, [`own_addresses`], where they matter.
    #[must_use]
    pub fn way_to<A: AsRef<[IpAddr]>>(
        &self,
        told: SocketAddr,
        own: impl FnOnce() -> A,
    ) -> Option<SocketAddr> {
        if self.port == 0 || told.port() != self.port {
            return None;
        }
        if self.addresses.is_empty() {
            return own().as_ref().contains(&told.ip()).then_some(told);
        }
        self.addresses.contains(&told.ip()).then(|| {
            let loopback = match told {
                SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
                SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::LOCALHOST),
            };
            SocketAddr::new(self.bind.unwrap_or(loopback), self.port)
        })
    }

    /// The element that takes in what comes there.
    pub(crate) fn relay(&self) -> Result<gst::Element, PipelineError> {
        let vp8relay = factory("vp8relay")?;
        let mut builder = vp8relay.create().name("relay").property("port", u32::from(self.port));
        if let Some(address) = self.bind {
            builder = builder.property("bind-address", address.to_string());
        }
        if !self.addresses.is_empty() {
            let addresses: Vec<String> = self.addresses.iter().map(IpAddr::to_string).collect();
            builder = builder.property("candidates", addresses.join(","));
        }
        if let Some(port) = self.tcp_port {
            builder = builder.property("tcp-port", i32::from(port)).property("tcp-shared", true);
        }
        builder.build().map_err(PipelineError::build)
    }
}

/// The machine's own addresses; none when the system does not say.
#[must_use]
pub fn own_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.iter().map(if_addrs::Interface::ip).collect()
}
