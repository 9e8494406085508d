//! The properties' values, and what they mean for the hub.

use std::net::IpAddr;
use std::path::Path;

use convene_sip::{Names, RoomRules, Transport, Trunk};

use crate::hub::{HubSettings, PortRange, languages};

/// The ports and range of the papers.
pub const TLS_PORT: i32 = 5061;
pub const TCP_PORT: i32 = 5060;
pub const RTP_PORTS: &str = "7800-32000";

pub const LANGUAGE: &str = "en";
pub const NAMES: &str = "never";

#[derive(Debug, Clone)]
pub struct Settings {
    pub room: String,
    pub tls_port: i32,
    pub tcp_port: i32,
    pub udp_port: i32,
    pub bind_address: Option<String>,
    pub certificate: Option<String>,
    pub private_key: Option<String>,
    pub media_address: Option<String>,
    pub rtp_ports: String,
    pub inband_digits: bool,
    pub language: String,
    pub prompts: Option<String>,
    pub locked: bool,
    pub pin: String,
    pub names: String,
    pub label: String,
    pub records: bool,
    pub trunk: Option<String>,
    pub trunk_register: bool,
    pub trunk_account: Option<String>,
    pub ca_file: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            room: String::new(),
            tls_port: TLS_PORT,
            tcp_port: TCP_PORT,
            udp_port: -1,
            bind_address: None,
            certificate: None,
            private_key: None,
            media_address: None,
            rtp_ports: RTP_PORTS.to_owned(),
            inband_digits: false,
            language: LANGUAGE.to_owned(),
            prompts: None,
            locked: false,
            pin: String::new(),
            names: NAMES.to_owned(),
            label: String::new(),
            records: false,
            trunk: None,
            trunk_register: true,
            trunk_account: None,
            ca_file: None,
        }
    }
}

impl Settings {
    /// How callers are taken.
    pub fn rules(&self) -> RoomRules {
        // While the bridge is open, what is no such word keeps nobody's name.
        let names = Names::named(&self.names).unwrap_or_default();
        RoomRules {
            code: self.room.clone(),
            is_locked: self.locked,
            pin: self.pin.clone(),
            names,
            label: self.label.clone(),
            keeps_records: self.records,
        }
    }

    /// How the ports are opened; the error is a sentence.
    pub fn hub(&self) -> Result<HubSettings, String> {
        let is_code = self.room.len() == 9 && self.room.bytes().all(|byte| byte.is_ascii_digit());
        if !(self.room.is_empty() || is_code) {
            return Err(format!("The property room has nine digits or is empty, and is \"{}\".", self.room));
        }
        if !self.pin.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("The property pin has digits only, as a dial-pad has no others.".to_owned());
        }
        if Names::named(&self.names).is_none() {
            let names = &self.names;
            return Err(format!("The property names is never, asked or announced, and is \"{names}\"."));
        }
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let certificate = match (given(&self.certificate), given(&self.private_key)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("The properties certificate and private-key are set both or neither.".to_owned()),
        };
        let rtp_ports = PortRange::parse(&self.rtp_ports).ok_or_else(|| {
            format!("The property rtp-ports is a range like {RTP_PORTS}, and is \"{}\".", self.rtp_ports)
        });
        let languages = languages();
        if !languages.contains(&self.language.as_str()) {
            return Err(format!(
                "The property language is one of {languages:?}, and is \"{}\".",
                self.language
            ));
        }
        let prompts = given(&self.prompts);
        if let Some(folder) = prompts.as_ref().filter(|folder| !Path::new(folder).is_dir()) {
            return Err(format!("The property prompts is a folder, and \"{folder}\" is none."));
        }
        let port = |port: i32| u16::try_from(port).ok();
        Ok(HubSettings {
            tls: certificate.as_ref().and_then(|_| port(self.tls_port)),
            tcp: port(self.tcp_port),
            udp: port(self.udp_port),
            bind: address("bind-address", self.bind_address.as_deref())?,
            certificate,
            media_address: address("media-address", self.media_address.as_deref())?,
            rtp_ports: rtp_ports?,
            has_inband_digits: self.inband_digits,
            language: self.language.clone(),
            prompts,
            trunk: self.trunk()?,
            account: given(&self.trunk_account),
            ca_file: given(&self.ca_file),
        })
    }

    fn trunk(&self) -> Result<Option<Trunk>, String> {
        let Some(uri) = self.trunk.as_ref().filter(|uri| !uri.is_empty()) else {
            return Ok(None);
        };
        let trunk = Trunk::parse(uri).ok_or_else(|| {
            format!("The property trunk is like sips:provider.example, without a user, and is \"{uri}\".")
        })?;
        if trunk.hop().is_some_and(|hop| hop.transport == Transport::Udp) && self.udp_port < 0 {
            return Err(
                "The trunk is reached by UDP, so udp-port has to be set; or let it end in ;transport=tls."
                    .to_owned(),
            );
        }
        Ok(Some(Trunk { is_registered: self.trunk_register, ..trunk }))
    }
}

fn address(property: &str, text: Option<&str>) -> Result<Option<IpAddr>, String> {
    let text = text.filter(|text| !text.is_empty());
    let parsed = text.map(|text| text.parse().map_err(|_| text)).transpose();
    parsed.map_err(|text| format!("The property {property} is an IP address, and \"{text}\" is none."))
}
