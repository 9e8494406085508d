//! `convene serve`: meetings, until a signal.

use std::io::Write;
use std::net::SocketAddr;

use convene_web::{Config, Server};

use crate::signals;

/// Serves until SIGTERM or SIGINT; the first line on standard output says where.
pub(crate) async fn serve(config: Config) -> anyhow::Result<()> {
    let stop = signals::asked_to_stop();
    let public_url = config.public_url.clone();
    let server = Server::bind(config).await?;
    let address = public_url.unwrap_or_else(|| local_address(server.local_addr()));
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; that is no reason not to serve.
    let _ = writeln!(out, "Convene is at {}", address.trim_end_matches('/')).and_then(|()| out.flush());
    drop(out);

    server.run(stop).await;
    Ok(())
}

/// How this machine reaches what listens at `address`.
fn local_address(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("https://localhost:{}", address.port())
    } else {
        format!("https://{address}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_that_a_browser_takes() {
        let at = |text: &str| local_address(text.parse().expect("an address"));
        assert_eq!(at("0.0.0.0:8443"), "https://localhost:8443");
        assert_eq!(at("[::1]:8443"), "https://localhost:8443");
        assert_eq!(at("192.0.2.7:443"), "https://192.0.2.7:443");
        assert_eq!(at("[2001:db8::1]:8443"), "https://[2001:db8::1]:8443");
    }
}
