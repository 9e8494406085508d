//! From a configuration to a running service, and to a clean end.

use std::fs;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use convene_recordings::StoreConfig;
use convene_recordings_store::{BlobStore, SpoolOwner};
use convene_store::Store;
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::accept::Door;
use crate::blocking::blocking;
use crate::clock::Clock;
use crate::config::RecorderProgram;
use crate::meeting::Directory;
use crate::metrics::Metrics;
use crate::recording::{Catalogue, FINISH_MAX, Links, Pictures, Recorders, look_after};
use crate::service::Service;
use crate::telephone::Switchboard;
use crate::tls::{Identity, own_names};
use crate::turn::Turn;
use crate::{Config, StartError};

/// How long the end may take: a recorder that does not finish is killed before, and a client that does not read is cut before.
const END_MAX: Duration = FINISH_MAX.saturating_add(Duration::from_secs(10));

/// The service, bound to its address.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    metrics: Option<TcpListener>,
    service: Arc<Service>,
}

impl Server {
    /// Prepares everything that can fail and takes the address: data folder, certificate, catalogue, regions.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to do.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let prepare = |config: Config| move || -> Result<Prepared, StartError> { Prepared::new(config) };
        // First the address: a second start on the same data folder stops here.
        let (listener, address) = listen(config.listen).await?;
        let metrics = listen_for_operators(config.metrics).await?;
        check_media_port(config.listen.ip(), config.media_port).await?;
        let Prepared { config, identity, catalogue, resting, regions, spool_owner, links, telephone } =
            blocking(prepare(config)).await?;

        let recorders = Recorders::new(
            config.recorder.clone().map_or_else(this_program, Ok)?,
            server_for_recorders(&identity, config.public_url.as_deref(), address),
            config.certificate_file(),
            config.regions(),
            config.recording_rules(),
        );
        let media = config.media(public_port(config.public_url.as_deref()).unwrap_or(address.port()));
        let service = Service {
            clock: Clock::start(),
            directory: Directory::new(resting),
            catalogue,
            recorders,
            links,
            pictures: Pictures::default(),
            metrics: Metrics::new(regions.iter().map(|store| store.region().clone()).collect()),
            regions,
            spool: config.spool(),
            _spool_owner: spool_owner,
            turn: Turn::new(&media),
            media,
            telephone,
            public_url: config.public_url,
            tasks: TaskTracker::new(),
        };
        let tls = TlsAcceptor::from(identity.config);
        Ok(Self { listener, address, tls, metrics, service: Arc::new(service) })
    }

    /// Where it listens; tells the port when 0 was configured.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where operators find the metrics, if anywhere.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }

    /// Serves until `shutdown` is done; then tells the meetings, finishes the recordings, and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, address, tls, metrics, service } = self;
        info!(%address, "the service listens");
        let stop = CancellationToken::new();
        let janitor = tokio::spawn(look_after(service.clone(), stop.clone()));
        let watched = metrics
            .map(|listener| tokio::spawn(crate::metrics::serve(listener, service.clone(), stop.clone())));
        let door = Door::new(tls, &service, stop.clone());
        tokio::select! {
            () = door.serve(&listener) => {}
            () = shutdown => {}
        }
        drop(listener);

        info!("the service is being stopped");
        let end = async {
            service.directory.shut_down().await;
            service.tasks.close();
            service.tasks.wait().await;
            stop.cancel();
            door.close().await;
            // It has seen the stop; a panic of its own was printed when it happened.
            let _ = janitor.await;
            if let Some(watched) = watched {
                let _ = watched.await;
            }
        };
        if tokio::time::timeout(END_MAX, end).await.is_err() {
            warn!(seconds = END_MAX.as_secs(), "something did not come to an end in time and is cut off");
            stop.cancel();
        }
        info!("the service has stopped");
    }
}

/// What is read and made before the first request.
struct Prepared {
    config: Config,
    identity: Identity,
    catalogue: Catalogue,
    resting: Vec<(convene_domain::SessionCode, time::OffsetDateTime)>,
    regions: Vec<Arc<dyn BlobStore>>,
    spool_owner: SpoolOwner,
    links: Links,
    telephone: Option<Switchboard>,
}

impl Prepared {
    /// Blocks for as long as the disk does.
    fn new(mut config: Config) -> Result<Self, StartError> {
        config.data = absolute(&config.data)?;
        config.public_url = config.public_url.as_deref().map(public_url).transpose()?;
        for folder in [config.data.clone(), config.data.join("tls"), config.spool()] {
            make_folder(&folder)?;
        }
        let spool_owner =
            SpoolOwner::take(&config.spool()).map_err(|error| StartError::Spool(error.to_string()))?;
        convene_pipelines::init().map_err(|error| StartError::Pipelines(error.to_string()))?;
        let names = || own_names(config.listen.ip());
        let identity = Identity::load(&config.certificate_file(), &config.key_file(), names)?;

        let catalogue = |error: convene_store::StoreError| StartError::Catalogue(error.to_string());
        let store = Store::open(&config.database_file()).map_err(catalogue)?;
        let resting = store.resting_codes(Clock::start().date()).map_err(catalogue)?;
        let stores = config.regions();
        StoreConfig::check(&stores).map_err(StartError::Stores)?;
        let regions = stores.iter().map(open_region).collect::<Result<_, _>>()?;
        let links = Links::load(&config.link_key_file())?;
        let call_out = config.call_out().map_err(StartError::CallOut)?;
        let telephone = match config.telephone() {
            Some(port) => Some(Switchboard::open(port, call_out, config.call_log()?)?),
            None => None,
        };
        Ok(Self {
            config,
            identity,
            catalogue: Catalogue::new(store),
            resting,
            regions,
            spool_owner,
            links,
            telephone,
        })
    }
}

