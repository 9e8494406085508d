//! The service's telephone: its ports, open as long as it runs, and what of it each meeting gets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use convene_domain::{CallOutRules, DialIn, Pin, SessionCode};
use convene_pipelines::{RecordKeeper, Telephone, TelephonePort, TelephoneRoom};
use uuid::Uuid;

use crate::StartError;
use crate::calls::CallLog;

/// Where telephones call.
pub(crate) struct Switchboard {
    port: TelephonePort,
    call_out: Option<CallOutRules>,
    _open: Telephone,
}

impl Switchboard {
    /// Opens the ports. Blocks.
    pub(crate) fn open(
        configured: TelephonePort,
        call_out: Option<CallOutRules>,
        log: Option<CallLog>,
    ) -> Result<Self, StartError> {
        let port = definite(configured).map_err(|error| StartError::Telephone(format!("{error}.")))?;
        // The log goes with the telephone, after its last call.
        let records = log.map(|log| Box::new(move |record| log.note(record)) as RecordKeeper);
        let open =
            Telephone::open(&port, records).map_err(|error| StartError::Telephone(error.to_string()))?;
        Ok(Self { port, call_out, _open: open })
    }

    /// For the meeting with this code, which records of its calls call by this id.
    pub(crate) fn room(&self, code: SessionCode, pin: &Pin, id: Uuid) -> TelephoneRoom {
        let (code, pin) = (code.to_string(), pin.as_str().to_owned());
        TelephoneRoom { port: self.port.clone(), code, pin, label: id.to_string() }
    }

    /// As the meeting's participants are told.
    pub(crate) fn dial_in(&self, pin: Pin) -> DialIn {
        let TelephonePort { tls, tcp, udp, .. } = self.port;
        let call_out = self.call_out.is_some();
        DialIn { tls_port: tls, tcp_port: tcp, udp_port: udp, pin: Some(pin), call_out }
    }

    /// Whom a meeting's host may have called.
    pub(crate) fn call_out(&self) -> Option<CallOutRules> {
        self.call_out.clone()
    }
}

/// All meetings name the same ports, so any free one has to become a certain one first.
fn definite(port: TelephonePort) -> io::Result<TelephonePort> {
    let any = |address: IpAddr| SocketAddr::new(address, 0);
    let address = port.bind.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let tcp = |wanted: Option<u16>| match wanted {
        Some(0) => Ok(Some(TcpListener::bind(any(address))?.local_addr()?.port())),
        wanted => Ok::<_, io::Error>(wanted),
    };
    let udp = match port.udp {
        Some(0) => Some(UdpSocket::bind(any(address))?.local_addr()?.port()),
        wanted => wanted,
    };
    Ok(TelephonePort { tls: tcp(port.tls)?, tcp: tcp(port.tcp)?, udp, ..port })
}
