//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use convene_pipelines::{Area, FPS_DEFAULT, FPS_MAX};
use convene_web::CallRecords;

use crate::recordings::Recordings;

/// Open meetings: share a screen, watch it in a browser, record it.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// How much to log on standard error: error, warn, info, debug, trace, or a filter such as `convene_web=debug`.
    #[arg(long, global = true, env = "CONVENE_LOG", default_value = "info")]
    pub(crate) log: String,
    /// How the log is written: for people, or for programs, a JSON object a line.
    #[arg(long, global = true, env = "CONVENE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hold meetings: serve the page, the meetings and the recordings.
    Serve(Serve),
    /// Present this computer's screen in a meeting.
    Present(Present),
    /// Record one meeting. The service starts this by itself: it reads a job, one line of JSON, on standard input.
    Record,
    /// Look after the recordings: list them, compare the regions, copy what one lacks, finish what lies in the spool, delete.
    Recordings(Recordings),
    /// Look whether everything is there, and say what to do where it is not.
    Doctor(Doctor),
}

/// What `serve` and `doctor` take from files, the environment and flags; a flag wins over the environment, that over the file.
#[derive(Debug, Default, Args)]
pub(crate) struct Configuration {
    /// A configuration file; without it, `convene.toml` in this folder if there is one.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen, for example 127.0.0.1:8443; port 0 takes a free one. [default: 0.0.0.0:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// The UDP port for voices and faces; 0 takes a free one. [default: 1853]
    #[arg(long, value_name = "PORT")]
    pub(crate) media_port: Option<u16>,
    /// An address that browsers reach that port at; may be given several times. [default: this machine's own]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) media_address: Vec<IpAddr>,
    /// Where telephones call by SIP over TLS, usually 5061; 0 takes a free port. [default: they cannot]
    #[arg(long, value_name = "PORT")]
    pub(crate) sip_tls_port: Option<u16>,
    /// The same over TCP, usually 5060, where anybody on the way can listen.
    #[arg(long, value_name = "PORT")]
    pub(crate) sip_tcp_port: Option<u16>,
    /// The same over UDP, usually 5060.
    #[arg(long, value_name = "PORT")]
    pub(crate) sip_udp_port: Option<u16>,
    /// Look for digits as tones in the voices of telephones that have no other way to send them.
    #[arg(long)]
    pub(crate) sip_inband_digits: bool,
    /// Who connects calls with the telephone network, for example sips:provider.example. Its account is in CONVENE_SIP_USER and
    /// CONVENE_SIP_PASSWORD, or in the file that sip_trunk_account names.
    #[arg(long, value_name = "URI")]
    pub(crate) sip_trunk: Option<String>,
    /// A file whose first line is USER:PASSWORD, for the trunk.
    #[arg(long, value_name = "FILE")]
    pub(crate) sip_trunk_account: Option<PathBuf>,
    /// Trust the certificates of this PEM file, too, when the trunk shows them.
    #[arg(long, value_name = "FILE")]
    pub(crate) sip_trunk_ca_file: Option<PathBuf>,
    /// What numbers that hosts have called may begin with, for example +49; may be given several times. [default: nobody is called]
    #[arg(long, value_name = "PREFIX")]
    pub(crate) sip_call_out: Vec<String>,
    /// What is written down of telephone calls that are over, in calls.jsonl of the data folder. [default: anonymous]
    #[arg(long, value_enum)]
    pub(crate) call_records: Option<KeptOfCalls>,
    /// After how many days that is deleted. [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub(crate) call_records_keep_days: Option<u32>,
    /// Where operators find the metrics by plain HTTP, for example 127.0.0.1:9464. Nobody else should reach it. [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// How many recordings this machine makes at once; 0 for none. [default: two a core, but for one core]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) recordings_max: Option<usize>,
    /// After how many days recordings are deleted by themselves, unless somebody says otherwise. [default: never]
    #[arg(long, value_name = "DAYS")]
    pub(crate) recordings_keep_days: Option<u32>,
    /// How loud speech is in recordings, in LUFS (EBU R 128): -23 as for broadcasts, -16 for small speakers. [default: as it was spoken]
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true)]
    pub(crate) recordings_loudness: Option<i8>,
    /// The folder for the certificate, the catalogue and the recordings. [default: data]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// How people reach the service, for example https://meet.example.org.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeptOfCalls {
    /// Nothing.
    Off,
    /// When, how long and how well, without numbers and names.
    Anonymous,
    /// The same, with numbers and names.
    Numbers,
}

