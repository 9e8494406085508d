//! What holds for every file: it says what it is, it stays short, it silences and skips nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Then it is cut along a noun.
const FILE_LINES_MAX: usize = 500;

/// All that the top level shows.
const TOP_LEVEL: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "Makefile",
    "README.md",
    "LICENSE",
    "plugins",
    "pipelines",
    "services",
    "recordings",
    "tests",
    "examples",
];

/// Made by building or running, never committed.
const MADE: [&str; 5] = ["target", "data", "node_modules", "dist", "test-results"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is above")
}

/// Every source file with one of these endings, with its text.
fn sources(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with('.') || MADE.contains(&name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .and_then(|ending| ending.to_str())
                .is_some_and(|ending| endings.contains(&ending))
            {
                let text = fs::read_to_string(&path).expect("a source file is UTF-8");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "there are source files");
    found
}

fn complain(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rust_file_says_what_it_is() {
    let silent = |text: &str| !(text.starts_with("//!") || text.starts_with("#![doc"));
    let files = sources(&["rs"]);
    complain(
        files
            .iter()
            .filter(|(path, text)| !path.ends_with("build.rs") && silent(text))
            .map(|(path, _)| format!("{}: the first line is no //! sentence", path.display()))
            .collect(),
    );
}

#[test]
fn no_file_is_too_long() {
    let files = sources(&["rs", "ts", "tsx"]);
    complain(
        files
            .iter()
            .filter(|(_, text)| FILE_LINES_MAX < text.lines().count())
            .map(|(path, text)| {
                format!("{}: {} lines, cut it along a noun", path.display(), text.lines().count())
            })
            .collect(),
    );
}

#[test]
fn nothing_is_silenced_or_skipped() {
    // Written in two parts, so that this file does not find itself.
    let banned = [
        ["#[al", "low("].concat(),
        ["#![al", "low("].concat(),
        ["#[ign", "ore"].concat(),
        ["it.sk", "ip("].concat(),
        ["test.sk", "ip("].concat(),
        ["@ts-ign", "ore"].concat(),
    ];
    let files = sources(&["rs", "ts", "tsx"]);
    complain(
        files
            .iter()
            .flat_map(|(path, text)| {
                banned
                    .iter()
                    .filter(|word| text.contains(*word))
                    .map(move |word| format!("{}: {word}", path.display()))
            })
            .collect(),
    );
}

#[test]
fn the_top_level_is_the_map() {
    let extra = fs::read_dir(root())
        .expect("the top level can be read")
        .map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into_owned())
        .filter(|name| {
            !name.starts_with('.') && !MADE.contains(&name.as_str()) && !TOP_LEVEL.contains(&name.as_str())
        });
    complain(extra.map(|name| format!("{name}: not on the map of the top level")).collect());
}
