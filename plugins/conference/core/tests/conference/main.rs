//! Whole conferences in virtual time, judged by what each participant hears.

mod capture;
mod cost;
mod figures;
mod hearing;
mod hostile;
mod lines;
mod losses;
mod room;
mod seams;
mod solo;
mod stereo;
mod telephones;
