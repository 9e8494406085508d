//! Which room may lean on which: cores on cores, pipelines on elements, services on pipelines, nothing on tests.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What a room may never use, whoever brings it in directly.
const IO_CRATES: [&str; 10] = [
    "gstreamer",
    "tokio",
    "warp",
    "diesel",
    "hyper",
    "rustls",
    "reqwest",
    "tokio-tungstenite",
    "parking_lot",
    "libc",
];

/// The kind of room that a crate lives in, told from its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Core,
    Element,
    /// Elements that carry bytes to the stores. What is to be thought about blocks, the spool, regions and failures is thought in `recordings`, and a second
    /// client of the same blobs beside that would be a second place to lose a block.
    AzureElement,
    /// What the elements that join meetings share: TLS and the protocol's messages are no core's.
    Line,
    Pipelines,
    RecordingsStore,
    ServicesStore,
    Web,
    Binary,
    Tests,
}

impl Room {
    fn of(folder: &str) -> Room {
        match folder {
            "pipelines" => Room::Pipelines,
            "recordings/store" => Room::RecordingsStore,
            "services/store" => Room::ServicesStore,
            "services/web" => Room::Web,
            "services/convene" => Room::Binary,
            "services/domain" | "recordings/core" => Room::Core,
            "plugins/azure/element" => Room::AzureElement,
            "plugins/meeting/line" => Room::Line,
            _ if folder.starts_with("tests/") => Room::Tests,
            _ if folder.ends_with("/core") => Room::Core,
            _ if folder.ends_with("/element") => Room::Element,
            _ => panic!("{folder} is no room of the house: give it one here"),
        }
    }

    fn may_use(self, other: Room) -> bool {
        match self {
            Room::Core | Room::Line | Room::RecordingsStore | Room::ServicesStore => other == Room::Core,
            Room::Element => matches!(other, Room::Core | Room::Line),
            Room::AzureElement => matches!(other, Room::Core | Room::RecordingsStore),
            Room::Pipelines => matches!(other, Room::Core | Room::Element | Room::AzureElement),
            Room::Web => {
                matches!(other, Room::Core | Room::Pipelines | Room::RecordingsStore | Room::ServicesStore)
            }
            Room::Binary => !matches!(other, Room::Tests | Room::Element | Room::AzureElement),
            Room::Tests => true,
        }
    }

    fn never(self) -> &'static [&'static str] {
        match self {
            Room::Core => &IO_CRATES,
            Room::Element | Room::Line => &["warp", "diesel"],
            Room::AzureElement => &["warp", "diesel", "reqwest", "azure_storage_blobs"],
            Room::Pipelines => &["warp", "diesel", "reqwest", "azure_storage_blobs"],
            Room::RecordingsStore => &["gstreamer", "warp", "diesel"],
            Room::ServicesStore => &["gstreamer", "warp", "tokio"],
            Room::Web => &["diesel", "gstreamer"],
            Room::Binary => &["diesel"],
            Room::Tests => &[],
        }
    }
}

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata reads our own workspace")
}

fn folder(metadata: &Metadata, package: &Package) -> String {
    let parent = package.manifest_path.parent().expect("a manifest lies in a folder");
    parent.strip_prefix(&metadata.workspace_root).expect("members lie in the workspace").to_string()
}

#[test]
fn rooms_lean_only_where_the_arrows_point() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    assert!(10 < packages.len(), "the workspace has more rooms than {}", packages.len());
    let mut wrong = Vec::new();
    for package in &packages {
        let room = Room::of(&folder(&metadata, package));
        let used = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in used {
            if room.never().contains(&dependency.name.as_str()) {
                wrong.push(format!("{} ({room:?}) must not use {}", package.name, dependency.name));
            }
            let Some(other) = packages.iter().find(|other| other.name.as_str() == dependency.name) else {
                continue;
            };
            let other_room = Room::of(&folder(&metadata, other));
            if !room.may_use(other_room) {
                wrong.push(format!(
                    "{} ({room:?}) must not lean on {} ({other_room:?})",
                    package.name, other.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a member has a manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not take the workspace's lints",
            package.name
        );
        let description = package.description.as_deref().unwrap_or_default();
        assert!(10 < description.len(), "{} does not say what it is: give it a description", package.name);
    }
}
