//! The relay between browsers, over a poor network and under virtual time.

mod browser;
mod camera;
mod capture;
mod flood;
mod hostile;
mod meeting;
mod network;
mod screen;
mod supply;
mod voice;
mod world;
