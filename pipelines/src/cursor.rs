//! The pointer of an X11 display, as events for `screenenc`.
