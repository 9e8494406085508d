//! A telephone: SIP over UDP (RFC 3261), one codec, a tone for a voice, and keys (RFC 4733). It is as simple as a good one may be.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use convene_conference::rtp::{Header, Packet};
use convene_conference::{Channels, Codec, Decoder, Encoder, FRAME, OpusSettings};
use convene_test_support::{AMPLITUDE, Tone, amplitude};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::support::PATIENCE;

/// The number that we give to keys.
const KEYS: u8 = 101;
/// A key is pressed for so many packets, let go in three that say the same, and followed by a pause.
const KEY_PACKETS: u16 = 4;
const PAUSE_TICKS: u32 = 5;
/// Of whoever is called.
const CALLED_TAG: &str = "called";
/// What is judged: the last second.
const JUDGED: usize = 48_000;

/// Somebody at a telephone, whose call was answered.
pub struct Phone {
    name: &'static str,
    signalling: UdpSocket,
    /// The header fields that all requests of the call have.
    dialog: String,
    target: String,
    sequence: u32,
    voice: Arc<Mutex<Voice>>,
    heard: Arc<Mutex<Vec<i16>>>,
    tasks: Vec<JoinHandle<()>>,
}

/// What is sent.
struct Voice {
    tone: Tone,
    keys: Vec<u8>,
    /// Each such packet is sent and never arrives; 0 for none.
    loses_each: u16,
    /// Said in place of the tone.
    dialled: VecDeque<i16>,
}

impl Phone {
    /// Calls, and has been answered.
    pub async fn call(port: u16, name: &'static str, codec: Codec, hertz: f64) -> Self {
        Self::call_with(port, name, (codec, hertz), true).await
    }

    /// An old one, whose keys are tones and nothing else.
    pub async fn call_by_tones(port: u16, name: &'static str, codec: Codec, hertz: f64) -> Self {
        Self::call_with(port, name, (codec, hertz), false).await
    }

    async fn call_with(port: u16, name: &'static str, (codec, hertz): (Codec, f64), has_keys: bool) -> Self {
        let signalling = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        signalling.connect(("127.0.0.1", port)).await.unwrap();
        let media = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let own = signalling.local_addr().unwrap();
        let mut phone = Self {
            name,
            dialog: format!("Call-ID: {name}{}@127.0.0.1\r\n", own.port()),
            target: format!("sip:conference@127.0.0.1:{port}"),
            signalling,
            sequence: 0,
            voice: Arc::new(Mutex::new(Voice {
                tone: Tone::new(hertz),
                keys: Vec::new(),
                loses_each: 0,
                dialled: VecDeque::new(),
            })),
            heard: Arc::default(),
            tasks: Vec::new(),
        };
        let from = format!("From: \"{name}\" <sip:{name}@127.0.0.1>;tag={}\r\n", own.port());
        phone.dialog += &from;
        let to = format!("To: <{}>\r\n", phone.target);
        let offer = match (has_keys, offer(codec, media.local_addr().unwrap())) {
            (true, offer) => offer,
            (false, offer) => {
                let is_about_keys =
                    |line: &&str| line.contains("telephone-event") || line.starts_with("a=fmtp");
                let lines = offer.lines().filter(|line| !is_about_keys(line));
                lines.map(|line| line.trim_end_matches(&format!(" {KEYS}")).to_owned() + "\r\n").collect()
            }
        };
        phone.request("INVITE", &to, &offer).await;
        let answer = phone.answer().await;
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        phone.dialog += &format!("{}\r\n", header(&answer, "To"));
        let contact = header(&answer, "Contact");
        phone.target = contact.split(['<', '>']).nth(1).unwrap_or(&contact).to_owned();
        phone.request("ACK", "", "").await;
        media.connect(media_address(&answer)).await.unwrap();
        phone.tasks.push(tokio::spawn(speak(media.clone(), codec, phone.voice.clone())));
        phone.tasks.push(tokio::spawn(listen(media, codec, phone.heard.clone())));
        phone
    }

