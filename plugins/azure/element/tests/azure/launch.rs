//! The built plugin, as a developer uses it: `gst-inspect-1.0` and the README's `gst-launch-1.0` lines.

use convene_test_support::Plugins;

fn plugins() -> Plugins {
    Plugins::new(&["gstconveneazure", "gstconvenerecording"])
}

#[test]
fn every_element_can_be_inspected() {
    let plugins = plugins();
    for (element, words) in [
        (
            "azureblobsink",
            &["primary", "secondary", "spool-bytes-max", "block-time", "Sink/Network", "Milliseconds"][..],
        ),
        ("azureblobsrc", &["primary", "secondary", "region-timeout", "Source/Network", "Seconds"]),
    ] {
        let ran = plugins.inspect(element);
        assert!(ran.ok, "{element}: {}", ran.output);
        for word in words {
            assert!(ran.output.contains(word), "{element}: {word} is missing in\n{}", ran.output);
        }
    }
}

/// Every line of the README that needs nothing but folders, one after the other in one folder.
#[test]
fn the_lines_of_the_readme_run() {
    let plugins = plugins();
    let lines =
        include_str!("../../README.md").lines().filter_map(|line| line.strip_prefix("gst-launch-1.0 "));
    let mut count = 0;
    for line in lines.filter(|line| line.contains("folder") && !line.contains("azure,")) {
        let line = line.replace("autovideosink", "fakesink");
        let ran = plugins.launch(&line);
        assert!(
            ran.ok && !ran.output.contains("CRITICAL") && !ran.output.contains("WARNING"),
            "{line}\n{}",
            ran.output
        );
        count += 1;
    }
    assert!(4 <= count, "{count} lines");
    let copy =
        |region: &str| std::fs::read(plugins.folder().join(region).join("talk.webm")).expect("it is there");
    assert_eq!(copy("a"), copy("b"));
}

#[test]
fn a_key_in_a_property_is_refused_and_not_printed() {
    let line = "-v fakesrc num-buffers=1 ! azureblobsink location=x spool=spool primary=azure,account=a,container=rec,key=c2VjcmV0";
    let ran = plugins().launch(line);
    assert!(!ran.ok && ran.output.contains("key_env"), "{}", ran.output);
    assert!(!ran.output.contains("c2VjcmV0"), "{}", ran.output);
}
