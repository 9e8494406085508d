//! Keys that are agreed on beside the sound: two ends, with loss, with strangers, and with rubbish.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_conference::Codec;
use convene_conference::rtp::Header;
use convene_sip::{
    Agreement, HANDSHAKE_DATAGRAMS_MAX, HANDSHAKE_MAX, Identity, Message, Ours, Received, Role, SILENCE_MAX,
    SdpError, Session, Theirs, Transport,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::engine::{Certificate, identity};
use crate::world::{PCMU, Phone, World};

const MILLI: Duration = Duration::from_millis(1);

fn description(identity: &Arc<dyn Identity>, setup: &str, more: &str) -> String {
    let fingerprint = identity.fingerprint().write();
    PCMU.replace("RTP/AVP", "UDP/TLS/RTP/SAVP")
        + &format!("a=fingerprint:{fingerprint}\r\na=setup:{setup}\r\n{more}")
}

fn agreed(sdp: &str) -> Agreement {
    Agreement::choose(sdp, None).expect("a good description")
}

type Side<'a> = (&'a Arc<dyn Identity>, Role);

/// One end, and where it is.
struct End {
    session: Session,
    address: SocketAddr,
}

impl End {
    /// By `ours`, to whoever has `theirs`.
    fn new((ours, role): Side<'_>, theirs: &Arc<dyn Identity>, more: &str, port: u16, now: Instant) -> Self {
        let setup = if role == Role::Client { "passive" } else { "active" };
        let agreement = agreed(&description(theirs, setup, more));
        let ours = Ours::Dtls(Arc::clone(ours), role);
        let session = Session::new(agreement, Some(&ours), (u32::from(port), 1, 0), now);
        Self { session, address: SocketAddr::from(([192, 0, 2, 7], port)) }
    }

    fn says(&mut self, sequence: u16, now: Instant) -> Option<Vec<u8>> {
        let header = Header {
            payload_type: 0,
            marker: false,
            sequence,
            timestamp: u32::from(sequence) * 160,
            ssrc: 3,
        };
        Some(self.session.send(&header.write(&[9; 160]), Codec::Pcmu, now)?.1)
    }

    fn hears(&mut self, from: SocketAddr, packet: &[u8], now: Instant) -> bool {
        matches!(self.session.receive(from, packet, now), Received::Voice(_))
    }
}

/// Two ends and a line between them.
struct Pair {
    ends: [End; 2],
    now: Instant,
    /// Whom it is for, by the port of the sound or not, and when it is there.
    line: VecDeque<(usize, bool, Vec<u8>, Instant)>,
    chance: StdRng,
    loss: f64,
    datagrams: usize,
}

impl Pair {
    fn new(loss: f64, more: &str, seed: u64) -> Self {
        let now = World::new("").now;
        let phone = Certificate::make();
        let ends = [
            End::new((&identity(), Role::Server), &phone, more, 4000, now),
            End::new((&phone, Role::Client), &identity(), more, 7800, now),
        ];
        Self { ends, now, line: VecDeque::new(), chance: StdRng::seed_from_u64(seed), loss, datagrams: 0 }
    }

    /// Sends what there is to be sent.
    fn flush(&mut self) {
        for at in 0..2 {
            while let Some(shake) = self.ends[at].session.shake(self.now) {
                self.datagrams += 1;
                if !self.chance.random_bool(self.loss) {
                    self.line.push_back((1 - at, shake.is_with_sound, shake.bytes, self.now + 20 * MILLI));
                }
            }
        }
    }

    /// Lets time pass until both have keys, or this long.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.flush();
            let dues = self.ends.iter().filter_map(|end| end.session.shake_due());
            let Some(next) = dues.chain(self.line.front().map(|(.., at)| *at)).min().filter(|at| *at <= end)
            else {
                break;
            };
            self.now = self.now.max(next);
            while self.line.front().is_some_and(|(.., at)| *at <= self.now) {
                let (to, is_with_sound, bytes, _) = self.line.pop_front().expect("there is one");
                let from = self.ends[1 - to].address;
                let session = &mut self.ends[to].session;
                if is_with_sound {
                    assert_eq!(session.receive(from, &bytes, self.now), Received::Nothing);
                } else {
                    session.receive_report(from, &bytes, self.now);
                }
            }
        }
        self.now = end;
    }

    /// Whether each hears the other.
    fn talk(&mut self, sequence: u16) -> [bool; 2] {
        [0, 1].map(|at| {
            let Some(packet) = self.ends[at].says(sequence, self.now) else {
                return false;
            };
            let from = self.ends[at].address;
            self.ends[1 - at].hears(from, &packet, self.now)
        })
    }
}

