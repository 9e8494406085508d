//! What goes wrong is told once, in a sentence.

use crate::support::{parse, play};

#[test]
fn a_recorder_without_inputs_says_so() {
    let errors = play(&parse("meetingrecorder ! fakesink"));
    assert_eq!(
        errors,
        [
            "There is nothing to record: link something to the recorder's screen, feed_%u or audio_%u pad first."
        ]
    );
}

#[test]
fn streams_without_anything_in_them_are_no_recording() {
    let errors = play(&parse("videotestsrc num-buffers=0 ! meetingrecorder ! fakesink"));
    assert_eq!(errors, ["Nothing was recorded: the streams ended before the first picture or sound."]);
}

#[test]
fn one_empty_stream_of_two_is_left_out() {
    let pipeline = parse(
        "videotestsrc num-buffers=30 ! meetingrecorder name=r ! fakesink audiotestsrc num-buffers=0 ! r.",
    );
    assert_eq!(play(&pipeline), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_told_by_the_sink() {
    let errors = play(&parse("videotestsrc num-buffers=300 ! meetingrecorder ! filesink location=/dev/full"));
    assert!(errors[0].contains("No space left") || errors[0].contains("Error while writing"), "{errors:?}");
}

#[test]
fn an_output_that_is_not_linked_is_told() {
    let errors =
        play(&parse("videotestsrc is-live=true num-buffers=600 ! meetingrecorder cluster-duration=200"));
    assert!(errors[0].starts_with("The recording goes nowhere: link the recorder's src pad"), "{errors:?}");
}

#[test]
fn a_screen_too_large_is_told() {
    let errors = play(&parse(
        "videotestsrc num-buffers=2 ! video/x-raw,format=GRAY8,width=16384,height=16 ! meetingrecorder ! fakesink",
    ));
    assert_eq!(
        errors[0],
        "The picture was not recorded: a picture of 16384 x 16 pixels cannot be recorded: each side has 1 to 16383."
    );
}
