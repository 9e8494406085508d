//! Which stores there are, as the configuration and a recorder's job say it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{RegionName, Secret};

/// One region and the store that is behind it.
///
/// ```toml
/// [[stores]]
/// kind = "azure"
/// region = "west-europe"
/// account = "conveneeu"
/// container = "recordings"
/// key_file = "/etc/convene/azure.key"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StoreConfig {
    /// In this process, for tests.
    Memory(MemoryConfig),
    /// A folder.
    Folder(FolderConfig),
    /// Azure Blob Storage, or what speaks its language.
    Azure(AzureConfig),
}

impl StoreConfig {
    /// The region's name.
    #[must_use]
    pub fn region(&self) -> &RegionName {
        match self {
            Self::Memory(memory) => &memory.region,
            Self::Folder(folder) => &folder.region,
            Self::Azure(azure) => &azure.region,
        }
    }

    /// A folder as a region.
    #[must_use]
    pub fn folder(region: RegionName, path: impl Into<PathBuf>) -> Self {
        Self::Folder(FolderConfig { region, path: path.into() })
    }
}

/// A region in this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// Its name.
    pub region: RegionName,
}

/// A folder as a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// Its name.
    pub region: RegionName,
    /// Where the recordings lie; made when it is missing.
    pub path: PathBuf,
}

/// A container in an Azure storage account. The key comes from exactly one of `key`, `key_env` and `key_file`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureConfig {
    /// Its name.
    pub region: RegionName,
    /// The storage account.
    pub account: String,
    /// The container; made when it is missing.
    pub container: String,
    /// Where the account is, when it is not `https://ACCOUNT.blob.core.windows.net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The shared key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// The environment variable that holds the shared key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// The file that holds the shared key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
}

/// A list of stores that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two regions of one name.
    #[error("two stores are called {region:?}; give each region a name of its own")]
    RegionTwice {
        /// The name.
        region: String,
    },
    /// No region at all.
    #[error("no store is configured; a recording needs at least one region")]
    NoRegion,
}

impl StoreConfig {
    /// Checks a list of stores: at least one, and no name twice.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn check(stores: &[Self]) -> Result<(), ConfigError> {
        if stores.is_empty() {
            return Err(ConfigError::NoRegion);
        }
        for (at, store) in stores.iter().enumerate() {
            if stores[..at].iter().any(|other| other.region() == store.region()) {
                return Err(ConfigError::RegionTwice { region: store.region().to_string() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_carried_and_never_printed() {
        let json = r#"{"kind":"azure","region":"a","account":"acc","container":"rec","key":"c2VjcmV0"}"#;
        let config: StoreConfig = serde_json::from_str(json).expect("a store");
        assert_eq!(serde_json::to_string(&config).expect("it can be written"), json);
        let printed = format!("{config:?}");
        assert!(printed.contains("REDACTED") && !printed.contains("c2VjcmV0"), "{printed}");
    }

    #[test]
    fn unknown_fields_are_refused() {
        let json = r#"{"kind":"folder","region":"a","path":"/x","pth":"/y"}"#;
        assert!(serde_json::from_str::<StoreConfig>(json).is_err());
    }

    #[test]
    fn regions_have_names_of_their_own() {
        let store = |name: &str| StoreConfig::folder(RegionName::new(name).expect("a name"), "/x");
        assert_eq!(StoreConfig::check(&[]), Err(ConfigError::NoRegion));
        assert_eq!(StoreConfig::check(&[store("a"), store("b")]), Ok(()));
        let twice = StoreConfig::check(&[store("a"), store("a")]);
        assert_eq!(twice, Err(ConfigError::RegionTwice { region: "a".into() }));
    }
}
