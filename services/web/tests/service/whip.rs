//! Programs that send by WHIP and watch by WHEP.

use std::net::SocketAddr;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::metrics::scrape;
use super::screen::{Screen, pixels, present};
use super::support::{Client, Meeting, Scene, scene_with};
use super::whip_peer::{Got, Peer};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// A meeting with its host, who gives out passes.
struct Stage {
    scene: Scene,
    meeting: Meeting,
    ann: Client,
}

async fn stage() -> Stage {
    // Peers on this machine are reached by its own addresses, as libnice has none on the loopback.
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let free = std::net::UdpSocket::bind(everywhere).unwrap().local_addr().unwrap().port();
    let scene = scene_with(|config| {
        (config.listen, config.media_port) = (everywhere, free);
        config.metrics = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let meeting = scene.start_meeting().await;
    let ann = scene.join_host(&meeting).await;
    Stage { scene, meeting, ann }
}

/// A request that was answered.
struct Answered {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Answered {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        assert_eq!(headers["access-control-allow-origin"], "*");
        Self { status, headers, body: response.text().await.unwrap() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The sentence of a problem.
    fn detail(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body);
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        problem["detail"].as_str().unwrap().to_owned()
    }
}

impl Stage {
    /// A new pass's token.
    async fn allow(&mut self, kind: &str, name: &str) -> String {
        self.ann.tell(json!({"type": "stream_allow", "kind": kind, "name": name})).await;
        let told = self.ann.told_of("passes").await;
        let pass = told["passes"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((pass["kind"].as_str(), pass["name"].as_str()), (Some(kind), Some(name)));
        pass["token"].as_str().unwrap().to_owned()
    }

    async fn ask(
        &self,
        (method, path): (Method, &str),
        token: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answered {
        let mut request = self.scene.http.request(method, self.scene.url(path)).body(body.to_owned());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answered::of(request.send().await.unwrap()).await
    }

    /// A player that has seen the white picture of a participant, and heard something.
    async fn see_and_hear(&self, token: &str, id: &Value) -> (Peer, Answered) {
        let (player, watched) = self.watch(token, &format!("?participant={id}")).await;
        let heard: fn(&Got) -> bool = |got| matches!(got, Got::Sound(loudness) if 0.1 < *loudness);
        (expect(player, vec![WHITE, heard]).await, watched)
    }

    /// A player, which may say in its query whom it wants to see.
    async fn watch(&self, token: &str, query: &str) -> (Peer, Answered) {
        let player = Peer::player();
        let path = format!("/whep/{}{query}", self.meeting.code);
        let watched = self.ask((Method::POST, &path), token, &[("content-type", SDP)], &player.offer()).await;
        assert_eq!(watched.status, 201, "{}", watched.body);
        player.accept(&watched.body);
        (player, watched)
    }

    async fn post(&self, protocol: &str, token: &str, offer: &str) -> Answered {
        let path = format!("/{protocol}/{}", self.meeting.code);
        self.ask((Method::POST, &path), token, &[("content-type", SDP)], offer).await
    }
}

/// The picture of whoever sends by WHIP.
const WHITE: fn(&Got) -> bool = |got| matches!(got, Got::Picture(luma) if 200 < *luma);

/// Waits until all of these have come.
async fn expect(player: Peer, wanted: Vec<fn(&Got) -> bool>) -> Peer {
    let waited = tokio::task::spawn_blocking(move || {
        player.expect(wanted);
        player
    });
    waited.await.unwrap()
}

/// As an encoder offers that never comes to connect.
fn offer(lines: &[(&str, &str, &str)]) -> String {
    let fingerprint = vec!["AB"; 32].join(":");
    let mut sdp = "v=0\r\no=- 77 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n".to_owned();
    for (number, (kind, codec, direction)) in lines.iter().enumerate() {
        let payload = 96 + number;
        sdp += &format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF {payload}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:u123\r\na=ice-pwd:apasswordof24letterslong\r\n\
             a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:{number}\r\na={direction}\r\na=rtcp-mux\r\n\
             a=rtpmap:{payload} {codec}\r\n"
        );
    }
    sdp
}

/// As it offers a voice and a camera.
pub fn sending() -> String {
    offer(&[("audio", "opus/48000/2", "sendonly"), ("video", "VP8/90000", "sendonly")])
}

#[tokio::test(flavor = "multi_thread")]
async fn one_program_sends_and_another_sees_and_hears_it() {
    let mut stage = stage().await;
    let (send, watch) = (stage.allow("send", "Camera 2").await, stage.allow("watch", "Lobby").await);
    let sender = Peer::sender();
    let published = stage.post("whip", &send, &sender.offer()).await;
    assert_eq!((published.status, published.header("content-type")), (201, SDP), "{}", published.body);
    assert!(
        published.header("link").contains("rel=\"ice-server\"; username="),
        "{}",
        published.header("link")
    );
    sender.accept(&published.body);
    let camera = stage.ann.told_of("participant_joined").await["participant"].clone();
    assert_eq!(
        camera,
        json!({"id": camera["id"], "name": "Camera 2", "host": false, "camera": true, "microphone": true,
               "hand": false, "telephone": false, "stream": true})
    );

    let (player, watched) = stage.see_and_hear(&watch, &camera["id"]).await;
    let lobby = stage.ann.told_of("participant_joined").await["participant"].clone();
    assert_eq!(
        (&lobby["name"], &lobby["camera"], &lobby["microphone"]),
        (&json!("Lobby"), &json!(false), &json!(false))
    );

    let seen = scrape(&stage.scene).await;
    assert_eq!(seen.value(r#"convene_participants{kind="program"}"#), 2.0);
    assert_eq!(seen.value("convene_mixers"), 1.0);
    for counted in [
        "convene_relay_video_packets_total",
        "convene_relay_video_granted_bytes_per_second",
        "convene_mixer_frames_total",
        r#"convene_mixer_voice_frames_total{outcome="decoded"}"#,
    ] {
        assert!(0.0 < seen.value(counted), "{counted}");
    }

    let ended = stage.ask((Method::DELETE, watched.header("location")), &watch, &[], "").await;
    assert_eq!(ended.status, 200);
    assert_eq!(stage.ann.told_of("participant_left").await["id"], lobby["id"]);
    drop((player, sender));
    assert_eq!(stage.ask((Method::DELETE, published.header("location")), &send, &[], "").await.status, 200);
    assert_eq!(stage.ann.told_of("participant_left").await["id"], camera["id"]);
    stage.scene.stop().await;
}

/// Programs know nothing of our own codec.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_screen_comes_before_cameras_for_a_program_that_watches() {
    const GREY: fn(&Got) -> bool = |got| matches!(got, Got::Picture(luma) if (60..130).contains(luma));
    const DARK: fn(&Got) -> bool = |got| matches!(got, Got::Picture(luma) if *luma < 40);
    let flat = |value: u8| vec![value; pixels(0).len()];
    let mut stage = stage().await;
    let (send, watch) = (stage.allow("send", "Camera 2").await, stage.allow("watch", "Lobby").await);
    let sender = Peer::sender();
    sender.accept(&stage.post("whip", &send, &sender.offer()).await.body);
    let (early, _) = stage.watch(&watch, "").await;
    let early = expect(early, vec![WHITE]).await;

    let mut screen = Screen::new();
    present(&mut stage.ann).await;
    stage.ann.send_screen(screen.show(&flat(90))).await;
    let early = expect(early, vec![GREY]).await;
    // A screen that rests is there all the same, for who has come before and for who comes now.
    let (late, _) = stage.watch(&watch, "").await;
    let late = expect(late, vec![GREY]).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    early.forget();
    let early = expect(early, vec![GREY]).await;
    stage.ann.send_screen(screen.show(&flat(5))).await;
    let (early, late) = (expect(early, vec![DARK]).await, expect(late, vec![DARK]).await);

    stage.ann.tell(json!({"type": "present_stop"})).await;
    drop((expect(early, vec![WHITE]).await, expect(late, vec![WHITE]).await, sender));
    stage.scene.stop().await;
}

/// OBS and FFmpeg have no other codec for WHIP; who watches gets VP8.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_sends_h264_is_seen_and_heard() {
    let mut stage = stage().await;
    let (send, watch) = (stage.allow("send", "OBS").await, stage.allow("watch", "Lobby").await);
    let sender = Peer::sender_in_h264();
    let published = stage.post("whip", &send, &sender.offer()).await;
    assert_eq!(published.status, 201, "{}", published.body);
    assert!(published.body.contains("H264/90000") && !published.body.contains("VP8"), "{}", published.body);
    sender.accept(&published.body);
    let camera = stage.ann.told_of("participant_joined").await["participant"].clone();
    assert_eq!((&camera["name"], &camera["camera"]), (&json!("OBS"), &json!(true)));

    let (player, _) = stage.see_and_hear(&watch, &camera["id"]).await;
    drop((player, sender));
    assert_eq!(stage.ask((Method::DELETE, published.header("location")), &send, &[], "").await.status, 200);
    stage.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_tended_by_its_own_pass() {
    let mut stage = stage().await;
    let (token, other) = (stage.allow("send", "OBS").await, stage.allow("send", "Other").await);
    let begun = stage.post("whip", &token, &sending()).await;
    assert_eq!((begun.status, begun.header("etag")), (201, "\"0\""), "{}", begun.body);
    let place = begun.header("location").to_owned();
    let fragment = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";
    let patch = async |token: &str, tag: &[(&str, &str)], body: &str| {
        let headers = [tag, &[("content-type", FRAGMENT)]].concat();
        stage.ask((Method::PATCH, &place), token, &headers, body).await
    };
    let candidate = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 61764 typ host\r\n";
    assert_eq!(patch(&token, &[("if-match", "\"0\"")], candidate).await.status, 204);
    assert_eq!(patch(&token, &[], candidate).await.status, 428);
    assert_eq!(patch(&other, &[("if-match", "\"0\"")], candidate).await.status, 404);
    assert_eq!(patch(&token, &[("if-match", "*")], candidate).await.status, 422);

    let restarted = patch(&token, &[("if-match", "*")], fragment).await;
    assert_eq!((restarted.status, restarted.header("etag")), (200, "\"1\""), "{}", restarted.body);
    let password = |text: &str| text.lines().find(|line| line.starts_with("a=ice-pwd:")).map(str::to_owned);
    assert!(password(&restarted.body).is_some() && password(&restarted.body) != password(&begun.body));
    assert!(restarted.body.contains("a=candidate:"), "{}", restarted.body);
    assert_eq!(patch(&token, &[("if-match", "\"0\"")], candidate).await.status, 412);
    assert_eq!(patch(&token, &[("if-match", "\"1\"")], candidate).await.status, 204);

    assert_eq!(stage.ask((Method::DELETE, &place), "", &[], "").await.status, 401);
    assert_eq!(stage.ask((Method::DELETE, &place), &other, &[], "").await.status, 404);
    assert_eq!(stage.ask((Method::DELETE, &place), &token, &[], "").await.status, 200);
    assert_eq!(stage.ask((Method::DELETE, &place), &token, &[], "").await.status, 404);
    stage.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said() {
    let mut stage = stage().await;
    let (send, watch) = (stage.allow("send", "OBS").await, stage.allow("watch", "Wall").await);
    let stranger = "x".repeat(32);
    let refused = stage.post("whip", &stranger, &sending()).await;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Bearer"));
    for (protocol, token) in [("whip", ""), ("whip", "short"), ("whip", &*watch), ("whep", &*send)] {
        let again = stage.post(protocol, token, &sending()).await;
        assert_eq!((again.status, &again.body), (401, &refused.body));
    }
    let unknown =
        stage.ask((Method::POST, "/whip/000000000"), &send, &[("content-type", SDP)], &sending()).await;
    assert_eq!(
        (unknown.status, &unknown.body),
        (401, &refused.body),
        "nobody learns which meetings there are"
    );

    let av1 = offer(&[("audio", "opus/48000/2", "sendonly"), ("video", "AV1/90000", "sendonly")]);
    let sentence = "The offer's video is AV1. Meetings take VP8 and H.264 from programs, and show them VP8: choose that as the program's codec.";
    let said = stage.post("whip", &send, &av1).await;
    assert_eq!((said.status, said.detail().as_str()), (422, sentence));
    for (status, body) in [
        (422, offer(&[])),
        (422, offer(&[("video", "VP8/90000", "recvonly")])),
        (400, String::new()),
        (400, "hello".into()),
        (400, format!("{}\0", sending())),
        (400, sending().replace("a=mid", "a=nothing").replace("a=fingerprint", "a=nothing")),
        (413, format!("v=0{}", "x".repeat(64 * 1024))),
    ] {
        let refused = stage.post("whip", &send, &body).await;
        assert_eq!(refused.status, status, "{}", refused.body);
        assert!(20 < refused.detail().len());
    }
    let path = format!("/whip/{}", stage.meeting.code);
    assert_eq!(
        stage.ask((Method::POST, &path), &send, &[("content-type", "text/plain")], "v=0").await.status,
        415
    );
    let wrong = stage.ask((Method::GET, &path), &send, &[], "").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "POST, OPTIONS"));
    let query = format!("/whep/{}?participant=ann", stage.meeting.code);
    assert_eq!(
        stage.ask((Method::POST, &query), &watch, &[("content-type", SDP)], &sending()).await.status,
        400
    );
    stage.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_may_ask() {
    let stage = stage().await;
    for (path, methods) in [("", "POST, OPTIONS"), ("/session", "PATCH, DELETE, OPTIONS")] {
        let path = format!("/whip/{}{path}", stage.meeting.code);
        let asked =
            stage.ask((Method::OPTIONS, &path), "", &[("origin", "https://other.example.org")], "").await;
        assert_eq!(asked.status, StatusCode::NO_CONTENT.as_u16());
        assert_eq!(asked.header("access-control-allow-methods"), methods);
        assert_eq!(asked.header("access-control-allow-headers"), "Authorization, Content-Type, If-Match");
        assert_eq!(asked.header("access-control-expose-headers"), "Location, ETag, Link");
    }
    stage.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_ends_when_the_host_takes_it_back_and_with_the_meeting() {
    let mut stage = stage().await;
    let mut bob = stage.scene.join_in(&stage.meeting.code, "Bob").await;
    bob.tell(json!({"type": "stream_allow", "kind": "send", "name": "OBS"})).await;
    assert_eq!(bob.told_error().await, "Only the host can let programs into the meeting.");
    let (first, second) = (stage.allow("send", "OBS").await, stage.allow("send", "Other").await);
    let begun = stage.post("whip", &first, &sending()).await;
    assert_eq!(begun.status, 201, "{}", begun.body);
    let obs = bob.told_of("participant_joined").await["participant"]["id"].clone();
    // It comes back, on another connection, and takes its own place.
    assert_eq!(stage.post("whip", &first, &sending().replace("o=- 77", "o=- 78")).await.status, 201);
    assert_eq!(bob.told_of("participant_left").await["id"], obs);
    let obs = bob.told_of("participant_joined").await["participant"]["id"].clone();
    assert_eq!(stage.ask((Method::DELETE, begun.header("location")), &first, &[], "").await.status, 404);

    stage.ann.tell(json!({"type": "mute", "id": obs})).await;
    assert_eq!(bob.told_of("participant_changed").await["participant"]["microphone"], false);
    stage.ann.tell(json!({"type": "stream_forbid", "id": 1})).await;
    assert_eq!(bob.told_of("participant_left").await["id"], obs);
    assert_eq!(stage.post("whip", &first, &sending()).await.status, 401);
    let left = stage.ann.told_of("passes").await;
    assert_eq!((left["passes"].as_array().unwrap().len(), &left["passes"][0]["name"]), (1, &json!("Other")));

    assert_eq!(stage.post("whip", &second, &sending()).await.status, 201);
    stage.ann.tell(json!({"type": "end"})).await;
    bob.closed().await;
    assert_eq!(stage.post("whip", &second, &sending()).await.status, 401);
    stage.scene.stop().await;
}
