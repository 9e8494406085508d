//! What an operator may set.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use convene_domain::CallOutRules;
use convene_pipelines::{CallerNames, MediaPort, TelephonePort, Trunk};
use convene_recordings::{Lufs, RegionName, StoreConfig};
use serde::{Deserialize, Serialize};

use crate::StartError;
use crate::calls::{CallLog, CallRecords};
use crate::recording::Rules;

/// The port when none is configured.
const PORT: u16 = 8443;

/// The UDP port for voices and faces when none is configured.
const MEDIA_PORT: u16 = 1853;

/// The UDP ports for telephones' sound when none are configured.
const SIP_RTP_PORTS: &str = "7800-32000";

/// A bill can be disputed for about so long.
const CALL_RECORDS_KEEP_DAYS: u32 = 90;

/// A recording of a screen with faces, encoded as it happens, costs 0.4 to 0.5 of a core.
const RECORDINGS_PER_CORE: usize = 2;

/// How the service is set up. Everything has a default that works on one machine with nothing to install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The UDP port for voices and faces, at the same address; port 0 takes any free one.
    pub media_port: u16,
    /// The addresses that browsers are told to send them to; none means this machine's own. Behind a NAT it is the public one.
    pub media_addresses: Vec<IpAddr>,
    /// Where telephones call by SIP over TLS, with the service's certificate; none means that they cannot, 0 takes any free port.
    pub sip_tls_port: Option<u16>,
    /// The same over TCP, where anybody on the way can listen.
    pub sip_tcp_port: Option<u16>,
    /// The same over UDP.
    pub sip_udp_port: Option<u16>,
    /// The UDP ports for telephones' sound, two for each call.
    pub sip_rtp_ports: String,
    /// Digits are looked for as tones in the voices of telephones that have no other way to send them: for old gateways. It costs some work for each such
    /// caller.
    pub sip_inband_digits: bool,
    /// Whether callers say their names on the way in: `never`, `asked` (who wants to know who is there hears them), or `announced` (and all other
    /// callers hear who comes).
    #[serde(with = "names")]
    pub sip_names: CallerNames,
    /// Who connects calls with the telephone network, as `sips:provider.example` or `sip:provider.example;transport=tcp`. Its account comes from
    /// `sip_trunk_account`, or from `CONVENE_SIP_USER` and `CONVENE_SIP_PASSWORD` in the environment.
    pub sip_trunk: Option<String>,
    /// A file whose first line is `USER:PASSWORD`, readable for nobody else.
    pub sip_trunk_account: Option<PathBuf>,
    /// A PEM file with certificates that the trunk may show besides those that the system trusts.
    pub sip_trunk_ca_file: Option<PathBuf>,
    /// What numbers that a host has called may begin with, such as `+49`; none means that nobody is called.
    pub sip_call_out: Vec<String>,
    /// What is written down of telephone calls that are over, in `calls.jsonl` of the data folder: nothing (`off`), when, how long and how well
    /// (`anonymous`), or callers' numbers and names, too (`numbers`).
    pub call_records: CallRecords,
    /// After how many days that is deleted.
    pub call_records_keep_days: u32,
    /// Where operators find the metrics by plain HTTP, such as `127.0.0.1:9464`; none means nowhere. Nobody else should reach it.
    pub metrics: Option<SocketAddr>,
    /// The folder for the certificate, the catalogue, the spool and the default regions.
    pub data: PathBuf,
    /// How people reach the service, such as `https://meet.example.org`; without it, links name the host of the request.
    pub public_url: Option<String>,
    /// The regions that recordings go to, nearest first; none means two folders below `data`.
    pub stores: Vec<StoreConfig>,
    /// How many recordings this machine makes at once; none means as many as its cores carry beside the meetings.
    pub recordings_max: Option<usize>,
    /// After how many days a recording is deleted by itself, unless somebody says otherwise; none means never.
    pub recordings_keep_days: Option<u32>,
    /// How loud speech is in recordings, quiet voices and loud ones alike, in LUFS (EBU R 128); none means as loud as it was spoken.
    pub recordings_loudness: Option<Lufs>,
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
            media_port: MEDIA_PORT,
            media_addresses: Vec::new(),
            sip_tls_port: None,
            sip_tcp_port: None,
            sip_udp_port: None,
            sip_rtp_ports: SIP_RTP_PORTS.into(),
            sip_inband_digits: false,
            sip_names: CallerNames::default(),
            sip_trunk: None,
            sip_trunk_account: None,
            sip_trunk_ca_file: None,
            sip_call_out: Vec::new(),
            call_records: CallRecords::default(),
            call_records_keep_days: CALL_RECORDS_KEEP_DAYS,
            metrics: None,
            data: PathBuf::from("data"),
            public_url: None,
            stores: Vec::new(),
            recordings_max: None,
            recordings_keep_days: None,
            recordings_loudness: None,
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

    /// The key that links to recordings are signed with. A new one makes all links end.
    #[must_use]
    pub fn link_key_file(&self) -> PathBuf {
        self.data.join("links.key")
    }

    /// Where recordings wait until every region has them.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.data.join("spool")
    }

    /// How many recordings may be made at once, how long they are kept, and how loud they are.
    pub(crate) fn recording_rules(&self) -> Rules {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Rules {
            max: self.recordings_max.unwrap_or_else(|| beside_meetings(cores())),
            keep: self.recordings_keep_days.map(|days| time::Duration::days(days.into())),
            loudness: self.recordings_loudness,
        }
    }

    /// Where voices and faces come in: who listens at one address only does so for them, too, and is reached there.
    ///
    /// Where UDP is blocked they come by TCP to the `https` port. Without a port of its own each meeting has another one, and then it would not be known
    /// to which a connection belongs.
    pub(crate) fn media(&self, https: u16) -> MediaPort {
        let bind = self.bind();
        let addresses = match (self.media_addresses.as_slice(), bind) {
            ([], Some(address)) => vec![address],
            (configured, _) => configured.to_vec(),
        };
        MediaPort {
            port: self.media_port,
            bind,
            addresses,
            tcp_port: (self.media_port != 0).then_some(https),
        }
    }

    /// The one address that everything listens at, if it is one.
    fn bind(&self) -> Option<IpAddr> {
        Some(self.listen.ip()).filter(|address| !address.is_unspecified())
    }

    /// Where telephones call, if anywhere: at the address where the service listens.
    pub(crate) fn telephone(&self) -> Option<TelephonePort> {
        let (tls, tcp, udp) = (self.sip_tls_port, self.sip_tcp_port, self.sip_udp_port);
        tls.or(tcp).or(udp)?;
        Some(TelephonePort {
            tls,
            tcp,
            udp,
            bind: self.bind(),
            address: self.media_addresses.first().copied(),
            rtp_ports: self.sip_rtp_ports.clone(),
            inband_digits: self.sip_inband_digits,
            names: self.sip_names,
            certificate: self.certificate_file(),
            key: self.key_file(),
            trunk: self.sip_trunk.clone().map(|uri| Trunk {
                uri,
                account: self.sip_trunk_account.clone(),
                ca_file: self.sip_trunk_ca_file.clone(),
            }),
        })
    }

    /// Where telephone calls are written down, if anywhere.
    pub(crate) fn call_log(&self) -> Result<Option<CallLog>, StartError> {
        if self.call_records == CallRecords::Off {
            return Ok(None);
        }
        let keep = time::Duration::days(self.call_records_keep_days.into());
        let log = CallLog::open(self.data.clone(), self.call_records, keep);
        log.map(Some).map_err(|error| StartError::Unwritable { path: self.data.clone(), error })
    }

    /// Whom hosts may have called: nobody without a trunk, or without a number that is permitted. The error is a sentence.
    pub(crate) fn call_out(&self) -> Result<Option<CallOutRules>, String> {
        let rules = CallOutRules::new(&self.sip_call_out).map_err(|wrong| {
            format!("`sip_call_out` has beginnings of numbers like +49, and \"{wrong}\" is none.")
        })?;
        match (&self.sip_trunk, self.telephone()) {
            (Some(_), Some(_)) => Ok(Some(rules).filter(|_| !self.sip_call_out.is_empty())),
            (Some(_), None) => {
                Err("`sip_trunk` needs a port of its own: set `sip_tls_port` or the like.".into())
            }
            (None, _) if self.sip_call_out.is_empty() => Ok(None),
            (None, _) => Err("`sip_call_out` needs `sip_trunk`, by which the numbers are called.".into()),
        }
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

/// The word of [`CallerNames`].
mod names {
    use convene_pipelines::CallerNames;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(names: &CallerNames, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(names.word())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CallerNames, D::Error> {
        let word = String::deserialize(from)?;
        let wrong =
            || D::Error::custom(format!("`sip_names` is never, asked or announced, and not \"{word}\""));
        CallerNames::named(&word).ok_or_else(wrong)
    }
}

/// A recording takes about half a core (`make bench-recording` measures it), and one core is left to the meetings; one recording is possible on
/// any machine.
fn beside_meetings(cores: usize) -> usize {
    (cores.saturating_sub(1) * RECORDINGS_PER_CORE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(listen: &str, addresses: &[&str]) -> MediaPort {
        let media_addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Config { listen: listen.parse().unwrap(), media_addresses, ..Config::default() }.media(8443)
    }

    #[test]
    fn as_many_recordings_as_the_cores_carry_beside_the_meetings() {
        assert_eq!([1, 2, 8, 64].map(beside_meetings), [1, 2, 14, 126]);
        let config = Config { recordings_max: Some(0), ..Config::default() };
        assert_eq!(config.recording_rules().max, 0);
    }

    #[test]
    fn telephones_call_where_a_port_is_configured() {
        assert_eq!(Config::default().telephone(), None);
        let config = Config {
            sip_tls_port: Some(5061),
            media_addresses: vec!["192.0.2.7".parse().unwrap()],
            ..Config::default()
        };
        let telephone = config.telephone().expect("a port is configured");
        assert_eq!(
            (telephone.tls, telephone.tcp, telephone.udp, telephone.bind),
            (Some(5061), None, None, None)
        );
        assert_eq!(telephone.address, Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn only_who_has_a_trunk_and_says_which_numbers_calls_out() {
        let config = |port: Option<u16>, trunk: Option<&str>, numbers: &[&str]| Config {
            sip_tls_port: port,
            sip_trunk: trunk.map(Into::into),
            sip_call_out: numbers.iter().map(|number| (*number).into()).collect(),
            ..Config::default()
        };
        let trunk = Some("sips:provider.example");
        assert_eq!(config(None, None, &[]).call_out(), Ok(None));
        assert_eq!(config(Some(5061), trunk, &[]).call_out(), Ok(None), "calls come in by it");
        assert!(config(Some(5061), trunk, &["+49"]).call_out().is_ok_and(|rules| rules.is_some()));
        for (port, trunk, numbers, words) in [
            (None, trunk, &["+49"][..], "sip_tls_port"),
            (Some(5061), None, &["+49"], "needs `sip_trunk`"),
            (Some(5061), trunk, &["+49", "all"], "\"all\" is none"),
        ] {
            let error = config(port, trunk, numbers).call_out().expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn media_comes_in_where_the_service_listens() {
        let everywhere = media("0.0.0.0:8443", &[]);
        let tcp_port = Some(8443);
        assert_eq!(everywhere, MediaPort { port: 1853, bind: None, addresses: Vec::new(), tcp_port });
        let here = media("127.0.0.1:8443", &[]);
        let address: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!((here.bind, here.addresses), (Some(address), vec![address]));
        let behind = media("10.0.0.7:8443", &["192.0.2.7"]);
        assert_eq!(behind.bind, Some("10.0.0.7".parse().unwrap()));
        assert_eq!(behind.addresses, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        let anywhere = Config { media_port: 0, ..Config::default() };
        assert_eq!(anywhere.media(8443).tcp_port, None);
    }
}
