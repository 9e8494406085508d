//! The configuration: a file, the environment, the flags.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use convene_web::{CallRecords, Config};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::Serialize;

use crate::arguments::Configuration;

/// Read when no file is named; it need not be there.
const DEFAULT_FILE: &str = "convene.toml";

/// The settings that the environment may give, as `CONVENE_LISTEN`; deeper ones with two underscores, `CONVENE_RECORDER__PATH`.
const FROM_ENVIRONMENT: [&str; 24] = [
    "listen",
    "media_port",
    "media_addresses",
    "sip_tls_port",
    "sip_tcp_port",
    "sip_udp_port",
    "sip_rtp_ports",
    "sip_inband_digits",
    "sip_names",
    "sip_trunk",
    "sip_trunk_account",
    "sip_trunk_ca_file",
    "sip_call_out",
    "call_records",
    "call_records_keep_days",
    "metrics",
    "recordings_max",
    "recordings_keep_days",
    "recordings_loudness",
    "data",
    "public_url",
    "stores",
    "recorder.path",
    "recorder.arguments",
];

/// The flags that were given.
#[derive(Serialize)]
struct Flags<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_port: Option<u16>,
    #[serde(skip_serializing_if = "<[IpAddr]>::is_empty")]
    media_addresses: &'a [IpAddr],
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_tls_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_tcp_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_udp_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_inband_digits: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_trunk: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_trunk_account: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_trunk_ca_file: Option<&'a Path>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sip_call_out: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    call_records: Option<CallRecords>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_records_keep_days: Option<u32>,
    metrics: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordings_max: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordings_keep_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordings_loudness: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<&'a str>,
}

