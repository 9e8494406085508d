//! From an invitation to a seat: TCP, TLS, WebSocket, `join`.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::message::{Hear, PROTOCOL, Participant, Say};
use super::{Invitation, MESSAGE_BYTES_MAX, MeetingError};

/// TCP, TLS and WebSocket together, and then the answer to `join`: what the protocol gives a client for it.
const STEP_SECONDS_MAX: u64 = 10;

/// An open line.
pub type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// A seat in a meeting.
pub struct Seat {
    /// The line to it.
    pub socket: Socket,
    /// Where the server is.
    pub server: SocketAddr,
    /// Who is there, we among them.
    pub participants: Vec<Participant>,
}

/// Opens the line and takes the seat.
///
/// # Errors
/// When the server cannot be reached, is not trusted, or does not let us in.
pub async fn join(invitation: &Invitation) -> Result<Seat, MeetingError> {
    let limit = Duration::from_secs(STEP_SECONDS_MAX);
    let too_slow =
        |_| MeetingError::TooSlow { server: invitation.location.server(), seconds: STEP_SECONDS_MAX };

    let (mut socket, server) = timeout(limit, open(invitation)).await.map_err(too_slow)??;
    let participants = timeout(limit, take_seat(invitation, &mut socket)).await.map_err(too_slow)??;
    Ok(Seat { socket, server, participants })
}

async fn open(invitation: &Invitation) -> Result<(Socket, SocketAddr), MeetingError> {
    let location = &invitation.location;
    let server = || location.server();

    let unreachable =
        |error: std::io::Error| MeetingError::Unreachable { server: server(), reason: error.to_string() };
    let tcp = TcpStream::connect((location.host(), location.port())).await.map_err(unreachable)?;
    let address = tcp.peer_addr().map_err(unreachable)?;
    // Acknowledgements are small and must not wait for each other; where this fails they only travel later.
    let _ = tcp.set_nodelay(true);

    let name = ServerName::try_from(location.host())
        .map_err(|error| MeetingError::Tls { server: server(), reason: error.to_string() })?;
    let tls = TlsConnector::from(invitation.tls.clone())
        .connect(name, tcp)
        .await
        .map_err(|error| MeetingError::Tls { server: server(), reason: error.to_string() })?;

    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let (socket, _answer) = client_async_with_config(location.socket_url(), tls, Some(config))
        .await
        .map_err(|error| MeetingError::NotAService { server: server(), reason: error.to_string() })?;
    Ok((socket, address))
}

async fn take_seat(invitation: &Invitation, socket: &mut Socket) -> Result<Vec<Participant>, MeetingError> {
    let lost = |error: tungstenite::Error| invitation.lost(error.to_string());
    let join = Say::Join {
        protocol: PROTOCOL,
        code: invitation.location.code(),
        name: &invitation.name,
        token: invitation.token.as_deref(),
    };
    socket.send(Message::text(join.to_text())).await.map_err(lost)?;

    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(lost)? else {
            continue;
        };
        match Hear::parse(&text) {
            Some(Hear::Joined { participants }) => return Ok(participants),
            Some(Hear::Refused { reason, message }) => return Err(MeetingError::Refused { reason, message }),
            Some(Hear::Error { message }) => {
                return Err(MeetingError::Refused { reason: "error".into(), message });
            }
            _ => {}
        }
    }
    Err(invitation.lost("it was closed before the meeting answered".into()))
}
