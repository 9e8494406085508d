//! Azure Blob Storage as a region, and the only place that knows the crate behind it.
//!
//! What the crate does not do by itself, and is done here: it opens a connection for every request unless it gets a
//! client of ours; it retries behind our back unless told not to; it asks for a checksum of every small range, which
//! Azurite refuses; a commit forgets content type and cache headers unless it brings them again; and at debug level it
//! logs the `Authorization` header, so its logs must stay off.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::headers::{HeaderName, Headers, RANGE_GET_CONTENT_CRC64};
use azure_core::{
    ClientOptions, Context, CustomHeaders, Policy, PolicyResult, Request, RetryOptions, StatusCode,
    TransportOptions,
};
use azure_storage::{CloudLocation, StorageCredentials};
use azure_storage_blobs::blob::{BlobBlockType, BlockList, BlockListType};
use azure_storage_blobs::prelude::{BlobClient, ClientBuilder, ContainerClient};
use bytes::Bytes;
use convene_recordings::{AzureConfig, BlockId, BlockInfo, RegionName, Secret};

use crate::store::check_name;
use crate::{BlobStore, StoreError};

const CACHE_CONTROL: HeaderName = HeaderName::from_static("x-ms-blob-cache-control");

/// While the file grows nobody may keep it; a whole one may be kept, but not so long that deleting means little.
const CACHE_GROWING: &str = "private, no-cache";
const CACHE_WHOLE: &str = "private, max-age=3600";

/// A region that does not even take a connection in this time is away.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Servers close connections that rest, Azurite after 5 s; ours are given up before. A recording uses one every 2 s.
const IDLE_TIME: Duration = Duration::from_secs(4);

/// A container as a region.
#[derive(Debug, Clone)]
pub struct AzureStore {
    region: RegionName,
    container: ContainerClient,
}

impl AzureStore {
    /// The store of this configuration. Nothing is asked of it yet; the container is made when it is missing.
    ///
    /// # Errors
    /// When the key is missing or is no key, or the endpoint is no address.
    pub fn new(config: &AzureConfig) -> Result<Self, StoreError> {
        let region = config.region.clone();
        let bad = |reason: String| StoreError::BadConfig { region: region.clone(), reason };
        let key = shared_key(config).map_err(&bad)?;
        let location = location(config).map_err(&bad)?;
        let credentials = StorageCredentials::access_key(
            config.account.clone(),
            azure_core::auth::Secret::new(key.expose().to_owned()),
        );

        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME)
            .pool_idle_timeout(IDLE_TIME)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| bad(format!("no HTTP client can be made: {}", innermost(&error))))?;
        let options = ClientOptions::new(TransportOptions::new(Arc::new(client)))
            .retry(RetryOptions::none())
            .per_call_policies(vec![Arc::new(NoChecksum) as Arc<dyn Policy>]);
        let container = ClientBuilder::with_location(location, credentials)
            .client_options(options)
            .container_client(config.container.clone());
        Ok(Self { region, container })
    }

    fn client(&self, blob: &str) -> Result<BlobClient, StoreError> {
        check_name(blob)?;
        Ok(self.container.blob_client(blob))
    }

    async fn make_container(&self) -> Result<(), StoreError> {
        match self.container.create().await {
            Ok(()) => Ok(()),
            Err(error) if code(&error) == Some("ContainerAlreadyExists") => Ok(()),
            Err(error) => Err(self.error("", &error)),
        }
    }

    /// Nothing of the crate's own texts is kept but the code: they hold whole answers with all their headers.
    fn error(&self, blob: &str, error: &azure_core::Error) -> StoreError {
        let (region, blob) = (self.region.clone(), blob.to_owned());
        match error.kind() {
            ErrorKind::HttpResponse { status, error_code } => {
                let code = error_code.as_deref().unwrap_or("no code");
                let reason = format!("HTTP {}, {code}", u16::from(*status));
                match (status, code) {
                    (_, "InvalidBlockList") => StoreError::NoBlock { region, blob },
                    (StatusCode::NotFound, _) => StoreError::NoBlob { region, blob },
                    (StatusCode::InsufficientStorage | StatusCode::PayloadTooLarge, _) => {
                        StoreError::Full { region, reason }
                    }
                    (StatusCode::RequestTimeout | StatusCode::TooManyRequests, _) => {
                        StoreError::Away { region, reason }
                    }
                    (status, _) if status.is_server_error() => StoreError::Away { region, reason },
                    _ => StoreError::Refused { region, reason },
                }
            }
            ErrorKind::DataConversion => {
                StoreError::NotOurs { region, reason: "an answer could not be understood".to_owned() }
            }
            _ => StoreError::Away { region, reason: innermost(error) },
        }
    }
}

#[async_trait]
impl BlobStore for AzureStore {
    fn region(&self) -> &RegionName {
        &self.region
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.make_container().await
    }