#[test]
fn two_ends_have_keys_after_a_handshake_and_not_before() {
    for more in ["", "a=rtcp-mux\r\n"] {
        let mut pair = Pair::new(0.0, more, 1);
        assert_eq!(pair.talk(1), [false; 2], "without a key nothing goes out");
        pair.ends[0].session.play(Arc::new(vec![vec![1; 160]; 2]), pair.now);
        assert!(pair.ends[0].session.tick(pair.now).is_none(), "a voice waits until it can be heard");
        pair.run(Duration::from_millis(300));
        for at in [0, 1] {
            assert!(pair.ends[0].session.tick(pair.now).is_some(), "{at}: and is heard from its beginning");
            pair.now += 20 * MILLI;
        }
        assert_eq!(pair.talk(2), [true; 2]);
        let later = pair.now + Duration::from_secs(6);
        let (_, report, is_with_sound) = pair.ends[1].session.report(later).expect("a report is due");
        assert_eq!(is_with_sound, !more.is_empty());
        let heard_until = pair.ends[0].session.lost_at();
        let from = pair.ends[1].address;
        if is_with_sound {
            pair.ends[0].session.receive(from, &report, later);
        } else {
            pair.ends[0].session.receive_report(from, &report, later);
        }
        assert!(heard_until < pair.ends[0].session.lost_at(), "the report is read, too");
        assert!(pair.datagrams <= if more.is_empty() { 20 } else { 10 }, "{} datagrams", pair.datagrams);
    }
}

#[test]
fn what_gets_lost_is_sent_again() {
    let mut most = 0;
    for seed in 0..40 {
        let mut pair = Pair::new(0.1, "a=rtcp-mux\r\n", seed);
        pair.run(HANDSHAKE_MAX);
        assert_eq!(pair.talk(1), [true; 2], "{seed}");
        most = most.max(pair.datagrams);
    }
    assert!((most as u32) < HANDSHAKE_DATAGRAMS_MAX / 2, "{most} datagrams");
}

#[test]
fn on_a_dead_line_it_is_given_up() {
    let mut pair = Pair::new(1.0, "a=rtcp-mux\r\n", 1);
    assert_eq!(pair.ends[0].session.lost_at(), Some(pair.now + SILENCE_MAX));
    pair.run(HANDSHAKE_MAX + Duration::from_secs(1));
    for end in &pair.ends {
        assert!(end.session.lost_at().is_some_and(|at| at <= pair.now), "the call has no sound and is over");
    }
    assert!(pair.datagrams < 20, "{} datagrams", pair.datagrams);
    pair.loss = 0.0;
    pair.run(Duration::from_secs(10));
    assert_eq!(pair.talk(1), [false; 2], "late is too late");
}

#[test]
fn somebody_else_with_a_good_certificate_is_nobody() {
    let mut pair = Pair::new(0.0, "a=rtcp-mux\r\n", 1);
    let stranger = Certificate::make();
    pair.ends[1] = End::new((&stranger, Role::Client), &identity(), "a=rtcp-mux\r\n", 7800, pair.now);
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.talk(1), [false; 2], "a stranger calls");
    assert!(pair.ends[0].session.lost_at().is_some_and(|at| at <= pair.now));

    let mut pair = Pair::new(0.0, "a=rtcp-mux\r\n", 2);
    let phone = Certificate::make();
    pair.ends[0] = End::new((&stranger, Role::Server), &phone, "a=rtcp-mux\r\n", 4000, pair.now);
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.talk(1), [false; 2], "a stranger is called");
    assert!(pair.ends[1].session.lost_at().is_some_and(|at| at <= pair.now));
}

#[test]
fn a_change_keeps_the_keys_and_another_certificate_or_place_brings_others() {
    let now = World::new("").now;
    let phone = Certificate::make();
    let mut pair = Pair::new(0.0, "a=rtcp-mux\r\n", 1);
    pair.ends[0] = End::new((&identity(), Role::Server), &phone, "a=rtcp-mux\r\n", 4000, now);
    pair.ends[1] = End::new((&phone, Role::Client), &identity(), "a=rtcp-mux\r\n", 7800, now);
    pair.run(Duration::from_millis(300));
    assert_eq!(pair.talk(1), [true; 2]);
    let ours = Ours::Dtls(identity(), Role::Server);
    let [held, resumed] =
        ["a=sendonly\r\na=rtcp-mux\r\n", "a=rtcp-mux\r\n"].map(|more| description(&phone, "actpass", more));
    // On hold in both ways there are, and back.
    for sdp in [&held, &resumed.replace("192.0.2.7", "0.0.0.0"), &resumed] {
        pair.ends[0].session.change(agreed(sdp), Some(&ours), pair.now);
    }
    assert_eq!((pair.ends[0].session.shake_due(), pair.talk(2)), (None, [true; 2]), "as it was");
    // The phone has moved: it makes a handshake from there, and until then the keys are good.
    let moved = agreed(&resumed.replace("4000", "5000"));
    pair.ends[0].session.change(moved, Some(&ours), pair.now);
    assert_eq!(pair.talk(3), [true; 2]);
    pair.ends[1] = End::new((&phone, Role::Client), &identity(), "a=rtcp-mux\r\n", 5000, pair.now);
    pair.run(Duration::from_millis(300));
    assert_eq!(pair.talk(4), [true; 2]);
    // Somebody else takes the call: the old keys are no good at once.
    let other = Certificate::make();
    let taken = agreed(&description(&other, "active", "a=rtcp-mux\r\n"));
    pair.ends[0].session.change(taken, Some(&ours), pair.now);
    assert_eq!(pair.talk(5), [false; 2]);
    pair.ends[1] = End::new((&other, Role::Client), &identity(), "a=rtcp-mux\r\n", 4000, pair.now);
    pair.run(Duration::from_millis(300));
    assert_eq!(pair.talk(6), [true; 2]);
}

