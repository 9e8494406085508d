//! What reaches the application: element messages with all there is to know, warnings in a sentence, and errors.

use convene_recordings::CopyState;
use convene_recordings_store::SpoolError;
use gst::prelude::*;

use crate::writing::{RegionState, Report, Stats, WriteError, Written};

/// The stream ended: `location`, `bytes`, `complete`, `regions`.
const WRITTEN: &str = "convene-blob-written";
/// What an earlier run had left in the spool was taken up: the same, and `finished`, false when that run was cut off.
const RESUMED: &str = "convene-blob-resumed";
/// A region fell behind or is back: `region`, `state`, and `reason` when it is behind.
const REGION: &str = "convene-blob-region";

/// Tells the application what the background has told.
pub fn post(element: &gst::Element, report: &Report) {
    match report {
        Report::Behind { region, reason } => {
            warn(element, &format!("Region {region} is behind: {reason}. The spool holds what it misses."));
            post_structure(element, news(region.as_str(), "behind").field("reason", reason).build());
        }
        Report::Back { region } => post_structure(element, news(region.as_str(), "back").build()),
        Report::Written(written) => {
            post_structure(element, describe(WRITTEN, written));
            if written.bytes == 0 {
                warn(element, "Nothing came, so there is no blob.");
            }
            warn_of_the_rest(element, written);
        }
        Report::Resumed(written) => {
            post_structure(element, describe(RESUMED, written));
            warn_of_the_rest(element, written);
        }
        Report::Failed(error) => fail(element, error),
    }
}

/// The property `stats`.
pub fn describe_stats(stats: &Stats) -> gst::Structure {
    gst::Structure::builder("convene-blob-stats")
        .field("blocks", stats.blocks)
        .field("bytes", stats.bytes)
        .field("regions", describe_regions(&stats.regions))
        .build()
}

fn describe(name: &str, written: &Written) -> gst::Structure {
    gst::Structure::builder(name)
        .field("location", &written.blob)
        .field("bytes", written.bytes)
        .field("finished", written.finished)
        .field("complete", written.is_complete())
        .field("regions", describe_regions(&written.regions))
        .build()
}

fn describe_regions(regions: &[RegionState]) -> gst::Array {
    gst::Array::new(regions.iter().map(|region| {
        let copy = &region.copy;
        gst::Structure::builder("region")
            .field("name", copy.region.as_str())
            .field("state", state(copy.state))
            .field("bytes", copy.bytes)
            .field_if_some("sha256", copy.sha256.map(|digest| digest.to_string()))
            .field_if_some("reason", region.reason.clone())
            .build()
    }))
}

fn state(state: CopyState) -> &'static str {
    match state {
        CopyState::Writing => "writing",
        CopyState::Complete => "complete",
        CopyState::Behind => "behind",
        CopyState::Deleting => "deleting",
        CopyState::Deleted => "deleted",
    }
}

fn news(region: &str, state: &str) -> gst::structure::Builder {
    gst::Structure::builder(REGION).field("region", region).field("state", state)
}

fn warn_of_the_rest(element: &gst::Element, written: &Written) {
    let blob = &written.blob;
    if let Some(problem) = &written.problem {
        warn(element, &format!("What the spool holds of {blob} cannot be used: {problem}."));
    }
    for region in written.regions.iter().filter(|region| region.copy.state != CopyState::Complete) {
        let name = &region.copy.region;
        let reason = region.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        warn(
            element,
            &format!(
                "Region {name} does not have all of {blob} yet{reason}; the rest stays in the spool for a later run."
            ),
        );
    }
}

fn post_structure(element: &gst::Element, structure: gst::Structure) {
    // Without a bus nobody wants to know.
    let _ = element.post_message(gst::message::Element::builder(structure).src(element).build());
}

fn warn(element: &gst::Element, sentence: &str) {
    gst::element_warning!(element, gst::ResourceError::Write, ("{sentence}"));
}

fn fail(element: &gst::Element, error: &WriteError) {
    let code = match error {
        WriteError::Full { .. }
        | WriteError::Spool(SpoolError::DiskFull { .. } | SpoolError::Limit { .. }) => {
            gst::ResourceError::NoSpaceLeft
        }
        WriteError::Elsewhere { .. } => gst::ResourceError::Seek,
        WriteError::Spool(_) => gst::ResourceError::Write,
    };
    gst::element_error!(element, code, ("{error}"));
}