impl From<KeptOfCalls> for CallRecords {
    fn from(kept: KeptOfCalls) -> Self {
        match kept {
            KeptOfCalls::Off => Self::Off,
            KeptOfCalls::Anonymous => Self::Anonymous,
            KeptOfCalls::Numbers => Self::Numbers,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) configuration: Configuration,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) configuration: Configuration,
    /// The X display to look at instead of DISPLAY.
    #[arg(long, value_name = "NAME")]
    pub(crate) display: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Present {
    /// The service, for example https://localhost:8443.
    #[arg(long, value_name = "URL", env = "CONVENE_SERVER", default_value = "https://localhost:8443")]
    pub(crate) server: Server,
    /// The meeting's nine digits; spaces and dashes do not matter.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) code: Code,
    /// The name that the others see.
    #[arg(long, value_name = "NAME", env = "CONVENE_NAME", default_value = "Screen")]
    pub(crate) name: String,
    /// The X display to present instead of DISPLAY.
    #[arg(long, value_name = "NAME")]
    pub(crate) display: Option<String>,
    /// Only this window: its id, as `xwininfo` shows it.
    #[arg(long, value_name = "ID", value_parser = window_id, conflicts_with_all = ["monitor", "area"])]
    pub(crate) window: Option<u32>,
    /// Only this monitor, by its name, as `xrandr --listmonitors` shows it.
    #[arg(long, value_name = "NAME", conflicts_with = "area")]
    pub(crate) monitor: Option<String>,
    /// Only this part of the display: WIDTHxHEIGHT+X+Y.
    #[arg(long, value_name = "WxH+X+Y", value_parser = area)]
    pub(crate) area: Option<Area>,
    /// On Wayland: the PipeWire node of the shared screen, as a portal hands it out (`pw-cli list-objects Node`).
    #[arg(long, value_name = "NODE", conflicts_with_all = ["display", "window", "monitor", "area"])]
    pub(crate) pipewire_node: Option<u32>,
    /// Frames a second at most.
    #[arg(long, default_value_t = FPS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(FPS_MAX)))]
    pub(crate) fps: u32,
    /// Trust the certificates of this PEM file, too: for a service of one's own, its data/tls/cert.pem.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust any certificate. Only for trials on one's own machine.
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// A service's address without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server(pub(crate) String);

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = text.trim_end_matches('/');
        match address.strip_prefix("https://") {
            Some(host) if !host.is_empty() && !host.contains(['/', ' ', '?', '#', '@']) => {
                Ok(Self(address.to_owned()))
            }
            _ => Err(format!("`{text}` is no service's address. It looks like https://localhost:8443.")),
        }
    }
}

/// A session code as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) String);

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(|character| !matches!(character, ' ' | '-')).collect();
        digits.parse::<convene_domain::SessionCode>().map_err(|error| error.to_string())?;
        Ok(Self(digits))
    }
}

fn window_id(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is no window's id. It looks like 0x2a00007."))
}

fn area(text: &str) -> Result<Area, String> {
    let parse = || {
        let (width, rest) = text.split_once('x')?;
        let (height, rest) = rest.split_once('+')?;
        let (x, y) = rest.split_once('+')?;
        Some(Area::Rect {
            x: x.parse().ok()?,
            y: y.parse().ok()?,
            width: width.parse().ok()?,
            height: height.parse().ok()?,
        })
    };
    parse().ok_or_else(|| format!("`{text}` is no area. It looks like 1920x1080+0+0."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn codes_are_taken_as_people_write_them() {
        assert_eq!("123 456-789".parse(), Ok(Code("123456789".into())));
        assert!("12345678".parse::<Code>().is_err());
        assert!("12345678a".parse::<Code>().is_err());
    }

    #[test]
    fn servers_are_addresses_without_a_path() {
        assert_eq!("https://localhost:8443/".parse(), Ok(Server("https://localhost:8443".into())));
        for wrong in
            ["http://localhost", "localhost:8443", "https://", "https://host/123456789", "https://ann@host"]
        {
            let refused = wrong.parse::<Server>().expect_err(wrong);
            assert!(refused.contains(wrong), "{refused}");
        }
    }

    #[test]
    fn windows_and_areas_are_taken_as_x_tools_print_them() {
        assert_eq!(window_id("0x2a"), Ok(42));
        assert_eq!(window_id("42"), Ok(42));
        assert!(window_id("0xg").is_err());
        assert_eq!(area("1920x1080+0+10"), Ok(Area::Rect { x: 0, y: 10, width: 1920, height: 1080 }));
        for wrong in ["", "1920x1080", "1920x1080+0", "-1x1+0+0", "70000x1+0+0"] {
            assert!(area(wrong).is_err(), "{wrong}");
        }
    }
}
