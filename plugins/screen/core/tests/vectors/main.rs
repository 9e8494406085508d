//! The test vectors of the format: `vectors/*.json` are what [`scenes`] say, and the reader passes all of them.
//!
//! After a change of a scene: `UPDATE_VECTORS=1 cargo test -p convene-screen --test vectors`.

mod film;
mod scene;
mod scenes;
mod series;

use std::collections::BTreeMap;
use std::path::PathBuf;

use convene_screen::{Decoder, Reader, StreamError};

use crate::scene::{Expected, Scene, Seen, Shown};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn stored() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder()).expect("the vectors are part of the source");
    files
        .map(|file| file.unwrap().path())
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn the_stored_vectors_are_those_of_the_scenes() {
    let wanted: BTreeMap<String, String> = scenes::all()
        .into_iter()
        .map(|(name, scene)| (name.to_owned(), serde_json::to_string_pretty(&scene).unwrap() + "\n"))
        .collect();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        for (name, text) in &wanted {
            std::fs::write(folder().join(name).with_extension("json"), text).unwrap();
        }
    }
    assert_eq!(stored().keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (name, text) in stored() {
        assert_eq!(text, wanted[&name], "{name}");
    }
}

#[test]
fn the_reader_passes_every_stored_vector() {
    for (name, text) in stored() {
        let scene: Scene = serde_json::from_str(&text).unwrap();
        let stream = scene.bytes();
        for piece in [1, 7, stream.len()] {
            match (&scene.expected, read(&stream, piece)) {
                (Expected::Screen { records, screen }, Ok((seen, shown))) => {
                    assert_eq!(&seen, records, "{name}");
                    assert_eq!(&shown, screen, "{name}");
                }
                (Expected::Error { error }, Err(got)) => assert_eq!(got.name(), error, "{name}: {got}"),
                (expected, got) => panic!("{name}: {expected:?} was expected, and there came {got:?}"),
            }
        }
    }
}

#[test]
fn every_error_has_a_vector() {
    let scenes = scenes::all();
    let errors: Vec<&str> = scenes
        .iter()
        .filter_map(|(_, scene)| match &scene.expected {
            Expected::Error { error } => Some(error.as_str()),
            Expected::Screen { .. } => None,
        })
        .collect();
    for name in scenes::ERRORS {
        assert!(errors.contains(&name), "{name}");
    }
}

fn read(stream: &[u8], piece: usize) -> Result<(Vec<Seen>, Shown), StreamError> {
    let (mut reader, mut decoder) = (Reader::new(), Decoder::new());
    let mut seen = Vec::new();
    for bytes in stream.chunks(piece) {
        reader.push(bytes);
        decoder.push(bytes);
        while let Some(record) = reader.next_record()? {
            seen.push(Seen::of(&record));
        }
        while decoder.next_update()?.is_some() {}
    }
    reader.finish()?;
    decoder.finish()?;
    Ok((seen, Shown::of(&decoder)))
}
