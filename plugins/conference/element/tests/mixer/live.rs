//! Live sources under a clock that the test turns.
