//! `convene doctor`: is everything there, and what to do where it is not.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use convene_recordings_store::StoreConfig;
use convene_web::Config;

use crate::arguments::Doctor;
use crate::configuration;

/// The oldest GStreamer that our elements are built for.
const GSTREAMER_MIN: (u32, u32) = (1, 22);

/// How long a region may take to answer.
const STORE_MAX: Duration = Duration::from_secs(10);

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// It is there.
    Good(String),
    /// Only the part that is named does not work.
    Without { what: String, remedy: String },
    /// Meetings cannot be held.
    Bad { what: String, remedy: String },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(what) => write!(f, "ok       {what}"),
            Self::Without { what, remedy } => write!(f, "without  {what} {remedy}"),
            Self::Bad { what, remedy } => write!(f, "MISSING  {what} {remedy}"),
        }
    }
}

/// Prints a line each; fails when meetings cannot be held.
pub(crate) async fn doctor(arguments: &Doctor) -> ExitCode {
    let mut findings = gstreamer();
    findings.push(x_display(arguments.display.as_deref()));
    findings.extend(client());
    match configuration::read(&arguments.configuration) {
        Ok(config) => {
            findings.push(data_folder(&config.data));
            findings.push(port(&config).await);
            findings.push(media_port(&config).await);
            for store in config.regions() {
                findings.push(region(&store).await);
            }
        }
        Err(error) => findings.push(Finding::Bad { what: format!("{error:#}"), remedy: String::new() }),
    }

    for finding in &findings {
        println!("{finding}");
    }
    let bad = findings.iter().any(|finding| matches!(finding, Finding::Bad { .. }));
    if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn gstreamer() -> Vec<Finding> {
    if let Err(error) = convene_pipelines::init() {
        let remedy = "Install it with: apt-get install libgstreamer1.0-0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good".into();
        return vec![Finding::Bad { what: error.to_string(), remedy }];
    }
    let (major, minor, micro) = convene_pipelines::gstreamer_version();
    let mut findings = vec![if GSTREAMER_MIN <= (major, minor) {
        Finding::Good(format!("GStreamer {major}.{minor}.{micro}"))
    } else {
        Finding::Bad {
            what: format!("GStreamer {major}.{minor}.{micro} is too old."),
            remedy: format!("Version {}.{} or newer is needed.", GSTREAMER_MIN.0, GSTREAMER_MIN.1),
        }
    }];

    let missing = convene_pipelines::missing_elements();
    for needed in convene_pipelines::ELEMENTS {
        findings.push(if !missing.contains(needed) {
            Finding::Good(format!("element {}", needed.element))
        } else {
            let what = format!("element {}, for {}.", needed.element, needed.purpose);
            let remedy = format!("Install it with: apt-get install {}", needed.package);
            // Presenting from this machine is not what a server is for.
            if needed.purpose.starts_with("presenting") {
                Finding::Without { what, remedy }
            } else {
                Finding::Bad { what, remedy }
            }
        });
    }
    findings
}

fn x_display(display: Option<&str>) -> Finding {
    match convene_pipelines::check_x11(display) {
        Ok(()) => Finding::Good("X display, for presenting this machine's screen".into()),
        Err(error) => Finding::Without { what: error.to_string(), remedy: String::new() },
    }
}

/// A debug build reads the client's folder at run time. A release build carries it inside and says on its page if it was built without.
fn client() -> Option<Finding> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/dist/index.html");
    match (cfg!(debug_assertions), page.is_file()) {
        (false, _) => None,
        (true, true) => Some(Finding::Good("the browser's client".into())),
        (true, false) => Some(Finding::Bad {
            what: "The browser's client is not built.".into(),
            remedy:
                "Build it with: npm --prefix services/client ci && npm --prefix services/client run build"
                    .into(),
        }),
    }
}

fn data_folder(folder: &Path) -> Finding {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&probe, b"ok"));
    match written.and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Finding::Good(format!("data folder {}", folder.display())),
        Err(error) => Finding::Bad {
            what: format!("The data folder {} cannot be written: {error}.", folder.display()),
            remedy: "Give this user the right to write there, or name another with --data.".into(),
        },
    }
}

async fn port(config: &Config) -> Finding {
    match tokio::net::TcpListener::bind(config.listen).await {
        Ok(_) => Finding::Good(format!("port {} is free", config.listen)),
        Err(error) => Finding::Bad {
            what: format!("{} cannot be listened on: {error}.", config.listen),
            remedy: "Stop who listens there, maybe Convene itself, or name another with --listen.".into(),
        },
    }
}

async fn media_port(config: &Config) -> Finding {
    let address = SocketAddr::new(config.listen.ip(), config.media_port);
    match tokio::net::UdpSocket::bind(address).await {
        Ok(_) => Finding::Good(format!("UDP port {address}, for voices and faces, is free")),
        Err(error) => Finding::Bad {
            what: format!("UDP {address} cannot be listened on for voices and faces: {error}."),
            remedy: "Stop who listens there, maybe Convene itself, or name another with --media-port.".into(),
        },
    }
}

async fn region(store: &StoreConfig) -> Finding {
    let name = store.region();
    let answer = async {
        let open = convene_recordings_store::open(store).map_err(|error| error.to_string())?;
        match tokio::time::timeout(STORE_MAX, open.check()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("it did not answer within {} s", STORE_MAX.as_secs())),
        }
    };
    match answer.await {
        Ok(()) => Finding::Good(format!("region {name}")),
        Err(why) => Finding::Bad {
            what: format!("The region {name} cannot be used: {why}."),
            remedy: "Look at its entry under [[stores]] in the configuration.".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_a_file_is_found() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let found = data_folder(file.path());
        assert!(matches!(found, Finding::Bad { .. }), "{found}");
    }

    #[test]
    fn a_folder_is_left_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(data_folder(folder.path()), Finding::Good(_)));
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0);
    }

    #[tokio::test]
    async fn a_port_in_use_is_found() {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let config = Config { listen: taken.local_addr().expect("an address"), ..Config::default() };
        let found = port(&config).await;
        assert!(matches!(found, Finding::Bad { .. }), "{found}");
    }

    #[tokio::test]
    async fn a_media_port_in_use_is_found() {
        let taken = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let listen = taken.local_addr().expect("an address");
        let config = Config { listen, media_port: listen.port(), ..Config::default() };
        let found = media_port(&config).await;
        assert!(matches!(&found, Finding::Bad { what, .. } if what.contains(&listen.to_string())), "{found}");
    }
}
