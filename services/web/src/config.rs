//! What an operator may set.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use convene_recordings::{RegionName, StoreConfig};
use serde::{Deserialize, Serialize};

/// The port when none is configured.
const PORT: u16 = 8443;

/// How the service is set up. Everything has a default that works on one machine with nothing to install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The folder for the certificate, the catalogue, the spool and the default regions.
    pub data: PathBuf,
    /// How people reach the service, such as `https://meet.example.org`; without it, links name the host of the request.
    pub public_url: Option<String>,
    /// The regions that recordings go to, nearest first; none means two folders below `data`.
    pub stores: Vec<StoreConfig>,
    /// What records a meeting; none means this very program with the argument `record`.
    pub recorder: Option<RecorderProgram>,
}

/// The program that records one meeting: it reads a job on its standard input and tells events on its standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecorderProgram {
    /// Where it is.
    pub path: PathBuf,
    /// Its arguments. Secrets go over its standard input, never here.
    #[serde(default)]
    pub arguments: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)),
            data: PathBuf::from("data"),
            public_url: None,
            stores: Vec::new(),
            recorder: None,
        }
    }
}

impl Config {
    /// The certificate that the service shows. A client that trusts this file trusts the service.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.data.join("tls/cert.pem")
    }

    /// The key of the certificate.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.data.join("tls/key.pem")
    }

    /// The catalogue's database.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.data.join("convene.sqlite")
    }

    /// Where recordings wait until every region has them.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.data.join("spool")
    }

    /// The regions: the configured ones, or two folders.
    #[must_use]
    pub fn regions(&self) -> Vec<StoreConfig> {
        if !self.stores.is_empty() {
            return self.stores.clone();
        }
        ["a", "b"]
            .into_iter()
            .map(|name| {
                let region = RegionName::new(name).expect("one letter is a region's name");
                StoreConfig::folder(region, self.data.join("regions").join(name))
            })
            .collect()
    }
}
