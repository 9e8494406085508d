//! A trunk that registers us, calls for us, and wants to know who we are: Debian's sipp, which reckons digests by itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::bridge::Conference;
use crate::phone::{free_ports, wait_until};

/// Registrations and calls come in any order.
fn scenario() -> String {
    let answer = |status: &str, more: &str| {
        format!(
            "<![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:];tag=trunk[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n\
             {more}Content-Length: 0\n\n]]>"
        )
    };
    let challenge = "Digest realm=\"provider\", nonce=\"n[call_number]\"";
    let who_calls = answer(
        "407 Proxy Authentication Required",
        &format!("Proxy-Authenticate: {challenge}, qop=\"auth\", algorithm=MD5\n"),
    );
    let who_registers =
        answer("401 Unauthorized", &format!("WWW-Authenticate: {challenge}, algorithm=MD5\n"));
    let [forbidden, ringing, declined] =
        ["403 Forbidden", "180 Ringing", "603 Decline"].map(|status| answer(status, ""));
    let welcome = answer("200 OK", "[last_Contact:]\nExpires: 600\n");
    format!(
        r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="trunk">
  <recv request="REGISTER" optional="true" next="register"/>
  <recv request="INVITE" crlf="true"/>
  <send>{who_calls}</send>
  <recv request="ACK"/>
  <recv request="INVITE">
    <action>
      <ereg regexp="sip:\+4930123@127.0.0.1" search_in="msg" check_it="true" assign_to="number"/>
      <log message="[$number]"/>
      <verifyauth assign_to="valid" username="ann" password="sesame"/>
    </action>
  </recv>
  <nop next="busy" test="valid"/>
  <send next="refused">{forbidden}</send>
  <label id="busy"/>
  <send>{ringing}</send>
  <send>{declined}</send>
  <label id="refused"/>
  <recv request="ACK" next="end"/>
  <label id="register"/>
  <send>{who_registers}</send>
  <recv request="REGISTER">
    <action><verifyauth assign_to="valid" username="ann" password="sesame"/></action>
  </recv>
  <nop next="welcome" test="valid"/>
  <send next="end">{forbidden}</send>
  <label id="welcome"/>
  <send>{welcome}</send>
  <label id="end"/>
</scenario>
"#
    )
}

struct Trunk {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Trunk {
    fn new(mode: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let scenario = folder.path().join("trunk.xml");
        std::fs::write(&scenario, self::scenario()).expect("a file in an empty folder can be written");
        let port = free_ports();
        let log = std::fs::File::create(folder.path().join("log")).expect("a file can be written");
        let errors = log.try_clone().expect("a file can be opened twice");
        let child = Command::new("sipp")
            .current_dir(folder.path())
            .arg("-sf")
            .arg(&scenario)
            .args(["-t", mode, "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin", "-trace_err"])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .expect("sip-tester is installed");
        Self { child, port, folder }
    }

    fn log(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).expect("the folder is there");
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        paths.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }

    fn is_listening(&self) -> bool {
        std::net::UdpSocket::bind(("127.0.0.1", self.port)).is_err()
            || std::net::TcpListener::bind(("127.0.0.1", self.port)).is_err()
    }
}

impl Drop for Trunk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn await_told(conference: &Conference, trunk: &Trunk, words: &str) {
    let is_told = || conference.told().iter().any(|told| told == words);
    let tell = || format!("{:?}\n{}", conference.told(), trunk.log());
    wait_until(&format!("\"{words}\" is told"), is_told, tell);
}

#[test]
fn a_trunk_that_asks_is_told_who_we_are() {
    for (transport, mode) in [("tcp", "t1"), ("udp", "u1")] {
        let trunk = Trunk::new(mode);
        wait_until("it listens", || trunk.is_listening(), || trunk.log());
        let account = trunk.folder.path().join("account");
        std::fs::write(&account, "ann:sesame\n").expect("a file can be written");
        let uri = format!("sip:127.0.0.1:{};transport={transport}", trunk.port);
        let properties = [("trunk", uri.as_str()), ("trunk-account", &account.display().to_string())];
        let conference = Conference::with(1, "123456789", &properties);
        await_told(&conference, &trunk, "trunk registered");
        conference.call("+49 30 123");
        await_told(&conference, &trunk, "ringing");
        await_told(&conference, &trunk, "declined");
        conference.assert_well();
        // And who does not know the password is not let in.
        std::fs::write(&account, "ann:other\n").expect("a file can be written");
        let stranger = Conference::with(1, "123456789", &properties);
        await_told(&stranger, &trunk, "trunk refused 403");
        stranger.call("+4930123");
        await_told(&stranger, &trunk, "forbidden");
    }
}

/// Reads one message of those that have no body, or little of one.
fn read_message(stream: &mut BufReader<TcpStream>) -> String {
    let mut message = String::new();
    while !message.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut message).expect("something comes in time"), 0, "{message}");
    }
    let length = message.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).expect("the body comes, too");
    message + &String::from_utf8_lossy(&body)
}

fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let line = message.lines().find(|line| line.starts_with(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {message}"))
}

#[test]
fn calls_come_by_the_connection_that_we_have_opened() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let conference = Conference::with(1, "", &[("trunk", &format!("sip:127.0.0.1:{port};transport=tcp"))]);
    let (stream, _) = listener.accept().expect("it connects");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
    let mut writer = stream.try_clone().expect("a stream can be opened twice");
    let mut reader = BufReader::new(stream);
    let register = read_message(&mut reader);
    assert!(register.starts_with("REGISTER sip:127.0.0.1 "), "{register}");
    let mut fields =
        ["Via", "From", "To", "Call-ID", "CSeq", "Contact"].map(|name| field(&register, name).to_owned());
    fields[2] += ";tag=trunk";
    let granted = format!("SIP/2.0 200 OK\r\n{}\r\nContent-Length: 0\r\n\r\n", fields.join("\r\n"));
    writer.write_all(granted.as_bytes()).expect("it is connected");
    wait_until(
        "it is registered",
        || conference.told() == ["trunk registered"],
        || format!("{:?}", conference.told()),
    );
    let contact = fields[5].split(['<', '>']).nth(1).expect("an address").to_owned();
    let request = |method: &str, number: u32, tag: &str, body: &str| {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {contact} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bK{method}{number}\r\n\
             From: <sip:+4930123@127.0.0.1>;tag=1\r\nTo: <{contact}>{tag}\r\nCall-ID: in\r\nCSeq: {number} {method}\r\n\
             Contact: <sip:trunk@127.0.0.1:{port};transport=tcp>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let offer =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
    writer.write_all(request("INVITE", 1, "", offer).as_bytes()).expect("it is connected");
    let answer = read_message(&mut reader);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    let tag = field(&answer, "To").split_once(";tag=").expect("it has one").1;
    writer.write_all(request("ACK", 1, &format!(";tag={tag}"), "").as_bytes()).expect("it is connected");
    assert_eq!(conference.codecs(), ["PCMU"]);
    writer.write_all(request("BYE", 2, &format!(";tag={tag}"), "").as_bytes()).expect("it is connected");
    assert!(read_message(&mut reader).starts_with("SIP/2.0 200 "));
    // At the end the trunk is told that nobody is there any more.
    drop(conference);
    let last = read_message(&mut reader);
    assert!(last.starts_with("REGISTER ") && last.contains("Expires: 0\r\n"), "{last}");
}