    async fn put_block(&self, blob: &str, id: &BlockId, bytes: Bytes) -> Result<(), StoreError> {
        let client = self.client(blob)?;
        let put = || client.put_block(id.to_string(), bytes.clone()).into_future();
        let mut done = put().await;
        if matches!(&done, Err(error) if code(error) == Some("ContainerNotFound")) {
            self.make_container().await?;
            done = put().await;
        }
        done.map(drop).map_err(|error| self.error(blob, &error))
    }

    async fn commit(&self, blob: &str, ids: &[BlockId]) -> Result<(), StoreError> {
        let whole = ids.first().is_some_and(BlockId::is_first_again);
        let mut headers = Headers::new();
        headers.insert(CACHE_CONTROL, if whole { CACHE_WHOLE } else { CACHE_GROWING });
        let mut context = Context::new();
        context.insert(CustomHeaders::from(headers));

        let blocks = ids.iter().map(|id| BlobBlockType::new_latest(id.to_string())).collect();
        let commit = self.client(blob)?.put_block_list(BlockList { blocks }).content_type(content_type(blob));
        match commit.context(context).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match self.error(blob, &error) {
                // Nothing was ever put, so there is not even a container.
                StoreError::NoBlob { region, blob } => StoreError::NoBlock { region, blob },
                error => error,
            }),
        }
    }

    async fn block_list(&self, blob: &str) -> Result<Vec<BlockInfo>, StoreError> {
        let list = match self.client(blob)?.get_block_list().block_list_type(BlockListType::All).await {
            Ok(answer) => answer.block_with_size_list.blocks,
            Err(error) => match self.error(blob, &error) {
                StoreError::NoBlob { .. } => return Ok(Vec::new()),
                error => return Err(error),
            },
        };
        let info = |(id, bytes, committed): (&[u8], u64, bool)| {
            let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
            id.map(|id| BlockInfo { id, bytes, committed })
        };
        let infos = list.iter().map(|block| match &block.block_list_type {
            BlobBlockType::Committed(id) => info((id.as_ref(), block.size_in_bytes, true)),
            BlobBlockType::Uncommitted(id) | BlobBlockType::Latest(id) => {
                info((id.as_ref(), block.size_in_bytes, false))
            }
        });
        infos.collect::<Option<_>>().ok_or_else(|| StoreError::NotOurs {
            region: self.region.clone(),
            reason: format!("{blob} has blocks with other names than ours"),
        })
    }

    async fn read_range(&self, blob: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        let Range { start, end } = range;
        if start < end {
            let client = self.client(blob)?;
            let mut pages = client.get().range(start..end).chunk_size(end - start).into_stream();
            let page = futures_util::StreamExt::next(&mut pages).await;
            let body = match page {
                Some(Ok(page)) => page.data.collect().await,
                Some(Err(error)) => Err(error),
                None => Ok(Bytes::new()),
            };
            match body {
                Ok(bytes) if bytes.len() as u64 == end - start => return Ok(bytes),
                // Shorter than asked for; what follows says why.
                Ok(_) => {}
                Err(error) => match error.kind() {
                    ErrorKind::HttpResponse { status: StatusCode::RequestedRangeNotSatisfiable, .. } => {}
                    _ => return Err(self.error(blob, &error)),
                },
            }
        }
        let (region, blob) = (self.region.clone(), blob.to_owned());
        match self.size(&blob).await? {
            None => Err(StoreError::NoBlob { region, blob }),
            Some(size) if end < start || size < end => {
                Err(StoreError::OutOfRange { region, blob, start, end, size })
            }
            Some(_) if start == end => Ok(Bytes::new()),
            Some(_) => Err(StoreError::Away { region, reason: "an answer was cut short".to_owned() }),
        }
    }

    async fn size(&self, blob: &str) -> Result<Option<u64>, StoreError> {
        match self.client(blob)?.get_properties().await {
            Ok(answer) => Ok(Some(answer.blob.properties.content_length)),
            Err(error) => match self.error(blob, &error) {
                StoreError::NoBlob { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn delete(&self, blob: &str) -> Result<(), StoreError> {
        let client = self.client(blob)?;
        let delete = async || match client.delete().await {
            Ok(_) => Ok(()),
            Err(error) => match self.error(blob, &error) {
                StoreError::NoBlob { .. } => Ok(()),
                error => Err(error),
            },
        };
        delete().await?;
        // Blocks that were never committed are not deleted with the blob, and would stay for a week.
        if !self.block_list(blob).await?.is_empty() {
            self.commit(blob, &[]).await?;
            delete().await?;
        }
        match self.size(blob).await? {
            None => Ok(()),
            Some(size) => Err(StoreError::Refused {
                region: self.region.clone(),
                reason: format!("{blob} was deleted and still has {size} bytes"),
            }),
        }
    }
}

/// Takes the wish for a checksum out of a request before it is signed: nobody looks at the checksum, what comes back is
/// compared by its SHA-256, and Azurite refuses the wish.
#[derive(Debug)]
struct NoChecksum;

#[async_trait]
impl Policy for NoChecksum {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if request.headers().get_optional_str(&RANGE_GET_CONTENT_CRC64).is_some() {
            let mut plain = Request::new(request.url().clone(), *request.method());
            for (name, value) in
                request.headers().iter().filter(|(name, _)| **name != RANGE_GET_CONTENT_CRC64)
            {
                plain.insert_header(name.clone(), value.clone());
            }
            plain.set_body(request.body().clone());
            *request = plain;
        }
        // A pipeline always ends in the transport, which is not ours.
        next[0].send(context, request, &next[1..]).await
    }
}

/// The key from the one place that the configuration names.
fn shared_key(config: &AzureConfig) -> Result<Secret, String> {
    let key = match (&config.key, &config.key_env, &config.key_file) {
        (Some(key), None, None) => key.clone(),
        (None, Some(name), None) => Secret::new(
            std::env::var(name).map_err(|_| format!("the environment has no {name} for its key"))?,
        ),
        (None, None, Some(path)) => {
            let text = std::fs::read_to_string(path);
            Secret::new(text.map_err(|error| format!("its key cannot be read: {}: {error}", path.display()))?)
        }
        _ => return Err("give it exactly one of key, key_env and key_file".to_owned()),
    };
    let key = Secret::new(key.expose().trim());
    match azure_core::base64::decode(key.expose()) {
        Ok(bytes) if !bytes.is_empty() => Ok(key),
        _ => Err("its key is not the Base64 text that Azure shows as a shared key".to_owned()),
    }
}

fn location(config: &AzureConfig) -> Result<CloudLocation, String> {
    let account = config.account.clone();
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if account.is_empty() || !plain(&account) {
        return Err(format!("{account:?} is not the name of a storage account"));
    }
    if !(3..=63).contains(&config.container.len()) || !plain(&config.container) {
        return Err(format!(
            "{:?} is not the name of a container: 3 to 63 lower-case letters, digits and dashes",
            config.container
        ));
    }
    let Some(endpoint) = &config.endpoint else { return Ok(CloudLocation::Public { account }) };
    let uri = endpoint.trim_end_matches('/').to_owned();
    match azure_core::Url::parse(&uri) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(CloudLocation::Custom { account, uri })
        }
        _ => Err(format!(
            "its endpoint {endpoint:?} is not an address such as https://ACCOUNT.blob.core.windows.net"
        )),
    }
}

