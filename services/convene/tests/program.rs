//! The program as people and the service meet it: what it prints, what it says when something is wrong, how it ends.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The program, with nothing of this machine's display and settings.
fn convene(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convene"));
    command
        .current_dir(folder)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("XDG_SESSION_TYPE");
    command.env_remove("CONVENE_LISTEN").env_remove("CONVENE_DATA").env_remove("CONVENE_LOG");
    command
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `convene record` with this on its standard input.
fn record(input: &str) -> Output {
    let folder = folder();
    let mut command = convene(folder.path());
    let mut child = command
        .arg("record")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("written");
    child.wait_with_output().expect("it ends")
}

/// A service that is killed when a test fails.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn terminate(child: &Child) {
    let killed =
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill is there");
    assert!(killed.success());
}

#[test]
fn the_first_line_says_where_and_a_signal_ends_it() {
    let folder = folder();
    let child = convene(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--media-port", "0", "--data", "data"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut service = Service(child);
    let mut line = String::new();
    let stdout = service.0.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let port = line.strip_prefix("Convene is at https://localhost:").expect("the address");
    assert_ne!(port.trim().parse::<u16>().expect("a port"), 0);

    terminate(&service.0);
    assert!(service.0.wait().expect("it ends").success());
}

#[test]
fn a_port_in_use_is_said_with_a_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let folder = folder();
    let refused =
        convene(folder.path()).args(["serve", "--listen", &address.to_string()]).output().expect("it ends");
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    assert!(said.contains(&address.port().to_string()) && said.contains("listen"), "{said}");
}

#[test]
fn the_environment_is_heard() {
    let folder = folder();
    let refused =
        convene(folder.path()).env("CONVENE_LISTEN", "nowhere").arg("serve").output().expect("it ends");
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("\"LISTEN\""), "{}", text(&refused.stderr));
}

#[test]
fn presenting_without_a_display_says_what_to_do() {
    let folder = folder();
    let refused = convene(folder.path()).args(["present", "--code", "123456789"]).output().expect("it ends");
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    assert!(said.contains("DISPLAY") && said.contains("--pipewire-node"), "{said}");
}

#[test]
fn presenting_on_wayland_says_what_to_do() {
    let folder = folder();
    let mut command = convene(folder.path());
    command.env("XDG_SESSION_TYPE", "wayland").env("DISPLAY", ":0");
    let refused = command.args(["present", "--code", "123456789"]).output().expect("it ends");
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("--pipewire-node"), "{}", text(&refused.stderr));
}

#[test]
fn the_recorder_refuses_what_is_no_job() {
    for input in ["", "\n", "{}\n", "GET / HTTP/1.1\n"] {
        let refused = record(input);
        assert!(!refused.status.success(), "{input:?}");
        let said = text(&refused.stdout);
        assert!(
            said.starts_with(r#"{"event":"failed","message":""#) && said.lines().count() == 1,
            "{input:?}: {said}"
        );
    }
}

#[test]
fn the_doctor_says_a_line_each() {
    let folder = folder();
    let seen = convene(folder.path())
        .args(["doctor", "--listen", "127.0.0.1:0", "--media-port", "0", "--data", "data"])
        .output()
        .expect("it ends");
    let said = text(&seen.stdout);
    for wanted in [
        "ok       GStreamer 1.",
        "ok       element screenrelay",
        "ok       element vp8relay",
        "ok       element conferencemixer",
        "ok       UDP port 127.0.0.1:0",
        "ok       data folder data",
        "ok       region a",
    ] {
        assert!(said.lines().any(|line| line.starts_with(wanted)), "{wanted:?} is missing in:\n{said}");
    }
    assert!(said.lines().any(|line| line.starts_with("without  There is no X display")), "{said}");
}

#[test]
fn the_doctor_finds_a_store_that_is_away() {
    let folder = folder();
    let file = folder.path().join("convene.toml");
    std::fs::write(&file, "[[stores]]\nkind = \"folder\"\nregion = \"far\"\npath = \"/proc/nowhere\"\n")
        .expect("written");
    let seen = convene(folder.path())
        .args(["doctor", "--listen", "127.0.0.1:0", "--media-port", "0"])
        .output()
        .expect("it ends");
    assert!(!seen.status.success());
    let said = text(&seen.stdout);
    assert!(said.lines().any(|line| line.starts_with("MISSING  The region far")), "{said}");
}
