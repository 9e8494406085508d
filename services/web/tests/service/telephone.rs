//! A meeting that is called by telephone, judged by what each caller hears.

use convene_conference::Codec;
use convene_pipelines::CallerNames;
use serde_json::{Value, json};

use super::metrics::scrape;
use super::phone::Phone;
use super::support::{Client, Meeting, Scene, scene, scene_with};

const DAN: f64 = 440.0;
const EVE: f64 = 1000.0;

/// A meeting with Ann, its host, and the port to call.
async fn meeting() -> (Scene, Meeting, Client, u16, Value) {
    meeting_with(CallerNames::Never).await
}

async fn meeting_with(names: CallerNames) -> (Scene, Meeting, Client, u16, Value) {
    let scene = scene_with(|config| {
        config.sip_udp_port = Some(0);
        config.sip_names = names;
    })
    .await;
    let meeting = scene.start_meeting().await;
    let (ann, joined) = scene.join(&meeting.code, "Ann", Some(&meeting.token)).await;
    let dial_in = joined["dial_in"].clone();
    let port = dial_in["udp_port"].as_u64().expect("a port").try_into().unwrap();
    (scene, meeting, ann, port, dial_in)
}

/// Somebody who has called and is in.
async fn caller(
    ann: &mut Client,
    (code, port): (&str, u16),
    name: &'static str,
    (codec, hertz): (Codec, f64),
) -> (Phone, Value) {
    let phone = Phone::call(port, name, codec, hertz).await;
    phone.press(&format!("{code}#"));
    let joined = ann.told_of("participant_joined").await["participant"].clone();
    assert_eq!(
        (&joined["name"], &joined["telephone"], &joined["microphone"]),
        (&json!(name), &json!(true), &json!(true))
    );
    (phone, joined["id"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_hear_each_other_are_muted_and_leave() {
    let (scene, meeting, mut ann, port, _) = meeting().await;
    let (dan, dan_id) = caller(&mut ann, (&meeting.code, port), "Dan", (Codec::Pcmu, DAN)).await;
    let (eve, eve_id) = caller(&mut ann, (&meeting.code, port), "Eve", (Codec::G722, EVE)).await;
    dan.hears(EVE, true).await;
    eve.hears(DAN, true).await;
    dan.hears(DAN, false).await;
    eve.hears(EVE, false).await;
    let both = [json!(dan_id), json!(eve_id)];
    loop {
        let told = ann.told_of("speakers").await;
        if both.iter().all(|id| told["ids"].as_array().unwrap().contains(id)) {
            break;
        }
    }

    ann.tell(json!({"type": "mute", "id": dan_id})).await;
    assert_eq!(ann.told_of("participant_changed").await["participant"]["microphone"], false);
    eve.hears(DAN, false).await;
    dan.hears(EVE, true).await;
    dan.press("*6");
    assert_eq!(ann.told_of("participant_changed").await["participant"]["microphone"], true);
    eve.hears(DAN, true).await;

    dan.hang_up().await;
    assert_eq!(ann.told_of("participant_left").await["id"], dan_id);
    eve.hears(DAN, false).await;
    // Somebody else on the seat that was left.
    let (fay, _) = caller(&mut ann, (&meeting.code, port), "Fay", (Codec::Pcma, DAN)).await;
    eve.hears(DAN, true).await;
    fay.hears(EVE, true).await;

    ann.tell(json!({"type": "end"})).await;
    eve.is_hung_up().await;
    scene.stop().await;
}

/// Dan says his name, which is a tone, and is muted then: who asks who is there hears it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_who_is_there_hears_the_names_of_callers() {
    let (scene, meeting, mut ann, port, _) = meeting_with(CallerNames::default()).await;
    let (_dan, dan_id) = caller(&mut ann, (&meeting.code, port), "Dan", (Codec::Pcmu, DAN)).await;
    let (eve, _) = caller(&mut ann, (&meeting.code, port), "Eve", (Codec::G722, EVE)).await;
    ann.tell(json!({"type": "mute", "id": dan_id})).await;
    eve.hears(DAN, false).await;
    eve.press("*3");
    eve.hears(DAN, true).await;
    eve.hears(DAN, false).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organiser_by_telephone_mutes_all_and_ends_the_meeting() {
    let (scene, meeting, mut ann, port, dial_in) = meeting().await;
    let (_bob, joined) = scene.join(&meeting.code, "Bob", None).await;
    assert_eq!(joined["dial_in"]["pin"], Value::Null, "only the host is told");
    ann.told_of("participant_joined").await;
    let (dan, dan_id) = caller(&mut ann, (&meeting.code, port), "Dan", (Codec::Pcmu, DAN)).await;
    ann.tell(json!({"type": "microphone", "on": true})).await;
    ann.told_of("participant_changed").await;
    dan.press(&format!("*9{}#*1", dial_in["pin"].as_str().expect("the host is told")));
    assert_eq!(ann.told_of("muted").await["by"], dan_id);
    dan.press("*#");
    ann.told_of("ended").await;
    dan.is_hung_up().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_raises_a_hand_and_an_organiser_by_telephone_locks_the_meeting() {
    let (scene, meeting, mut ann, port, dial_in) = meeting().await;
    let (dan, dan_id) = caller(&mut ann, (&meeting.code, port), "Dan", (Codec::Pcmu, DAN)).await;
    for up in [true, false] {
        dan.press("*5");
        let changed = ann.told_of("participant_changed").await["participant"].clone();
        assert_eq!((&changed["id"], &changed["hand"]), (&dan_id, &json!(up)));
    }
    dan.press("*5");
    ann.told_of("participant_changed").await;
    ann.tell(json!({"type": "lower_hand", "id": dan_id})).await;
    assert_eq!(ann.told_of("participant_changed").await["participant"]["hand"], false);

    dan.press(&format!("*9{}#*2", dial_in["pin"].as_str().expect("the host is told")));
    assert_eq!(ann.told_of("locked").await["locked"], true);
    let (_, refused) = scene.join(&meeting.code, "Bob", None).await;
    assert_eq!((&refused["type"], &refused["reason"]), (&json!("refused"), &json!("locked")));
    let eve = Phone::call(port, "Eve", Codec::G722, EVE).await;
    eve.press(&format!("{}#", meeting.code));
    eve.is_hung_up().await;
    ann.tell(json!({"type": "lock", "on": false})).await;
    assert_eq!(ann.told_of("locked").await["locked"], false);
    let (fay, _) = caller(&mut ann, (&meeting.code, port), "Fay", (Codec::Pcma, EVE)).await;
    dan.hears(EVE, true).await;
    fay.hears(DAN, true).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_turns_the_others_down_and_hears_the_keys() {
    let (scene, meeting, mut ann, port, _) = meeting().await;
    let (dan, _) = caller(&mut ann, (&meeting.code, port), "Dan", (Codec::Pcmu, DAN)).await;
    let (eve, _) = caller(&mut ann, (&meeting.code, port), "Eve", (Codec::G722, EVE)).await;
    dan.hears(EVE, true).await;
    dan.press("*4*4");
    dan.hears_as_much_as(EVE, 0.3..0.5).await;
    eve.hears(DAN, true).await;
    dan.press("*7*7");
    dan.hears_as_much_as(EVE, 0.75..1.25).await;
    // Nobody else is heard while somebody reads out the keys, for longer than any other prompt; a star ends it.
    dan.press("*0");
    dan.hears(EVE, false).await;
    dan.press("*");
    dan.hears(EVE, true).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_as_tones_lead_into_the_right_meeting_and_are_hardly_heard_there() {
    let scene = scene_with(|config| {
        config.sip_udp_port = Some(0);
        config.sip_names = CallerNames::Never;
        config.sip_inband_digits = true;
    })
    .await;
    let [other, meeting] = [scene.start_meeting().await, scene.start_meeting().await];
    let mut bea = scene.join_host(&other).await;
    let (mut ann, joined) = scene.join(&meeting.code, "Ann", Some(&meeting.token)).await;
    let port = joined["dial_in"]["udp_port"].as_u64().expect("a port").try_into().unwrap();
    let (eve, _) = caller(&mut ann, (&meeting.code, port), "Eve", (Codec::G722, EVE)).await;
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        let dan = Phone::call_by_tones(port, "Dan", codec, DAN).await;
        dan.dial(&meeting.code, 60);
        let joined = ann.told_of("participant_joined").await["participant"].clone();
        assert_eq!((&joined["name"], &joined["microphone"]), (&json!("Dan"), &json!(true)));
        eve.hears(DAN, true).await;
        dan.dial("5", 2000);
        eve.hears(DAN, false).await;
        for hertz in [770.0, 1336.0] {
            let share = eve.share(hertz).expect("she hears a second");
            assert!(share < 0.05, "{codec:?}: {share} of {hertz} Hz");
        }
        eve.hears(DAN, true).await;
        dan.dial("*6", 80);
        assert_eq!(ann.told_of("participant_changed").await["participant"]["microphone"], false);
        dan.hang_up().await;
        ann.told_of("participant_left").await;
    }
    bea.tell(json!({"type": "chat", "text": "nobody has come here"})).await;
    assert_eq!(bea.told().await["type"], "chat");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tones_are_a_voice_like_any_other_unless_they_are_wanted() {
    let (scene, meeting, mut ann, port, _) = meeting().await;
    let dan = Phone::call_by_tones(port, "Dan", Codec::Pcmu, DAN).await;
    dan.dial(&meeting.code, 60);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    ann.tell(json!({"type": "chat", "text": "nobody has come"})).await;
    assert_eq!(ann.told().await["type"], "chat");
    drop(dan);
    scene.stop().await;
}

/// Dan's every tenth packet is lost; Eve's line is as it should be. Who is no host is told nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_and_operators_see_whose_line_loses() {
    let scene = scene_with(|config| {
        config.sip_udp_port = Some(0);
        config.sip_names = CallerNames::Never;
        config.metrics = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let meeting = scene.start_meeting().await;
    let (mut ann, joined) = scene.join(&meeting.code, "Ann", Some(&meeting.token)).await;
    let port = joined["dial_in"]["udp_port"].as_u64().expect("a port").try_into().unwrap();
    let mut bob = scene.join_in(&meeting.code, "Bob").await;
    ann.told_of("participant_joined").await;
    let (dan, dan_id) = caller(&mut ann, (&meeting.code, port), "Dan", (Codec::Pcmu, DAN)).await;
    let (eve, eve_id) = caller(&mut ann, (&meeting.code, port), "Eve", (Codec::G722, EVE)).await;
    dan.hears(EVE, true).await;
    eve.hears(DAN, true).await;
    dan.loses_each(10);

    let figures = loop {
        let told = ann.told_of("sound").await["participants"].clone();
        let of = |id: &Value| told.as_array().unwrap().iter().find(|one| one["id"] == *id).cloned();
        if let (Some(dan), Some(eve)) = (of(&dan_id), of(&eve_id))
            && 70 < dan["lost_permille"].as_u64().unwrap()
        {
            break (dan, eve);
        }
    };
    let number = |figures: &Value, field: &str| figures[field].as_i64().expect(field);
    let (of_dan, of_eve) = figures;
    assert_eq!(of_dan["quality"], "poor", "{of_dan}");
    assert!((70..=130).contains(&number(&of_dan, "lost_permille")), "{of_dan}");
    assert!((40..=160).contains(&number(&of_dan, "concealed_permille")), "{of_dan}");
    assert!((-20..=-10).contains(&number(&of_dan, "level_dbov")), "{of_dan}");
    assert!(number(&of_eve, "lost_permille") < 70, "{of_eve}");
    for figures in [&of_dan, &of_eve] {
        let wait = number(figures, "buffer_ms");
        assert!((20..=300).contains(&wait), "{figures}");
        assert_eq!(
            number(figures, "mouth_to_ear_ms"),
            wait + 20,
            "these telephones send no reports: {figures}"
        );
        assert_eq!(figures["round_trip_ms"], Value::Null);
    }

    let seen = scrape(&scene).await;
    let packets = |kind: &str, outcome: &str| {
        seen.value(&format!(r#"convene_voice_packets_total{{kind="{kind}",outcome="{outcome}"}}"#))
    };
    assert!(20.0 < packets("telephone", "missing") && 300.0 < packets("telephone", "in_time"));
    assert_eq!(packets("browser", "in_time"), 0.0);
    assert!(0.0 < seen.value(r#"convene_voice_quality_total{kind="telephone",quality="poor"}"#));
    assert!(0.0 < seen.value(r#"convene_voice_frames_total{kind="telephone",outcome="concealed"}"#));
    let looks = seen.value(r#"convene_voice_jitter_seconds_count{kind="telephone"}"#);
    assert!(2.0 <= looks && seen.value(r#"convene_voice_jitter_seconds_count{kind="program"}"#) == 0.0);
    assert_eq!(seen.value(r#"convene_voice_mouth_to_ear_seconds_count{kind="telephone"}"#), looks);

    ann.tell(json!({"type": "chat", "text": "so much"})).await;
    loop {
        let told = bob.told_anything().await;
        assert!(told["type"] != "sound", "only hosts are told: {told}");
        if told["type"] == "chat" {
            break;
        }
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_port_nobody_is_told_to_call() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let (_, joined) = scene.join(&meeting.code, "Ann", None).await;
    assert_eq!(joined["dial_in"], Value::Null);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_put_through_to_another_meeting() {
    let (scene, meeting, mut ann, port, _) = meeting().await;
    let other = scene.start_meeting().await;
    let mut bea = scene.join_host(&other).await;
    let (mut dan, dan_id) = caller(&mut ann, (&meeting.code, port), "Dan", (Codec::Pcmu, DAN)).await;
    let (eve, _) = caller(&mut bea, (&other.code, port), "Eve", (Codec::G722, EVE)).await;
    eve.hears(DAN, false).await;

    dan.is_put_through_to(&format!("sip:{}@127.0.0.1", other.code)).await;
    assert_eq!(ann.told_of("participant_left").await["id"], dan_id);
    let joined = bea.told_of("participant_joined").await;
    assert_eq!(joined["participant"]["name"], "Dan");
    eve.hears(DAN, true).await;
    dan.hears(EVE, true).await;
    scene.stop().await;
}
