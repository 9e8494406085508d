//! Callers are put through to another meeting (RFC 3515).

use convene_sip::{Message, RoomId, RoomRules, Start, Transport};

use crate::world::{CODE, PCMU, Phone, ROOM, World};

const OTHER: RoomId = RoomId(2);
const OTHER_CODE: &str = "987654321";

/// Two meetings, and Ann in the first.
fn scene() -> (World, Phone) {
    let mut world = World::new(CODE);
    world.exchange.open(OTHER, RoomRules { code: OTHER_CODE.to_owned(), ..RoomRules::default() });
    let mut ann = Phone::new("ann", Transport::Tls);
    ann.uri = format!("sip:{CODE}@192.0.2.1");
    assert_eq!(ann.call(&mut world, PCMU), 200);
    assert_eq!(world.joined.last().expect("she is in").0, ROOM);
    (world, ann)
}

fn refer(ann: &mut Phone, more: &str) -> String {
    ann.request("REFER", "");
    ann.write("REFER", ann.cseq, "", more)
}

fn to(user: &str) -> String {
    format!("Refer-To: <sip:{user}@192.0.2.1>\r\n")
}

#[test]
fn a_caller_is_moved_on_the_same_call_and_who_asked_is_told() {
    let (mut world, mut ann) = scene();
    let request = refer(&mut ann, &to(OTHER_CODE));
    assert_eq!(ann.ask(&mut world, &request), 202);
    let call = world.joined[0].1;
    assert_eq!(world.left, [(call, "moved")]);
    assert_eq!((world.joined[1].0, world.joined[1].1), (OTHER, call));
    assert!(world.lines.contains(&call), "the call goes on");

    let (_, notify) = &world.sent[1];
    let notify = Message::parse(notify).expect("we send good messages");
    assert!(matches!(&notify.start, Start::Request { method, .. } if method == "NOTIFY"));
    assert_eq!(notify.header("event"), Some(format!("refer;id={}", ann.cseq).as_str()));
    assert!(notify.header("subscription-state").is_some_and(|state| state.starts_with("terminated")));
    assert_eq!(notify.content_type().as_deref(), Some("message/sipfrag"));
    assert_eq!(notify.body, b"SIP/2.0 200 OK\r\n");

    let bye = ann.request("BYE", "");
    assert_eq!(ann.ask(&mut world, &bye), 200);
    assert_eq!(world.left[1], (call, "hung-up"));
}

#[test]
fn who_does_not_want_to_be_told_is_not() {
    let (mut world, mut ann) = scene();
    let request = refer(&mut ann, &format!("{}Refer-Sub: false\r\n", to(OTHER_CODE)));
    assert_eq!(ann.ask(&mut world, &request), 202);
    assert_eq!(world.sent.len(), 1);
    let accepted = Message::parse(&world.sent[0].1).expect("we send good messages");
    assert_eq!(accepted.header("refer-sub"), Some("false"));
    assert_eq!(world.joined.len(), 2);
}

#[test]
fn nobody_is_put_through_to_anywhere_else() {
    let (mut world, mut ann) = scene();
    for (target, status) in [
        (to("111111111"), 404),
        (to("+4930123456"), 404),
        (format!("Refer-To: <sip:{OTHER_CODE}@elsewhere.example>\r\n"), 403),
        ("Refer-To: <tel:+4930123456>\r\n".to_owned(), 403),
        ("Refer-To: <sip:192.0.2.1>\r\n".to_owned(), 403),
        (format!("Refer-To: <sip:{OTHER_CODE}@192.0.2.1?Replaces=a>\r\n"), 403),
        (String::new(), 400),
        (format!("{}{}", to(OTHER_CODE), to(OTHER_CODE)), 400),
    ] {
        let request = refer(&mut ann, &target);
        assert_eq!(ann.ask(&mut world, &request), status, "{target:?}");
    }
    assert!(world.left.is_empty() && world.joined.len() == 1, "she is where she was");
    world
        .exchange
        .open(OTHER, RoomRules { code: OTHER_CODE.to_owned(), is_locked: true, ..RoomRules::default() });
    let request = refer(&mut ann, &to(OTHER_CODE));
    assert_eq!(ann.ask(&mut world, &request), 480);

    let mut stranger = Phone::new("bob", Transport::Tls);
    let request = refer(&mut stranger, &to(OTHER_CODE));
    assert_eq!(stranger.ask(&mut world, &request), 603, "without a call there is nobody to be put through");
}

#[test]
fn codes_cannot_be_guessed_by_it() {
    let (mut world, mut ann) = scene();
    for guess in 0..40 {
        let request = refer(&mut ann, &to(&format!("{:09}", 100 + guess)));
        assert_eq!(ann.ask(&mut world, &request), 404);
    }
    let request = refer(&mut ann, &to(OTHER_CODE));
    assert_eq!(ann.ask(&mut world, &request), 404, "the right one is as wrong as the others by now");
}

#[test]
fn to_where_one_is_already_changes_nothing() {
    let (mut world, mut ann) = scene();
    let request = refer(&mut ann, &to(CODE));
    assert_eq!(ann.ask(&mut world, &request), 202);
    assert!(world.left.is_empty() && world.joined.len() == 1);
}