fn open_region(store: &StoreConfig) -> Result<Arc<dyn BlobStore>, StartError> {
    if let StoreConfig::Folder(folder) = store {
        make_folder(&folder.path)?;
    }
    convene_recordings_store::open(store)
        .map_err(|error| StartError::Store { region: store.region().to_string(), why: error.to_string() })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refuse = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { address },
        _ => StartError::Listen { address, error },
    };
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let bound = listener.local_addr().map_err(refuse)?;
    Ok((listener, bound))
}

/// Off unless it is configured.
async fn listen_for_operators(address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let listener =
        TcpListener::bind(address).await.map_err(|error| StartError::Metrics { address, error })?;
    info!(address = ?listener.local_addr(), "operators find the metrics at /metrics there");
    Ok(Some(listener))
}

/// The port is taken when the first meeting speaks; that it is free is better known now.
async fn check_media_port(ip: IpAddr, port: u16) -> Result<(), StartError> {
    let address = SocketAddr::new(ip, port);
    UdpSocket::bind(address).await.map(drop).map_err(|error| StartError::MediaPort { address, error })
}

/// A recorder runs in the same folder, but let nobody depend on it.
fn absolute(path: &Path) -> Result<PathBuf, StartError> {
    std::path::absolute(path).map_err(|error| StartError::Unwritable { path: path.to_owned(), error })
}

/// Makes the folder and tries whether it can be written.
fn make_folder(path: &Path) -> Result<(), StartError> {
    let unwritable = |error| StartError::Unwritable { path: path.to_owned(), error };
    fs::create_dir_all(path).map_err(unwritable)?;
    let trial = path.join(".writable");
    fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial)).map_err(unwritable)
}

/// Without a slash at the end.
fn public_url(url: &str) -> Result<String, StartError> {
    let refuse = |why: &str| StartError::PublicUrl { url: url.to_owned(), why: why.to_owned() };
    let trimmed = url.trim_end_matches('/');
    let host = trimmed.strip_prefix("https://").ok_or_else(|| refuse("it does not begin with https://"))?;
    host.parse::<warp::http::uri::Authority>()
        .map_err(|_| refuse("what follows https:// is not a host with or without a port"))?;
    Ok(trimmed.to_owned())
}

/// The port of a public address, which may be another than the one that is listened at.
fn public_port(url: Option<&str>) -> Option<u16> {
    let authority = url?.strip_prefix("https://")?.parse::<warp::http::uri::Authority>().ok()?;
    Some(authority.port_u16().unwrap_or(443))
}

/// The address of this machine under a name that the certificate is for. With a certificate for the public name alone, the
/// public address is the one that works.
fn server_for_recorders(identity: &Identity, public_url: Option<&str>, address: SocketAddr) -> String {
    let own = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let port = address.port();
    let name = [own.as_str(), "localhost"].into_iter().find(|name| identity.is_for(name));
    match (name, public_url) {
        (Some(name), _) => format!("https://{name}:{port}"),
        (None, Some(url)) => url.to_owned(),
        (None, None) => {
            warn!(
                "the certificate is for no name of this machine, so recorders will not trust it; configure `public_url`"
            );
            format!("https://{own}:{port}")
        }
    }
}

/// `convene record`.
fn this_program() -> Result<RecorderProgram, StartError> {
    let path = std::env::current_exe().map_err(|error| StartError::Recorder { error })?;
    Ok(RecorderProgram { path, arguments: vec!["record".into()] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_a_host_and_nothing_more() {
        assert_eq!(public_url("https://meet.example.org/").unwrap(), "https://meet.example.org");
        assert_eq!(public_url("https://meet.example.org:8443").unwrap(), "https://meet.example.org:8443");
        assert_eq!(public_port(Some("https://meet.example.org")), Some(443));
        assert_eq!(public_port(Some("https://[2001:db8::7]:8443")), Some(8443));
        assert_eq!(public_port(None), None);
        for wrong in
            ["", "meet.example.org", "http://meet.example.org", "https://", "https://a/b", "https://a b"]
        {
            let sentence = public_url(wrong).expect_err(wrong).to_string();
            assert!(sentence.contains("It looks like https://"), "{sentence}");
        }
    }
}
