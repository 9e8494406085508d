//! The properties `primary` and `secondary`: a text that says which store, and never a key.

use std::str::FromStr;
use std::sync::Arc;

use convene_recordings::{ConfigError, StoreConfig};
use convene_recordings_store::{BlobStore, StoreError, open};
use gst::prelude::*;
use serde_json::{Map, Value};

/// What is shown of a text that had a key in it.
const REDACTED: &str = "REDACTED";

/// A store as it stands in a property.
#[derive(Debug, Clone)]
pub struct Place {
    shown: String,
    config: Result<StoreConfig, PlaceError>,
}

impl Place {
    /// Takes the text of a property: the words of `[[stores]]` in the service's configuration, as a GStreamer structure. A region that has no name is
    /// called `region`. What is wrong is told when the element starts.
    pub fn parse(text: &str, region: &str) -> Self {
        if has_key(text) {
            return Self { shown: REDACTED.to_owned(), config: Err(PlaceError::Key) };
        }
        Self { shown: text.to_owned(), config: config(text, region) }
    }

    /// The text, for whoever reads the property.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// Opens the stores of the two properties, nearest first. The regions are asked nothing yet.
pub fn open_both(
    primary: Option<&Place>,
    secondary: Option<&Place>,
) -> Result<Vec<Arc<dyn BlobStore>>, PlaceError> {
    if primary.is_none() {
        return Err(PlaceError::Missing);
    }
    let configs = [primary, secondary]
        .into_iter()
        .flatten()
        .map(|place| place.config.clone())
        .collect::<Result<Vec<_>, _>>()?;
    StoreConfig::check(&configs)?;
    if let [primary, secondary] = &configs[..]
        && is_same(primary, secondary)
    {
        return Err(PlaceError::Same);
    }
    Ok(configs.iter().map(open).collect::<Result<_, _>>()?)
}

fn config(text: &str, region: &str) -> Result<StoreConfig, PlaceError> {
    let structure =
        gst::Structure::from_str(text).map_err(|_| PlaceError::NotAStore { text: text.to_owned() })?;
    let kind = structure.name().as_str();
    if !matches!(kind, "azure" | "folder") {
        return Err(PlaceError::Kind { kind: kind.to_owned() });
    }
    let mut words = Map::from_iter([("kind".to_owned(), kind.into()), ("region".to_owned(), region.into())]);
    for (name, value) in structure.iter() {
        // A name of digits alone is a number to GStreamer.
        let text = value.get::<String>().or_else(|_| value.serialize().map(String::from));
        let text = text.map_err(|_| PlaceError::Word { reason: format!("{name} has no value") })?;
        words.insert(name.as_str().replace('-', "_"), text.into());
    }
    serde_json::from_value(Value::Object(words))
        .map_err(|error| PlaceError::Word { reason: error.to_string() })
}

/// Looked for in the plain text, so that one that cannot be parsed is hidden, too.
fn has_key(text: &str) -> bool {
    let names = text.split(',').filter_map(|word| word.split_once('=')).map(|(name, _)| name.trim());
    names.into_iter().any(|name| name.eq_ignore_ascii_case("key"))
}

fn is_same(one: &StoreConfig, other: &StoreConfig) -> bool {
    match (one, other) {
        (StoreConfig::Folder(one), StoreConfig::Folder(other)) => one.path == other.path,
        (StoreConfig::Azure(one), StoreConfig::Azure(other)) => {
            (&one.account, &one.container, &one.endpoint)
                == (&other.account, &other.container, &other.endpoint)
        }
        _ => false,
    }
}

/// Why the stores cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// There is none.
    #[error(
        "Set primary to a store, such as azure,account=NAME,container=recordings,key_env=VARIABLE or folder,path=/srv/a."
    )]
    Missing,
    /// Not a structure.
    #[error(
        "{text:?} is no store. Write azure or folder, then its words, with commas: folder,path=/srv/a. Values with blanks or commas go in quotation marks."
    )]
    NotAStore {
        /// The property.
        text: String,
    },
    /// Another kind of store.
    #[error("{kind:?} is no kind of store: there are azure and folder.")]
    Kind {
        /// What it was.
        kind: String,
    },
    /// A key where it would be printed.
    #[error(
        "A key is not taken from a property, where it would be printed. Name the variable (key_env) or the file (key_file) that holds it."
    )]
    Key,
    /// A word that is missing, unknown or wrong.
    #[error("The store cannot be used: {reason}.")]
    Word {
        /// Which.
        reason: String,
    },
    /// Two times the same.
    #[error("Primary and secondary are the same place; a second copy there would keep nothing.")]
    Same,
    /// Two regions of one name.
    #[error("The stores cannot be used: {0}.")]
    Config(#[from] ConfigError),
    /// What the store itself says.
    #[error("The store cannot be used: {0}.")]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Place {
        gst::init().expect("GStreamer is installed");
        Place::parse(text, "primary")
    }

    fn refusal(text: &str) -> String {
        open_both(Some(&parse(text)), None).err().expect("it cannot be used").to_string()
    }

    #[test]
    fn stores_have_the_words_of_the_configuration() {
        let azure = "azure,region=west,account=123,container=recordings,endpoint=http://127.0.0.1:1/123,key_env=K,key-file=/k";
        let config = parse(azure).config.expect("a store");
        let json = r#"{"kind":"azure","region":"west","account":"123","container":"recordings","endpoint":"http://127.0.0.1:1/123","key_env":"K","key_file":"/k"}"#;
        assert_eq!(serde_json::to_string(&config).expect("plain data"), json);
        let config = parse("folder, path=\"/srv/two words\"").config.expect("a store");
        assert_eq!(config, StoreConfig::folder("primary".parse().expect("a name"), "/srv/two words"));
    }

    #[test]
    fn a_key_is_refused_and_never_shown() {
        for text in ["azure,account=a,container=rec,key=c2VjcmV0", "azure, Key = c2VjcmV0", "?,key=c2VjcmV0"]
        {
            let place = parse(text);
            assert_eq!(place.shown(), "REDACTED");
            assert!(!format!("{place:?}").contains("c2VjcmV0"));
            assert!(refusal(text).contains("key_env"), "{}", refusal(text));
        }
        assert_eq!(parse("azure,key_env=KEY").shown(), "azure,key_env=KEY");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(refusal("").contains("is no store"));
        assert!(refusal("memory").contains("memory"));
        assert!(refusal("folder,pth=/x").contains("pth"));
        assert!(refusal("folder").contains("path"));
        assert!(refusal("folder,path=/x,region=A").contains("lower-case"));
        assert!(refusal("azure,account=a,container=rec").contains("exactly one"));
        assert!(refusal("azure,account=a,container=rec,key_env=CONVENE_NO_KEY").contains("CONVENE_NO_KEY"));
        assert!(open_both(None, None).is_err_and(|error| error.to_string().contains("Set primary")));
    }

    #[test]
    fn two_places_are_two() {
        let both = |one: &str, other: &str| {
            gst::init().expect("GStreamer is installed");
            let (one, other) = (Place::parse(one, "primary"), Place::parse(other, "secondary"));
            open_both(Some(&one), Some(&other)).map(|stores| stores.len())
        };
        assert_eq!(both("folder,path=/a", "folder,path=/b"), Ok(2));
        assert_eq!(both("folder,path=/a", "folder,path=/a"), Err(PlaceError::Same));
        let twice = both("folder,path=/a,region=x", "folder,path=/b,region=x");
        assert!(matches!(twice, Err(PlaceError::Config(_))), "{twice:?}");
    }
}