/// What either of the two sends in a handshake that goes well.
fn recorded() -> Vec<(usize, Vec<u8>)> {
    let mut pair = Pair::new(0.0, "a=rtcp-mux\r\n", 1);
    let mut sent = Vec::new();
    for _ in 0..20 {
        pair.flush();
        while let Some((to, _, bytes, _)) = pair.line.pop_front() {
            let from = pair.ends[1 - to].address;
            pair.ends[to].session.receive(from, &bytes, pair.now);
            sent.push((to, bytes));
        }
    }
    sent
}

#[test]
fn rubbish_is_dropped_and_hurts_nobody() {
    let mut chance = StdRng::seed_from_u64(8);
    let samples = recorded();
    for seed in 0..300 {
        let mut pair = Pair::new(0.0, "a=rtcp-mux\r\n", seed);
        for _ in 0..chance.random_range(1..8) {
            let (to, sample) = &samples[chance.random_range(0..samples.len())];
            let mut bytes = sample.clone();
            for _ in 0..chance.random_range(1..6) {
                let at = chance.random_range(0..bytes.len());
                match chance.random_range(0..4) {
                    0 => bytes[at] = chance.random(),
                    1 => bytes[at] ^= 1 << chance.random_range(0..8),
                    2 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, chance.random()),
                }
            }
            let from = pair.ends[1 - to].address;
            let _ = pair.ends[*to].session.receive(from, &bytes, pair.now);
            pair.run(Duration::from_millis(chance.random_range(0..200)));
        }
        // Whatever has become of it, nothing is heard that should not be, and all ends.
        pair.run(HANDSHAKE_MAX);
        assert!(pair.ends.iter().all(|end| end.session.shake_due().is_none()), "{seed}");
    }
}

#[test]
fn records_that_are_not_whole_are_not_even_looked_at() {
    for (_, sample) in recorded() {
        for length in 1..sample.len() {
            let mut pair = Pair::new(0.0, "a=rtcp-mux\r\n", 1);
            let from = pair.ends[1].address;
            let _ = pair.ends[0].session.receive(from, &sample[..length], pair.now);
            assert!(pair.ends[0].session.lost_at().is_some_and(|at| pair.now < at), "{length}");
            if length % 50 == 1 {
                pair.now += Duration::from_secs(1);
                pair.run(Duration::from_secs(2));
                let is_record = sample.starts_with(&[22, 0xfe]) && pair.talk(1) == [true; 2];
                assert!(is_record || sample[0] != 22, "{length}: the handshake goes on");
            }
        }
    }
}

#[test]
fn after_so_many_datagrams_no_more_are_read() {
    let mut pair = Pair::new(0.0, "a=rtcp-mux\r\n", 1);
    let (_, hello) = recorded().remove(0);
    let from = pair.ends[1].address;
    let mut answers = 0;
    for number in 0..HANDSHAKE_DATAGRAMS_MAX as u16 * 4 {
        let mut hello = hello.clone();
        // Another record each time, so that none is taken for one that comes twice.
        hello[9..11].copy_from_slice(&number.to_be_bytes());
        let _ = pair.ends[0].session.receive(from, &hello, pair.now);
        while pair.ends[0].session.shake(pair.now).is_some() {
            answers += 1;
        }
    }
    assert!(answers <= HANDSHAKE_DATAGRAMS_MAX, "{answers} answers");
}

