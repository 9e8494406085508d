//! `GET /ws`: a participant's whole meeting.

use std::sync::Arc;

use warp::reply::Response;
use warp::ws::Ws;
use warp::{Filter, Rejection, Reply};

use super::origin::same_origin;
use super::{ApiError, Peer, peer, with};
use crate::meeting::{READ_BYTES_MAX, attend};
use crate::service::Service;

pub(super) fn routes(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let upgrade = warp::path!("ws")
        .and(warp::get())
        .and(same_origin())
        .and(warp::ws())
        .and(with(service))
        .and(peer())
        .map(open);
    let no_upgrade = warp::path!("ws")
        .and(warp::get())
        .and(same_origin())
        .and_then(|| async { Err::<Response, _>(warp::reject::custom(ApiError::NoWebSocket)) });
    upgrade.or(no_upgrade).unify()
}

fn open(ws: Ws, service: Arc<Service>, peer: Peer) -> Response {
    ws.max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .on_upgrade(move |socket| {
            let tasks = service.tasks.clone();
            tasks.track_future(async move {
                attend(service, socket, peer.ip()).await;
                drop(peer);
            })
        })
        .into_response()
}