/// Reads all of it; what is wrong is said with where it stands.
pub(crate) fn read(flags: &Configuration) -> anyhow::Result<Config> {
    let file = match &flags.config {
        Some(path) if !path.is_file() => bail!("There is no configuration file {}.", path.display()),
        Some(path) => path.clone(),
        None => PathBuf::from(DEFAULT_FILE),
    };
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if file.is_file() {
        figment = figment.merge(Toml::file_exact(file));
    }
    let given = Flags {
        listen: flags.listen.map(|address| address.to_string()),
        media_port: flags.media_port,
        media_addresses: &flags.media_address,
        sip_tls_port: flags.sip_tls_port,
        sip_tcp_port: flags.sip_tcp_port,
        sip_udp_port: flags.sip_udp_port,
        sip_inband_digits: flags.sip_inband_digits.then_some(true),
        sip_trunk: flags.sip_trunk.as_deref(),
        sip_trunk_account: flags.sip_trunk_account.as_deref(),
        sip_trunk_ca_file: flags.sip_trunk_ca_file.as_deref(),
        sip_call_out: &flags.sip_call_out,
        call_records: flags.call_records.map(Into::into),
        call_records_keep_days: flags.call_records_keep_days,
        metrics: flags.metrics.map(|address| address.to_string()),
        recordings_max: flags.recordings_max,
        recordings_keep_days: flags.recordings_keep_days,
        recordings_loudness: flags.recordings_loudness,
        data: flags.data.as_deref(),
        public_url: flags.public_url.as_deref(),
    };
    figment
        .merge(Env::prefixed("CONVENE_").split("__").only(&FROM_ENVIRONMENT))
        .merge(Serialized::defaults(given))
        .extract()
        .context("The configuration cannot be used")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::KeptOfCalls;

    fn flags(config: Option<&Path>, listen: Option<&str>) -> Configuration {
        Configuration {
            config: config.map(Into::into),
            listen: listen.map(|address| address.parse().expect("an address")),
            ..Configuration::default()
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        file
    }

    #[test]
    fn a_loudness_is_one_of_speech() {
        let read_of = |text: &str| read(&flags(Some(file(text).path()), None));
        let config = read_of("recordings_loudness = -16\n").expect("it is one");
        assert_eq!(config.recordings_loudness.map(i64::from), Some(-16));
        let refused = format!("{:#}", read_of("recordings_loudness = 16\n").expect_err("far too loud"));
        assert!(refused.contains("16 is no loudness for speech"), "{refused}");
        let flags = Configuration { recordings_loudness: Some(-23), ..flags(None, None) };
        assert_eq!(read(&flags).expect("read").recordings_loudness.map(i64::from), Some(-23));
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let file = file("listen = \"127.0.0.1:1\"\ndata = \"/srv/convene\"\n");
        let config = read(&flags(Some(file.path()), Some("127.0.0.1:2"))).expect("a configuration");
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.data, Path::new("/srv/convene"));
    }

    #[test]
    fn the_media_port_and_its_addresses_come_from_the_file_or_the_flags() {
        let file = file("media_port = 2000\nmedia_addresses = [\"192.0.2.7\", \"2001:db8::7\"]\n");
        let mut flags = flags(Some(file.path()), None);
        let config = read(&flags).expect("a configuration");
        assert_eq!((config.media_port, config.media_addresses.len()), (2000, 2));
        flags.media_port = Some(0);
        flags.media_address = vec!["127.0.0.1".parse().expect("an address")];
        let config = read(&flags).expect("a configuration");
        assert_eq!((config.media_port, config.media_addresses), (0, flags.media_address));
    }

    #[test]
    fn the_telephone_is_closed_until_a_port_is_given() {
        let file = file("sip_tcp_port = 5060\nsip_rtp_ports = \"8000-9000\"\nsip_names = \"announced\"\n");
        let mut flags = flags(Some(file.path()), None);
        flags.sip_tls_port = Some(5061);
        let config = read(&flags).expect("a configuration");
        assert_eq!(
            (config.sip_tls_port, config.sip_tcp_port, config.sip_udp_port),
            (Some(5061), Some(5060), None)
        );
        assert_eq!((config.sip_rtp_ports.as_str(), config.sip_names.word()), ("8000-9000", "announced"));
    }

    #[test]
    fn whom_hosts_may_call_comes_from_the_file_or_the_flags() {
        let file = file("sip_trunk = \"sips:provider.example\"\nsip_call_out = [\"+49\", \"0800\"]\n");
        let mut flags = flags(Some(file.path()), None);
        let config = read(&flags).expect("a configuration");
        assert_eq!(config.sip_trunk.as_deref(), Some("sips:provider.example"));
        assert_eq!(config.sip_call_out, ["+49", "0800"]);
        flags.sip_call_out = vec!["+44".into()];
        assert_eq!(read(&flags).expect("a configuration").sip_call_out, ["+44"]);
    }

    #[test]
    fn what_is_written_down_of_calls_is_said_in_a_word() {
        let file = file("call_records = \"numbers\"\ncall_records_keep_days = 7\n");
        let mut flags = flags(Some(file.path()), None);
        let config = read(&flags).expect("a configuration");
        assert_eq!((config.call_records, config.call_records_keep_days), (CallRecords::Numbers, 7));
        flags.call_records = Some(KeptOfCalls::Off);
        assert_eq!(read(&flags).expect("a configuration").call_records, CallRecords::Off);
        let wrong = self::file("call_records = \"all\"\n");
        let error = read(&self::flags(Some(wrong.path()), None)).expect_err("refused");
        assert!(format!("{error:#}").contains("one of `off`, `anonymous`, `numbers`"), "{error:#}");
    }

    #[test]
    fn stores_are_read_from_the_file() {
        let file = file("[[stores]]\nkind = \"folder\"\nregion = \"north\"\npath = \"/srv/north\"\n");
        let config = read(&flags(Some(file.path()), None)).expect("a configuration");
        assert_eq!(config.stores.len(), 1);
        assert_eq!(config.stores[0].region().to_string(), "north");
    }

    #[test]
    fn a_misspelt_setting_is_refused_with_its_name() {
        let file = file("lisen = \"127.0.0.1:1\"\n");
        let error = read(&flags(Some(file.path()), None)).expect_err("refused");
        assert!(format!("{error:#}").contains("lisen"), "{error:#}");
    }

    #[test]
    fn no_file_is_needed() {
        let config = read(&flags(None, Some("127.0.0.1:2"))).expect("the defaults");
        assert_eq!(config.listen.port(), 2);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(&flags(Some(Path::new("/nowhere/convene.toml")), None)).expect_err("refused");
        assert!(error.to_string().contains("/nowhere/convene.toml"), "{error}");
    }
}