#[test]
fn a_fingerprint_is_missing_or_bad_and_the_call_is_refused() {
    let good = description(&identity(), "actpass", "");
    let fingerprint = identity().fingerprint().write();
    for wrong in [
        good.replace(&format!("a=fingerprint:{fingerprint}\r\n"), ""),
        good.replace("sha-256", "sha-1"),
        good.replace("sha-256", "md5"),
        good.replace(":", ": "),
        good.replace("setup:actpass", "setup:holdconn"),
        good.replace(&fingerprint, &fingerprint[..fingerprint.len() - 3]),
    ] {
        let mut world = World::new("");
        let mut ann = Phone::new("ann", Transport::Tcp);
        assert_eq!(Agreement::choose(&wrong, None).err(), Some(SdpError::Fingerprint), "{wrong}");
        let invite = ann.request("INVITE", &wrong);
        assert_eq!(ann.ask(&mut world, &invite), 488, "{wrong}");
        let (_, answer) = world.sent.first().expect("it is answered");
        assert!(answer.starts_with(b"SIP/2.0 488 No fingerprint"), "it says why");
        assert!(world.lines.is_empty());
    }
}

#[test]
fn who_offers_a_handshake_is_answered_with_ours() {
    let phone = Certificate::make();
    for (setup, ours) in [("actpass", "passive"), ("active", "passive"), ("passive", "active")] {
        for profile in ["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "RTP/SAVP", "RTP/AVP"] {
            let mut world = World::new("");
            let mut ann = Phone::new("ann", Transport::Tcp);
            let offer = description(&phone, setup, "").replace("UDP/TLS/RTP/SAVP", profile);
            let invite = ann.request("INVITE", &offer);
            assert_eq!(ann.ask(&mut world, &invite), 200, "{profile}");
            let (_, bytes) = world.sent.first().expect("it is answered");
            let message = Message::parse(bytes).expect("we send good messages");
            let answer = String::from_utf8_lossy(&message.body).into_owned();
            assert!(answer.contains(&format!("m=audio 7800 {profile} 0 101\r\n")), "{answer}");
            assert!(answer.contains(&format!("a=setup:{ours}\r\n")), "{answer}");
            let line = format!("a=fingerprint:{}\r\n", identity().fingerprint().write());
            assert!(answer.contains(&line) && !answer.contains("a=crypto"), "{answer}");
            assert!(world.joined[0].2.is_encrypted);
            let session = world.sessions.values_mut().next().expect("the call has a session");
            assert_eq!(session.shake(world.now).is_some(), ours == "active", "who is active begins");
        }
    }
}

#[test]
fn the_profile_says_which_of_several_keys_counts() {
    let phone = Certificate::make();
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n";
    let both = description(&phone, "actpass", key);
    let is_dtls = |sdp: &str| matches!(agreed(sdp).protection, Some(Theirs::Dtls(_)));
    assert!(is_dtls(&both));
    for profile in ["RTP/SAVP", "RTP/AVPF"] {
        assert!(!is_dtls(&both.replace("UDP/TLS/RTP/SAVP", profile)), "{profile}");
    }
    // The sound is offered twice, and of the first way there is nothing that we have.
    let twice = description(&phone, "actpass", "").replace("sha-256", "sha-1") + "m=audio 4002 RTP/AVP 0\r\n";
    let taken = agreed(&twice);
    assert_eq!((taken.remote.port(), taken.protection), (4002, None));
    // What is said of the whole session counts where nothing is said of the sound.
    let fingerprint = format!("a=fingerprint:{}\r\n", phone.fingerprint().write());
    let of_all = both.replace(&fingerprint, "").replace("t=0 0\r\n", &format!("t=0 0\r\n{fingerprint}"));
    assert!(is_dtls(&of_all));
}

#[test]
fn a_changed_call_keeps_its_role() {
    let phone = Certificate::make();
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Tcp);
    assert_eq!(ann.call(&mut world, &description(&phone, "passive", "")), 200);
    let again = ann.request("INVITE", &description(&phone, "actpass", "a=sendonly\r\n"));
    world.sent.clear();
    world.receive(ann.flow, again.as_bytes());
    let answer = |world: &World| String::from_utf8_lossy(&world.sent[0].1).into_owned();
    assert!(answer(&world).contains("a=setup:active\r\n"), "{}", answer(&world));
    let ack = ann.ack("");
    world.receive(ann.flow, ack.as_bytes());
    // And who has us offer is offered the same.
    let empty = ann.request("INVITE", "");
    world.sent.clear();
    world.receive(ann.flow, empty.as_bytes());
    let offer = answer(&world);
    assert!(offer.contains("UDP/TLS/RTP/SAVP") && offer.contains("a=setup:active\r\n"), "{offer}");
    // An answer that is not encrypted is no answer to that.
    let ack = ann.ack(PCMU);
    world.sent.clear();
    world.receive(ann.flow, ack.as_bytes());
    assert_eq!(world.answers(), ["BYE"]);
}
