//! Datagrams that no peer sends, at the port of a relay that is a process of its own, so that its memory can be told from ours.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Stdio;
use std::time::{Duration, Instant};

use convene_test_support::{Plugins, Program};

use crate::client::{Client, Wanted};
use crate::http::ask_at;
use crate::media::sees;
use crate::picture::Mark;
use crate::support::LIMIT;

/// Sent before its memory is looked at: buffers fill, and threads touch their stacks.
const WARMING: usize = 200_000;
/// Sent while it is.
const DATAGRAMS: usize = 1_000_000;
/// After so many it is looked whether pictures still come.
const LOOK: usize = 50_000;
/// Sent in a row; more would be lost at the socket, where they harm nobody.
const BURST: usize = 200;
/// What the relay may grow by meanwhile, in KiB.
const GROWTH_MAX: i64 = 4 * 1024;

/// `gst-launch-1.0 vp8relay`, and where it is.
struct Alone {
    _program: Program,
    _plugins: Plugins,
    pid: u32,
    http: String,
}

impl Alone {
    fn start() -> Self {
        let plugins = Plugins::new(&["gstconvenerelay"]);
        let free = TcpListener::bind("127.0.0.1:0").and_then(|door| door.local_addr()).expect("a free port");
        let http = free.to_string();
        let folder = plugins.folder().display();
        let line = format!(
            "echo $$; export GST_PLUGIN_PATH={folder} GST_REGISTRY={folder}/registry.bin; \
             exec gst-launch-1.0 vp8relay port=0 workers=2 http={http}"
        );
        let mut program = Program::start("sh", ["-c", &line], Stdio::piped());
        let mut said = BufReader::new(program.output().expect("it is piped"));
        let mut pid = String::new();
        said.read_line(&mut pid).expect("it says its number");
        std::thread::spawn(move || said.lines().for_each(drop));
        let began = now();
        while TcpStream::connect(&http).is_err() {
            assert!(began.elapsed() < LIMIT, "the relay does not start");
            rest(Duration::from_millis(50));
        }
        let pid = pid.trim().parse().expect("a number");
        Self { _program: program, _plugins: plugins, pid, http }
    }

    /// Its answer to an offer.
    fn offer(&self, path: &str, client: &Client) -> String {
        let answer = ask_at(&self.http, "POST", path, &client.offer());
        assert_eq!(answer.status, 201, "{}", answer.body);
        client.accept(&answer.body);
        answer.body
    }

    /// What it has in memory, in KiB.
    fn resident(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells");
        line.trim_end_matches("kB").trim().parse().expect("a number")
    }
}

#[expect(clippy::disallowed_methods, reason = "a running process is watched by the real clock")]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process is not to be outrun, and says nothing that could be waited for"
)]
fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// The address that an answer tells, and the user fragment that the relay has there.
fn announced(answer: &str) -> (SocketAddr, String) {
    let candidate = answer.lines().find(|line| line.starts_with("a=candidate:"));
    let candidate: Vec<&str> = candidate.expect("an answer has candidates").split(' ').collect();
    let ip = candidate[4].parse().expect("a candidate has an address");
    let port = candidate[5].parse().expect("and a port");
    let fragment = answer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    (SocketAddr::new(ip, port), fragment.expect("an answer has a user fragment").to_owned())
}

/// Makes datagrams, by a seed (xorshift64).
struct Flood {
    chance: u64,
    fragments: Vec<String>,
}

impl Flood {
    fn roll(&mut self, limit: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % limit
    }

    fn noise(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.roll(256) as u8).collect()
    }

    fn datagram(&mut self) -> Vec<u8> {
        let length = self.roll(160);
        let body = self.noise(length);
        let head = match self.roll(6) {
            0 => return body,
            1 => self.stun(body.len()),
            // Records of a handshake, of alerts and of data, in two versions.
            2 => {
                let kind = [20, 21, 22, 22, 23][self.roll(5) as usize];
                let version = [0xfd, 0xff][self.roll(2) as usize];
                let epoch = self.roll(2) as u8;
                let length = (body.len() as u16).to_be_bytes();
                let mut head = vec![kind, 0xfe, version, 0, epoch, 0, 0, 0, 0, 0, self.roll(9) as u8];
                head.extend(length);
                head.extend([[1, 2, 11, 16][self.roll(4) as usize], 0]);
                head
            }
            // RTP with and without extensions, and RTCP of all kinds that there are.
            3 => vec![[0x80, 0x90, 0xbf][self.roll(3) as usize], [96, 111, 0xe0][self.roll(3) as usize]],
            4 => vec![0x80 | self.roll(32) as u8, 200 + self.roll(8) as u8, 0, self.roll(40) as u8],
            _ => vec![self.roll(256) as u8],
        };
        [head, body].concat()
    }

    /// For a peer who is there, as anybody could who has seen an answer, but without the password.
    fn stun(&mut self, more: usize) -> Vec<u8> {
        let which = self.roll(self.fragments.len() as u64) as usize;
        let other = self.roll(65_536);
        let name = format!("{}:{other:04x}", self.fragments[which]);
        let padded = name.len().next_multiple_of(4);
        let length = if self.roll(2) == 0 { padded + 4 + more } else { self.roll(2_000) as usize };
        let mut head = vec![0, 1];
        head.extend((length as u16).to_be_bytes());
        head.extend([0x21, 0x12, 0xa4, 0x42]);
        head.extend(self.noise(12));
        head.extend([0, 6, 0, name.len() as u8]);
        head.extend(name.as_bytes());
        head.resize(24 + padded, 0);
        head
    }
}

#[test]
fn a_million_datagrams_disturb_nobody_and_leave_nothing_behind() {
    let relay = Alone::start();
    let ann = Client::new(&Wanted { camera: Some(1), voice: true, slots: 1 });
    let bob = Client::new(&Wanted { camera: None, voice: false, slots: 1 });
    let (to, hers) = announced(&relay.offer("/whip/ann", &ann));
    let (_, his) = announced(&relay.offer("/whep", &bob));
    sees(&bob, 1, 30);

    let bind = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    // Of as many senders both workers have some.
    let sockets: Vec<UdpSocket> = (0..16).map(|_| UdpSocket::bind(bind).expect("a free port")).collect();
    let mut flood = Flood { chance: 88_172_645_463_325_252, fragments: vec![hers, his] };
    let (mut before, mut seen) = (0, bob.seen.all().len());
    for number in 0..WARMING + DATAGRAMS {
        if number == WARMING {
            before = relay.resident();
        }
        if number % BURST == 0 {
            rest(Duration::from_micros(500));
        }
        if number % LOOK == LOOK - 1 {
            bob.seen.wait_until("a picture amid the flood", |all| (seen < all.len()).then_some(()));
            seen = bob.seen.all().len();
        }
        let _ = sockets[number % sockets.len()].send_to(&flood.datagram(), to);
    }
    let grown = relay.resident() - before;
    println!("{before} KiB before, {grown} KiB more");
    assert!(grown < GROWTH_MAX, "{before} KiB have become {grown} KiB more");
    // What the full socket lost meanwhile left pictures that cannot be read; then they are hers again.
    let of_ann = |seen: &[(u32, Mark)]| seen.iter().filter(|(_, mark)| mark.whose == 1).count();
    let so_far = of_ann(&bob.seen.all());
    bob.seen.wait_until("her pictures again", |all| (so_far + 30 <= of_ann(all)).then_some(()));
}
