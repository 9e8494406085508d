//! Our side: meetings' talks as the service has them, without the service.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use convene_bench::network::SERVER;
use convene_pipelines::{MediaPort, TalkPipeline};
use warp::Filter;
use warp::http::StatusCode;

/// Where offers are taken.
pub const HTTP: u16 = 8080;
const MEDIA: u16 = 1853;

/// Holds so many meetings until it is killed; all who offer come into the first.
pub fn run(meetings: usize) -> Result<()> {
    let at = MediaPort { port: MEDIA, bind: Some(SERVER), addresses: vec![SERVER], tcp_port: None };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut talks = Vec::new();
    for _ in 0..meetings {
        let (talk, mut events) = TalkPipeline::start(&at, None)?;
        runtime.spawn(async move { while events.recv().await.is_some() {} });
        talks.push(Arc::new(talk));
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
