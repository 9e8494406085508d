//! A telephone without a person: Debian's baresip, which says a tone and writes down what it hears.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::bridge::Certificate;

/// Everything that a telephone is waited for comes long before.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where Debian puts them.
const MODULES: &str = "/usr/lib/baresip/modules";
const SINE_CHANNELS: u32 = 2;

/// A call that runs.
pub struct Phone {
    child: Child,
    keys: ChildStdin,
    folder: TempDir,
    hertz: u32,
    /// Where it is called, if it is.
    port: u16,
}

impl Phone {
    /// Calls, and says a tone in this codec; `more` are parameters of the account, as `;mediaenc=srtp-mand`.
    pub fn call(uri: &str, codec: &str, hertz: u32, more: &str) -> Self {
        Self::call_as("", uri, (codec, hertz, more))
    }

    /// The same, with lines in its configuration, as `rtcp_mux yes`.
    pub fn call_as(config: &str, uri: &str, (codec, hertz, more): (&str, u32, &str)) -> Self {
        let config = format!("sip_listen 127.0.0.1:0\n{config}\n");
        Self::start(&config, (codec, hertz, more), &["-e", &format!("/dial {uri}")])
    }

    /// Waits to be called, at [`Self::uri`]; picks up at once with `;answermode=auto`.
    pub fn wait(codec: &str, hertz: u32, more: &str, certificate: &Certificate) -> Self {
        let port = free_ports();
        let config = format!("sip_listen 127.0.0.1:{port}\nsip_certificate {}\n", certificate.both);
        let mut phone = Self::start(&config, (codec, hertz, more), &[]);
        phone.port = port;
        phone.await_log("baresip is ready");
        phone
    }

    /// Where it is called: `udp`, `tcp` or `tls`, which baresip has on the next port.
    pub fn uri(&self, transport: &str) -> String {
        let port = self.port + u16::from(transport == "tls");
        format!("sip:{}@127.0.0.1:{port};transport={transport}", self.hertz)
    }

    fn start(config: &str, (codec, hertz, more): (&str, u32, &str), arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let path = folder.path().display();
        let modules = ["stdio", "opus", "g722", "g711", "ausine", "srtp", "dtls_srtp", "sndfile", "aubridge"];
        let modules: String = modules.iter().map(|module| format!("module {module}.so\n")).collect();
        let config = format!(
            "module_path {MODULES}\n{config}sip_verify_server no\naudio_source ausine,{hertz}\n\
             audio_player aubridge,nobody\nausrc_channels {SINE_CHANNELS}\nausrc_srate 48000\nsnd_path {path}\n\
             rtp_ports 40000-60000\n{modules}module_tmp account.so\nmodule_app menu.so\n"
        );
        std::fs::write(folder.path().join("config"), config)
            .expect("a file in an empty folder can be written");
        let account = format!("<sip:{hertz}@127.0.0.1>;regint=0;audio_codecs={codec}{more}\n");
        std::fs::write(folder.path().join("accounts"), account).expect("a file can be written");
        std::fs::write(folder.path().join("contacts"), "").expect("a file can be written");
        let log = std::fs::File::create(folder.path().join("log")).expect("a file can be written");
        let errors = log.try_clone().expect("a file can be opened twice");
        let mut child = Command::new("baresip")
            .args(["-f", &path.to_string()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .expect("baresip-core is installed");
        let keys = child.stdin.take().expect("stdin is piped");
        Self { child, keys, folder, hertz, port: 0 }
    }

    /// Presses keys; baresip makes RFC 4733's events of them.
    pub fn press(&mut self, keys: &str) {
        self.command(&format!("sndcode {keys}"));
    }

    /// One of baresip's own commands, as `hold`.
    pub fn command(&mut self, command: &str) {
        self.keys.write_all(format!("/{command}\n").as_bytes()).expect("the telephone is there");
        self.keys.flush().expect("the telephone is there");
    }

    /// Waits until it has said this.
    pub fn await_log(&self, words: &str) {
        wait_until(&format!("a telephone says \"{words}\""), || self.log().contains(words), || self.log());
    }

    /// All that it has said.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The sound that it has heard so far, in one channel at 48 kHz.
    pub fn heard(&self) -> Vec<i16> {
        let is_heard = |path: &PathBuf| path.to_string_lossy().ends_with("-dec.wav");
        let files = std::fs::read_dir(self.folder.path()).expect("the folder is there");
        let Some(file) = files.filter_map(|entry| Some(entry.ok()?.path())).find(is_heard) else {
            return Vec::new();
        };
        const HEADER_BYTES: usize = 44;
        let bytes = std::fs::read(file).unwrap_or_default();
        let header = bytes.get(..HEADER_BYTES).unwrap_or_default();
        let (channels, rate) = match header {
            [] => return Vec::new(),
            header => (
                usize::from(header[22]),
                u32::from_le_bytes([header[24], header[25], header[26], header[27]]),
            ),
        };
        let samples =
            bytes[HEADER_BYTES..].as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample));
        let times = (48_000 / rate) as usize;
        samples.step_by(channels).flat_map(|sample| std::iter::repeat_n(sample, times)).collect()
    }

    /// Waits until so much was heard, and gives the last second of it.
    pub fn last_second(&self, after: usize) -> Vec<i16> {
        let wanted = after + 48_000;
        wait_until("a telephone hears enough", || wanted <= self.heard().len(), || self.log());
        let heard = self.heard();
        heard[heard.len() - 48_000..].to_vec()
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first of two neighbours that nobody has just now.
pub fn free_ports() -> u16 {
    let free = |port: u16| {
        let address = ("127.0.0.1", port);
        std::net::TcpListener::bind(address).is_ok() && std::net::UdpSocket::bind(address).is_ok()
    };
    let any = || {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        socket.local_addr().expect("it has an address").port()
    };
    std::iter::repeat_with(any)
        .find(|port| *port < u16::MAX && free(*port) && free(port + 1))
        .expect("it is tried without end")
}

/// Looks again and again; what is told when it never comes true.
pub fn wait_until(what: &str, is_true: impl Fn() -> bool, tell: impl Fn() -> String) {
    #[expect(clippy::disallowed_methods, reason = "another program has its own clock")]
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < PATIENCE, "{what} in {PATIENCE:?}:\n{}", tell());
        #[expect(clippy::disallowed_methods, reason = "another program does not tell when it is ready")]
        std::thread::sleep(Duration::from_millis(50));
    }
}
