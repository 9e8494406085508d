//! Builds again when the client's files change, in a build that carries them.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A debug build reads the folder at run time.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=../client/dist");
    }
}
