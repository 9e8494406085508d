//! What comes with a request, as far as it may.

use std::pin::pin;
use std::time::Duration;

use bytes::Buf;
use convene_domain::OFFER_BYTES_MAX;
use futures_util::{Stream, StreamExt};

use super::problem::Problem;

/// Who takes longer to send an offer is no program that could send a picture.
const BODY_MAX: Duration = Duration::from_secs(10);

/// All of it, which is text and no longer than an offer.
pub(super) async fn text(body: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Result<String, Problem> {
    let reading = tokio::time::timeout(BODY_MAX, bytes(body));
    let bytes = reading.await.map_err(|_| Problem::TooSlow { seconds: BODY_MAX.as_secs() })??;
    String::from_utf8(bytes).map_err(|_| Problem::Malformed("The body is no text in UTF-8.".into()))
}

async fn bytes(body: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Result<Vec<u8>, Problem> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let mut piece =
            piece.map_err(|error| Problem::Malformed(format!("The body cannot be read: {error}.")))?;
        if OFFER_BYTES_MAX < bytes.len() + piece.remaining() {
            return Err(Problem::TooLong);
        }
        while piece.has_remaining() {
            let chunk = piece.chunk();
            bytes.extend_from_slice(chunk);
            let length = chunk.len();
            piece.advance(length);
        }
    }
    Ok(bytes)
}