    /// Is called by this INVITE, and picks up. Its socket is that of whoever has passed the call on.
    pub async fn pick_up(
        signalling: UdpSocket,
        invite: &str,
        name: &'static str,
        (codec, hertz): (Codec, f64),
    ) -> Self {
        let media = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let own = signalling.local_addr().unwrap();
        let description = offer(codec, media.local_addr().unwrap());
        let more = format!("Contact: <sip:{name}@{own}>\r\nContent-Type: application/sdp\r\n");
        signalling.send(answer_to(invite, "200 OK", &more, &description).as_bytes()).await.unwrap();
        let end = |field: &str| header(invite, field).split_once(':').expect("a field").1.to_owned();
        let dialog = format!(
            "{}\r\nFrom:{};tag={CALLED_TAG}\r\nTo:{}\r\n",
            header(invite, "Call-ID"),
            end("To"),
            end("From")
        );
        media.connect(media_address(invite)).await.unwrap();
        let voice = Arc::new(Mutex::new(Voice {
            tone: Tone::new(hertz),
            keys: Vec::new(),
            loses_each: 0,
            dialled: VecDeque::new(),
        }));
        let heard = Arc::default();
        let tasks = vec![
            tokio::spawn(speak(media.clone(), codec, voice.clone())),
            tokio::spawn(listen(media, codec, Arc::clone(&heard))),
        ];
        let contact = header(invite, "Contact");
        let target = contact.split(['<', '>']).nth(1).expect("an address").to_owned();
        let phone = Self { name, signalling, dialog, target, sequence: 0, voice, heard, tasks };
        let ack = phone.receive().await;
        assert!(ack.starts_with("ACK "), "{ack}");
        phone
    }

    /// Presses these keys, one after the other.
    pub fn press(&self, keys: &str) {
        let number = |key: char| match key {
            '*' => 10,
            '#' => 11,
            digit => digit.to_digit(10).expect("a key") as u8,
        };
        self.voice.lock().unwrap().keys.extend(keys.chars().map(number));
    }

    /// Waits until this tone is heard; or no longer.
    pub async fn hears(&self, hertz: f64, is_heard: bool) {
        self.hears_as_much_as(hertz, if is_heard { 0.5..f64::MAX } else { 0.0..0.05 }).await;
    }

    /// Presses keys, each of which is a pair of tones (ITU-T Q.23) for so long, and half as long a pause.
    pub fn dial(&self, keys: &str, millis: usize) {
        const ROWS: [(&str, f64); 4] = [("123A", 697.0), ("456B", 770.0), ("789C", 852.0), ("*0#D", 941.0)];
        const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
        let mut voice = self.voice.lock().unwrap();
        for key in keys.chars() {
            let found = ROWS.iter().find_map(|(row, low)| Some((*low, COLUMNS[row.find(key)?])));
            let (low, high) = found.expect("a key");
            let samples = millis * 48;
            let [low, high] = [low, high].map(|hertz| Tone::new(hertz).next(samples, AMPLITUDE / 2.0));
            voice.dialled.extend(low.iter().zip(&high).map(|(low, high)| low + high));
            voice.dialled.extend(std::iter::repeat_n(0, samples / 2));
        }
    }

    /// From now on each such packet of the voice is lost on the way.
    pub fn loses_each(&self, packets: u16) {
        self.voice.lock().unwrap().loses_each = packets;
    }

