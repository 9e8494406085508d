//! People who are called into a meeting, by way of a provider.

use convene_conference::Codec;
use convene_pipelines::CallerNames;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::calls::records;
use super::phone::{Phone, answer_to};
use super::support::{Client, Meeting, PATIENCE, Scene, scene_with};

const DAN: f64 = 440.0;
const EVE: f64 = 1000.0;

/// Who connects the service with the telephone network: it knows us, and passes every call on to a telephone of the test's.
struct Provider {
    signalling: UdpSocket,
}

impl Provider {
    async fn new() -> Self {
        Self { signalling: UdpSocket::bind("127.0.0.1:0").await.unwrap() }
    }

    fn uri(&self) -> String {
        format!("sip:{};transport=udp", self.signalling.local_addr().unwrap())
    }

    /// The next request of this kind; registrations are granted on the way.
    async fn next(&self, method: &str) -> String {
        loop {
            let mut bytes = [0; 4096];
            let received = timeout(PATIENCE, self.signalling.recv_from(&mut bytes)).await;
            let (count, from) = received.unwrap_or_else(|_| panic!("no {method} came")).unwrap();
            self.signalling.connect(from).await.unwrap();
            let request = String::from_utf8(bytes[..count].to_vec()).unwrap();
            if request.starts_with("REGISTER ") {
                self.answer(&request, "200 OK").await;
            } else if request.starts_with(&format!("{method} ")) {
                return request;
            }
        }
    }

    async fn answer(&self, request: &str, status: &str) {
        self.signalling.send(answer_to(request, status, "", "").as_bytes()).await.unwrap();
    }
}

async fn meeting(provider: &Provider) -> (Scene, Meeting, Client, u16) {
    let scene = scene_with(|config| {
        config.sip_udp_port = Some(0);
        config.sip_names = CallerNames::Never;
        config.sip_trunk = Some(provider.uri());
        config.sip_call_out = vec!["+49".into()];
    })
    .await;
    let meeting = scene.start_meeting().await;
    let (ann, joined) = scene.join(&meeting.code, "Ann", Some(&meeting.token)).await;
    assert_eq!(joined["dial_in"]["call_out"], true);
    let port = joined["dial_in"]["udp_port"].as_u64().expect("a port").try_into().unwrap();
    (scene, meeting, ann, port)
}

/// Waits until the only call is told to be this far.
async fn told(ann: &mut Client, state: &str) -> Value {
    loop {
        let calls = ann.told_of("call_outs").await["calls"].clone();
        if calls[0]["state"] == state {
            return calls[0].clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_called_joins_by_a_key_and_hears_and_is_heard() {
    let provider = Provider::new().await;
    let (scene, meeting, mut ann, port) = meeting(&provider).await;
    let eve = Phone::call(port, "Eve", Codec::G722, EVE).await;
    eve.press(&format!("{}#", meeting.code));
    ann.told_of("participant_joined").await;

    ann.tell(json!({"type": "call_out", "number": "+49 30 123", "name": "Dan"})).await;
    let invite = provider.next("INVITE").await;
    assert!(invite.starts_with("INVITE sip:+4930123@127.0.0.1;user=phone SIP/2.0"), "{invite}");
    provider.answer(&invite, "180 Ringing").await;
    let ringing = told(&mut ann, "ringing").await;
    assert_eq!((&ringing["number"], &ringing["name"]), (&json!("+4930123"), &json!("Dan")));
    // The door is locked, and the host wants them all the same.
    ann.tell(json!({"type": "lock", "on": true})).await;
    ann.told_of("locked").await;
    let dan = Phone::pick_up(provider.signalling, &invite, "Dan", (Codec::Pcmu, DAN)).await;
    told(&mut ann, "answered").await;
    eve.hears(DAN, false).await;
    dan.press("1");
    let joined = ann.told_of("participant_joined").await["participant"].clone();
    assert_eq!((&joined["name"], &joined["telephone"]), (&json!("Dan"), &json!(true)));
    assert_eq!(ann.told_of("call_outs").await["calls"], json!([]));
    eve.hears(DAN, true).await;
    dan.hears(EVE, true).await;
    dan.press("*5");
    assert_eq!(ann.told_of("participant_changed").await["participant"]["hand"], true);

    ann.tell(json!({"type": "end"})).await;
    dan.is_hung_up().await;
    let data = scene.stop().await;
    let written = records(data.path(), 2).await;
    let out =
        written.iter().find(|record| record["direction"] == "out").expect("who was called is written down");
    assert_eq!(
        (&out["trunk"], &out["codec"], &out["reason"]),
        (&json!(true), &json!("PCMU"), &json!("dismissed"))
    );
    assert_eq!(out["meeting"], written.iter().find(|record| record["direction"] == "in").unwrap()["meeting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_told_why_nobody_comes_and_takes_calls_back() {
    let provider = Provider::new().await;
    let (scene, meeting, mut ann, _) = meeting(&provider).await;
    let (mut bob, joined) = scene.join(&meeting.code, "Bob", None).await;
    assert_eq!(joined["dial_in"]["call_out"], false);
    for (is_host, message, words) in [
        (false, json!({"type": "call_out", "number": "+49301"}), "Only the host"),
        (true, json!({"type": "call_out", "number": "+44201"}), "does not call that number"),
        (true, json!({"type": "call_out", "number": "sip:dan@example.org"}), "1 to 20 digits"),
        (true, json!({"type": "call_out", "number": "+49301", "name": "\u{7}"}), "control character"),
    ] {
        let who = if is_host { &mut ann } else { &mut bob };
        who.tell(message).await;
        let sentence = who.told_of("error").await["message"].as_str().expect("a sentence").to_owned();
        assert!(sentence.contains(words), "{sentence}");
    }
    ann.tell(json!({"type": "call_out", "number": "+49301"})).await;
    let invite = provider.next("INVITE").await;
    provider.answer(&invite, "603 Decline").await;
    provider.next("ACK").await;
    let failed = told(&mut ann, "failed").await;
    assert_eq!(failed["message"], "They declined.");
    ann.tell(json!({"type": "call_out_stop", "id": failed["id"]})).await;
    assert_eq!(ann.told_of("call_outs").await["calls"], json!([]));

    ann.tell(json!({"type": "call_out", "number": "+49302"})).await;
    let invite = provider.next("INVITE").await;
    provider.answer(&invite, "180 Ringing").await;
    let ringing = told(&mut ann, "ringing").await;
    ann.tell(json!({"type": "call_out_stop", "id": ringing["id"]})).await;
    let cancel = provider.next("CANCEL").await;
    provider.answer(&cancel, "200 OK").await;
    provider.answer(&invite, "487 Request Terminated").await;
    provider.next("ACK").await;
    let data = scene.stop().await;
    let ends: Vec<_> = records(data.path(), 2)
        .await
        .iter()
        .map(|record| (record["reason"].clone(), record["status"].clone()))
        .collect();
    assert_eq!(ends, [(json!("declined"), json!(603)), (json!("cancelled"), Value::Null)]);
}