/// What a browser is told that a file of this name is.
fn content_type(blob: &str) -> &'static str {
    match blob.rsplit_once('.').map(|(_, ending)| ending) {
        Some("webm") => "video/webm",
        Some("mkv") => "video/x-matroska",
        Some("mp4" | "m4v") => "video/mp4",
        Some("ts") => "video/mp2t",
        Some("ogg" | "opus") => "audio/ogg",
        Some("wav") => "audio/wav",
        _ => "application/octet-stream",
    }
}

fn code(error: &azure_core::Error) -> Option<&str> {
    match error.kind() {
        ErrorKind::HttpResponse { error_code, .. } => error_code.as_deref(),
        _ => None,
    }
}

/// The cause behind all causes, such as "Connection refused".
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> AzureConfig {
        AzureConfig {
            region: RegionName::new("a").expect("a name"),
            account: "account".to_owned(),
            container: "recordings".to_owned(),
            endpoint: None,
            key: Some(Secret::new("c2VjcmV0c2VjcmV0")),
            key_env: None,
            key_file: None,
        }
    }

    fn refusal(config: &AzureConfig) -> String {
        AzureStore::new(config).expect_err("it cannot be used").to_string()
    }

    #[test]
    fn configurations_that_cannot_work_are_refused_at_once() {
        assert!(AzureStore::new(&config()).is_ok());
        let two_keys = AzureConfig { key_env: Some("X".to_owned()), ..config() };
        assert!(refusal(&two_keys).contains("exactly one"));
        let no_key = AzureConfig { key: None, ..config() };
        assert!(refusal(&no_key).contains("exactly one"));
        let missing = AzureConfig { key: None, key_env: Some("CONVENE_NO_SUCH_KEY".to_owned()), ..config() };
        assert!(refusal(&missing).contains("CONVENE_NO_SUCH_KEY"));
        let missing = AzureConfig { key: None, key_file: Some("/no/such/key".into()), ..config() };
        assert!(refusal(&missing).contains("/no/such/key"));
        let endpoint = AzureConfig { endpoint: Some("ftp://x".to_owned()), ..config() };
        assert!(refusal(&endpoint).contains("ftp://x"));
        let container = AzureConfig { container: "A_b".to_owned(), ..config() };
        assert!(refusal(&container).contains("A_b"));
        let account = AzureConfig { account: "a/b".to_owned(), ..config() };
        assert!(refusal(&account).contains("a/b"));
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_shown() {
        let config = AzureConfig { key: Some(Secret::new("hush! not a key")), ..config() };
        assert!(!refusal(&config).contains("hush"), "{}", refusal(&config));
    }

    #[test]
    fn the_key_is_not_printed() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "c2VjcmV0c2VjcmV0\n").expect("it is written");
        let config = AzureConfig { key: None, key_file: Some(file.path().to_owned()), ..config() };
        let store = AzureStore::new(&config).expect("the line's end is no part of the key");
        assert!(!format!("{store:?}").contains("c2VjcmV0"));
    }
}
