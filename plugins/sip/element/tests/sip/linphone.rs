//! Another telephone: Debian's linphone, which plays a file with a tone and writes down what it hears.

use std::f64::consts::TAU;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

use crate::bridge::Conference;
use crate::phone::{Phone, free_ports, wait_until};
use crate::phones::assert_hears;

const RATE: u32 = 48_000;
/// Longer than anybody is waited for.
const TONE_SECONDS: u32 = 120;
const TONE_LEVEL: f64 = 8000.0;
const HEADER_BYTES: usize = 44;

/// A call that runs.
struct Linphone {
    child: Child,
    keys: ChildStdin,
    folder: TempDir,
}

impl Linphone {
    /// Calls by TLS, and says a tone; encrypts by `srtp` or `dtls`, or not at all.
    fn call(uri: &str, encryption: &str, hertz: u32) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let path = folder.path();
        // Without these, nothing of it starts.
        for kept in [".local/share/linphone", ".config/linphone"] {
            fs::create_dir_all(path.join(kept)).expect("a folder can be made");
        }
        let config = format!(
            "[sip]\nsip_port=0\nsip_tcp_port=0\nsip_tls_port={}\nverify_server_certs=0\nverify_server_cn=0\n\
             media_encryption={encryption}\nmedia_encryption_mandatory=1\nuse_ipv6=0\nguess_hostname=0\n\
             contact=\"Linphone\" <sip:linphone@127.0.0.1>\n[rtp]\naudio_rtp_port=33000-39998\n\
             [sound]\nechocancellation=0\nlocal_ring=\nremote_ring=\n",
            free_ports()
        );
        fs::write(path.join("linphonerc"), config).expect("a file can be written");
        fs::write(path.join("tone.wav"), tone(hertz)).expect("a file can be written");
        let log = File::create(path.join("log")).expect("a file can be written");
        let errors = log.try_clone().expect("a file can be opened twice");
        let mut child = Command::new("linphonec")
            .env("HOME", path)
            .arg("-c")
            .arg(path.join("linphonerc"))
            .args(["-d", "5", "-l"])
            .arg(path.join("log"))
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .expect("linphone-cli is installed");
        let keys = child.stdin.take().expect("stdin is piped");
        let mut phone = Self { child, keys, folder };
        phone.command("soundcard use files");
        phone.command(&format!("record {}", path_of(&phone.folder, "heard.wav")));
        phone.command(&format!("play {}", path_of(&phone.folder, "tone.wav")));
        phone.command(&format!("call {uri}"));
        phone
    }

    fn command(&mut self, command: &str) {
        self.keys.write_all(format!("{command}\n").as_bytes()).expect("the telephone is there");
        self.keys.flush().expect("the telephone is there");
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join("log")).unwrap_or_default()).into_owned()
    }

    fn heard(&self) -> Vec<i16> {
        let bytes = fs::read(self.folder.path().join("heard.wav")).unwrap_or_default();
        let samples = bytes.get(HEADER_BYTES..).unwrap_or_default().as_chunks::<2>().0;
        samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
    }

    fn last_second(&self, after: usize) -> Vec<i16> {
        let wanted = after + RATE as usize;
        wait_until("linphone hears enough", || wanted <= self.heard().len(), || self.log());
        let heard = self.heard();
        heard[heard.len() - RATE as usize..].to_vec()
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn path_of(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// A RIFF WAVE of 16 bits and one channel.
fn tone(hertz: u32) -> Vec<u8> {
    let data_bytes = RATE * TONE_SECONDS * 2;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((data_bytes + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((RATE * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(data_bytes.to_le_bytes());
    let phase = |sample: u32| TAU * f64::from(hertz) * f64::from(sample) / f64::from(RATE);
    let samples = (0..RATE * TONE_SECONDS).map(|sample| (TONE_LEVEL * phase(sample).sin()) as i16);
    bytes.extend(samples.flat_map(i16::to_le_bytes));
    bytes
}

#[test]
fn linphone_types_the_code_and_hears_and_is_heard_with_keys_of_either_kind() {
    let conference = Conference::new(3, "123456789");
    let mut baresip = Phone::call(&conference.uri("tls"), "pcma/8000", 400, ";mediaenc=srtp-mand");
    baresip.await_log("established");
    baresip.press("123456789");
    wait_until("baresip is there", || conference.codecs().len() == 1, || baresip.log());
    let phones = [(700, "srtp"), (1000, "dtls")]
        .map(|(hertz, encryption)| (hertz, Linphone::call(&conference.uri("tls"), encryption, hertz)));
    let phones = phones.map(|(hertz, mut phone)| {
        // Somebody asks for the code, and is heard.
        let asked = phone.last_second(RATE as usize);
        assert!(asked.iter().any(|sample| 1000 < sample.unsigned_abs()), "a voice asks");
        "123456789".chars().for_each(|digit| phone.command(&digit.to_string()));
        (hertz, phone)
    });
    let tell = || phones.iter().map(|(_, phone)| phone.log()).collect();
    wait_until("all are there", || conference.codecs().len() == 3, tell);
    // What is said to those who come is over by then.
    const WELCOME: usize = 12 * RATE as usize;
    for (hertz, phone) in &phones {
        let others: Vec<u32> = [400, 700, 1000].into_iter().filter(|tone| tone != hertz).collect();
        assert_hears(&phone.last_second(phone.heard().len() + WELCOME), &others, &[*hertz]);
    }
    assert_hears(&baresip.last_second(baresip.heard().len()), &[700, 1000], &[400]);
    let [_, (_, by_dtls)] = &phones;
    assert!(by_dtls.log().contains("DTLS Handshake on RTP channel successful"), "{}", by_dtls.log());
    conference.assert_well();
}
