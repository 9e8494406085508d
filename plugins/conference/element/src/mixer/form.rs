//! In which form sound comes in and goes out: caps, and nothing else.

use convene_conference::{Channels, Codec, Delivery, RATE, RtpStart, Wire};

/// RFC 6464, section 3.
const LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// Beyond this, payload types have no codec of their own (RFC 3551, table 5).
const ASSIGNED_MAX: u8 = 34;
/// What browsers give to Opus, where downstream has no wish.
const OPUS_PAYLOAD_TYPE: u8 = 111;

/// How what comes in on a pad is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Rtp(Wire),
    Opus,
    /// 16 bits a sample.
    Whole(Channels),
    /// 32 bits a sample, from -1 to 1.
    Float(Channels),
}

/// All that a sink pad takes.
pub fn sink_caps() -> gst::Caps {
    let others = [opus_caps(), raw_caps(&["S16LE", "F32LE"])];
    rtp_caps().chain(others).collect()
}

/// All that a listener's pad can give.
pub fn src_caps() -> gst::Caps {
    [raw_caps(&["S16LE"]), opus_caps()].into_iter().chain(rtp_caps()).collect()
}

/// All that the pad `mix` can give.
pub fn mix_caps() -> gst::Caps {
    [raw_caps(&["S16LE"]), opus_caps()].into_iter().collect()
}

/// All that a participant's own pad gives.
pub fn solo_template_caps() -> gst::Caps {
    [opus_caps()].into_iter().collect()
}

/// What a participant is alone. Packets may have one channel or two, so decoders are told that there are two, and that all of what they give is played.
pub fn solo_caps() -> gst::Caps {
    let [mut head, tags] = convene_conference::opus_headers(Channels::Stereo);
    // The pre-skip (RFC 7845, section 5.1): where it stands in the mix, nothing was skipped either.
    head[10..12].fill(0);
    let headers = [head, tags].map(gst::Buffer::from_slice);
    let caps = gst::Caps::builder("audio/x-opus").field("rate", RATE as i32).field("channels", 2);
    caps.field("channel-mapping-family", 0).field("streamheader", gst::Array::new(headers)).build()
}

fn rtp_caps() -> impl Iterator<Item = gst::Structure> {
    Codec::ALL.into_iter().map(|codec| {
        gst::Structure::builder("application/x-rtp")
            .field("media", "audio")
            .field("encoding-name", codec.encoding_name())
            .field("clock-rate", codec.clock_rate() as i32)
            .build()
    })
}

fn opus_caps() -> gst::Structure {
    gst::Structure::builder("audio/x-opus").field("channel-mapping-family", 0).build()
}

fn raw_caps(formats: &[&str]) -> gst::Structure {
    gst::Structure::builder("audio/x-raw")
        .field("format", gst::List::new(formats))
        .field("rate", RATE as i32)
        .field("channels", gst::IntRange::new(1, 2))
        .field("layout", "interleaved")
        .build()
}

impl Form {
    /// What these caps say; `None` when they say too little.
    pub fn of(caps: &gst::CapsRef) -> Option<Self> {
        let structure = caps.structure(0)?;
        match structure.name().as_str() {
            "application/x-rtp" => Some(Form::Rtp(Wire {
                codec: codec(structure)?,
                payload_type: structure
                    .get::<i32>("payload")
                    .ok()
                    .and_then(|payload| payload.try_into().ok()),
                level_id: level_id(structure),
                captured: None,
            })),
            "audio/x-opus" => Some(Form::Opus),
            "audio/x-raw" => {
                let channels = channels(structure)?;
                match structure.get::<&str>("format").ok()? {
                    "S16LE" => Some(Form::Whole(channels)),
                    "F32LE" => Some(Form::Float(channels)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The number of RFC 6464's extension: `extmap-N=URI`, or `extmap-N=<"", URI, "vad=on">`.
fn level_id(structure: &gst::StructureRef) -> Option<u8> {
    structure.iter().find_map(|(name, value)| {
        let id = name.strip_prefix("extmap-")?.parse().ok()?;
        let is_level = match value.get::<gst::Array>() {
            Ok(parts) => parts.iter().any(|part| part.get::<&str>() == Ok(LEVEL_URI)),
            Err(_) => value.get::<&str>() == Ok(LEVEL_URI),
        };
        is_level.then_some(id)
    })
}

fn codec(structure: &gst::StructureRef) -> Option<Codec> {
    Codec::named(structure.get::<&str>("encoding-name").ok()?)
}

fn channels(structure: &gst::StructureRef) -> Option<Channels> {
    match structure.get::<i32>("channels").ok()? {
        1 => Some(Channels::Mono),
        2 => Some(Channels::Stereo),
        _ => None,
    }
}

/// What downstream would like best of what it takes, made definite. The random numbers are where RTP begins.
pub fn choose(
    wanted: &gst::Caps,
    inside: Channels,
    chance: (u32, u16, u32),
) -> Option<(gst::Caps, Delivery)> {
    let best = wanted.iter().find(|structure| !is_misnamed(structure))?;
    let mut wanted: gst::Caps = [best.to_owned()].into_iter().collect();
    let structure = wanted.make_mut().structure_mut(0)?;
    if structure.has_field("channels") {
        structure.fixate_field_nearest_int("channels", inside.count() as i32);
    }
    match structure.name().as_str() {
        "application/x-rtp" => {
            let codec = codec(structure)?;
            let start = RtpStart {
                payload_type: payload_type(structure, codec),
                ssrc: structure.get("ssrc").unwrap_or(chance.0),
                sequence: chance.1,
                timestamp: chance.2,
            };
            structure.set("payload", i32::from(start.payload_type));
            structure.set("ssrc", start.ssrc);
            structure.set("seqnum-offset", u32::from(start.sequence));
            structure.set("timestamp-offset", start.timestamp);
            wanted.fixate();
            Some((wanted, Delivery::Rtp(codec, inside, start)))
        }
        "audio/x-opus" => {
            let channels = channels(structure).unwrap_or(inside);
            structure.set("channels", channels.count() as i32);
            structure.set("rate", RATE as i32);
            structure.set("channel-mapping-family", 0);
            structure.set("streamheader", gst::Array::new(opus_headers(channels)));
            wanted.fixate();
            Some((wanted, Delivery::Opus(channels)))
        }
        "audio/x-raw" => {
            wanted.fixate();
            let channels = channels(wanted.structure(0)?)?;
            Some((wanted, Delivery::Samples(channels)))
        }
        _ => None,
    }
}

/// Depayloaders also take what has the number of their codec and no name; then any of our names fits, and only one is right.
fn is_misnamed(structure: &gst::StructureRef) -> bool {
    let number = structure.get::<i32>("payload").ok().and_then(|number| u8::try_from(number).ok());
    let assigned = number.filter(|number| *number <= ASSIGNED_MAX);
    assigned.is_some() && assigned != codec(structure).and_then(Codec::payload_type)
}

fn payload_type(structure: &mut gst::StructureRef, codec: Codec) -> u8 {
    let usual = codec.payload_type().unwrap_or(OPUS_PAYLOAD_TYPE);
    if structure.has_field("payload") {
        structure.fixate_field_nearest_int("payload", i32::from(usual));
    }
    let payload = structure.get::<i32>("payload").ok().and_then(|payload| payload.try_into().ok());
    payload.unwrap_or(usual)
}

/// What a file of Opus begins with.
fn opus_headers(channels: Channels) -> [gst::Buffer; 2] {
    let [head, tags] = convene_conference::opus_headers(channels);
    [gst::Buffer::from_slice(head), gst::Buffer::from_slice(tags)]
}