    /// Waits until this much of the tone is heard.
    pub async fn hears_as_much_as(&self, hertz: f64, shares: Range<f64>) {
        let wait = async {
            while !self.share(hertz).is_some_and(|share| shares.contains(&share)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = timeout(PATIENCE, wait).await;
        let share = self.share(hertz);
        assert!(in_time.is_ok(), "{}: {hertz} Hz is heard by {shares:?}: {share:?}", self.name);
    }

    /// How much of the tone there was in the last second, once there was one.
    pub fn share(&self, hertz: f64) -> Option<f64> {
        let heard = self.heard.lock().unwrap();
        let start = heard.len().checked_sub(JUDGED)?;
        Some(amplitude(&heard[start..], hertz) / AMPLITUDE)
    }

    pub async fn hang_up(mut self) {
        self.request("BYE", "", "").await;
        let answer = self.answer().await;
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    }

    /// The other end hangs up.
    /// Asks to be put through, and is told that it is so.
    pub async fn is_put_through_to(&mut self, target: &str) {
        self.request("REFER", &format!("Refer-To: <{target}>\r\n"), "").await;
        let answer = self.answer().await;
        assert!(answer.starts_with("SIP/2.0 202"), "{answer}");
        let notify = self.receive().await;
        assert!(notify.starts_with("NOTIFY ") && notify.ends_with("SIP/2.0 200 OK\r\n"), "{notify}");
        self.signalling.send(answer_to(&notify, "200 OK", "", "").as_bytes()).await.unwrap();
    }

    pub async fn is_hung_up(&self) {
        let request = self.receive().await;
        assert!(request.starts_with("BYE "), "{request}");
    }

    async fn request(&mut self, method: &str, more: &str, body: &str) {
        if method != "ACK" {
            self.sequence += 1;
        }
        let own = self.signalling.local_addr().unwrap();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let request = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{method}{};rport\r\nMax-Forwards: 70\r\n{}{more}\
             CSeq: {} {method}\r\nContact: <sip:{}@{own}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.target,
            own.port(),
            self.dialog,
            self.sequence,
            self.name,
            body.len()
        );
        self.signalling.send(request.as_bytes()).await.unwrap();
    }

    /// The final answer to the last request.
    async fn answer(&self) -> String {
        loop {
            let message = self.receive().await;
            if message.starts_with("SIP/2.0 ") && !message.starts_with("SIP/2.0 1") {
                return message;
            }
        }
    }

    async fn receive(&self) -> String {
        let mut bytes = [0; 4096];
        let received = timeout(PATIENCE, self.signalling.recv(&mut bytes)).await;
        let count = received.expect("a message in time").unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn offer(codec: Codec, media: SocketAddr) -> String {
    let (number, name) = (codec.payload_type().expect("a telephone's codec"), codec.encoding_name());
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP {number} {KEYS}\r\n\
         a=rtpmap:{number} {name}/8000\r\na=rtpmap:{KEYS} telephone-event/8000\r\na=fmtp:{KEYS} 0-15\r\na=sendrecv\r\n",
        media.port()
    )
}

/// The answer to a request of the other end.
pub fn answer_to(request: &str, status: &str, more: &str, body: &str) -> String {
    let [via, from, to, id, number] =
        ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| header(request, name));
    format!(
        "SIP/2.0 {status}\r\n{via}\r\n{from}\r\n{to};tag={CALLED_TAG}\r\n{id}\r\n{number}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn header(message: &str, name: &str) -> String {
    let line = message
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with(&format!("{}:", name.to_ascii_lowercase())));
    line.unwrap_or_else(|| panic!("no {name} in {message}")).to_owned()
}

fn media_address(answer: &str) -> SocketAddr {
    let find = |start: &str| answer.lines().find_map(|line| line.strip_prefix(start)).expect("a description");
    let port = find("m=audio ").split(' ').next().expect("a port");
    format!("{}:{port}", find("c=IN IP4 ")).parse().expect("an address")
}

/// Twenty milliseconds of the tone at a time, or a key.
async fn speak(media: Arc<UdpSocket>, codec: Codec, voice: Arc<Mutex<Voice>>) {
    let mut encoder = Encoder::new(codec, Channels::Mono, OpusSettings::default());
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let payload_type = codec.payload_type().expect("a telephone's codec");
    let mut header = Header { payload_type, marker: false, sequence: 1, timestamp: 160, ssrc: 7 };
    loop {
        ticks.tick().await;
        let (sound, key, loses_each) = {
            let mut voice = voice.lock().unwrap();
            let key = (!voice.keys.is_empty()).then(|| voice.keys.remove(0));
            let sound = if voice.dialled.is_empty() {
                voice.tone.next(FRAME, AMPLITUDE)
            } else {
                (0..FRAME).map(|_| voice.dialled.pop_front().unwrap_or(0)).collect()
            };
            (sound, key, voice.loses_each)
        };
        let send = |header: &mut Header, payload: &[u8]| {
            // Who has hung up hears nothing.
            let _ = media.try_send(&header.write(payload));
            header.sequence = header.sequence.wrapping_add(1);
        };
        if let Some(key) = key {
            let mut event = Header { payload_type: KEYS, marker: true, ..header };
            for packet in 1..=KEY_PACKETS + 2 {
                let is_end = if KEY_PACKETS <= packet { 0x80 } else { 0 };
                let [high, low] = (packet.min(KEY_PACKETS) * 160).to_be_bytes();
                send(&mut event, &[key, is_end | 10, high, low]);
                event.marker = false;
                ticks.tick().await;
            }
            for _ in 0..PAUSE_TICKS {
                ticks.tick().await;
            }
            header.sequence = event.sequence;
            header.timestamp += 160 * (u32::from(KEY_PACKETS) + 2 + PAUSE_TICKS);
        }
        let payload = encoder.encode(&sound);
        if loses_each != 0 && header.sequence.is_multiple_of(loses_each) {
            header.sequence = header.sequence.wrapping_add(1);
        } else {
            send(&mut header, &payload);
        }
        header.timestamp += 160;
    }
}

async fn listen(media: Arc<UdpSocket>, codec: Codec, heard: Arc<Mutex<Vec<i16>>>) {
    let mut decoder = Decoder::new(codec, Channels::Mono);
    let mut bytes = [0; 2048];
    while let Ok(count) = media.recv(&mut bytes).await {
        let packet = Packet::parse(&bytes[..count]).expect("good RTP");
        if Some(packet.payload_type) == codec.payload_type() {
            decoder.decode(packet.payload, &mut heard.lock().unwrap());
        }
    }
}
