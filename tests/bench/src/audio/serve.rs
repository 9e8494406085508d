//! Our side: meetings' talks as the service has them, without the service.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use convene_bench::network::SERVER;
use convene_pipelines::{CallerNames, MediaPort, TalkEvent, TalkPipeline, TelephonePort, TelephoneRoom};
use warp::Filter;
use warp::http::StatusCode;

/// Where offers are taken.
pub const HTTP: u16 = 8080;
const MEDIA: u16 = 1853;
/// Where telephones call.
pub const SIP: u16 = 5060;
/// The meeting's code.
pub const CODE: &str = "123456789";
/// What numbers participants have who come by telephone.
const CALLERS_FROM: u32 = 10_000;

/// Holds so many meetings until it is killed; all who offer come into the first.
pub fn run(meetings: usize) -> Result<()> {
    let at = MediaPort { port: MEDIA, bind: Some(SERVER), addresses: vec![SERVER], tcp_port: None };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut talks = Vec::new();
    for _ in 0..meetings {
        // The first one answers the telephone, too.
        let (talk, mut events) = TalkPipeline::start(&at, talks.is_empty().then(telephone).as_ref())?;
        let talk = Arc::new(talk);
        talks.push(Arc::clone(&talk));
        runtime.spawn(async move {
            while let Some(event) = events.recv().await {
                if let TalkEvent::Called { seat, .. } = event {
                    let talk = Arc::clone(&talk);
                    let through =
                        tokio::task::spawn_blocking(move || talk.put_through(seat, CALLERS_FROM + seat));
                    if let Ok(Err(error)) = through.await {
                        eprintln!("the caller on seat {seat} is not put through: {error}");
                    }
                }
            }
        });
    }
    let first = talks.first().context("no meeting")?.clone();
    let offers = warp::path!("talk" / u32).and(warp::post()).and(warp::body::bytes()).then(
        move |person, offer: Bytes| {
            let talk = first.clone();
            let answer = move || {
                let offer = String::from_utf8_lossy(&offer);
                talk.answer(person, &format!("Participant {person}"), &offer)
            };
            async move {
                match tokio::task::spawn_blocking(answer).await {
                    Ok(Ok(sdp)) => warp::reply::with_status(sdp, StatusCode::CREATED),
                    Ok(Err(error)) => warp::reply::with_status(error.to_string(), StatusCode::BAD_REQUEST),
                    Err(error) => {
                        warp::reply::with_status(error.to_string(), StatusCode::INTERNAL_SERVER_ERROR)
                    }
                }
            }
        },
    );
    let address: IpAddr = SERVER;
    runtime.block_on(warp::serve(offers).run((address, HTTP)));
    Ok(())
}

fn telephone() -> TelephoneRoom {
    let port = TelephonePort {
        tls: None,
        tcp: None,
        udp: Some(SIP),
        bind: Some(SERVER),
        address: None,
        rtp_ports: "7800-32000".into(),
        inband_digits: false,
        names: CallerNames::Never,
        certificate: PathBuf::new(),
        key: PathBuf::new(),
        trunk: None,
    };
    TelephoneRoom { port, code: CODE.into(), pin: String::new(), label: String::new() }
}
