//! The dial-in menu: what each key does, and what is said.

use std::time::{Duration, Instant};

use crate::prompt::Prompt;

/// Digits of a code.
pub const CODE_DIGITS: usize = 9;
/// Wrong codes that end a call.
pub const WRONG_CODES_MAX: u32 = 3;
/// Wrong PINs after which a call is asked for none any more.
pub const WRONG_PINS_MAX: u32 = 3;
/// The longest PIN.
pub const PIN_DIGITS_MAX: usize = 16;
/// So long nothing is typed before it is asked again; the prompt itself takes half of it.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is asked in vain.
const ASKED_MAX: u32 = 4;
/// The key that leads who is called into the meeting.
pub const JOIN_KEY: char = '1';
/// So long after who is called was told the key it is told again: a mailbox has its own say first.
pub const CALLED_PATIENCE: Duration = Duration::from_secs(8);
/// How often who is called is told it.
pub const CALLED_MAX: u32 = 5;

/// So long a name is waited for at the most, from the tone on: the shell ends it before, unless nothing at all comes.
pub const NAME_PATIENCE: Duration = Duration::from_secs(4);
/// So long somebody is asked for it, until the tone.
const NAME_ASKED_MAX: Duration = Duration::from_secs(20);
/// The key that ends a name, or does without.
const NAME_END_KEY: char = '#';
/// So long that key still ends the code, as many press it after the last digit.
pub const CODE_END_PATIENCE: Duration = Duration::from_secs(3);

/// What a caller wants of the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be muted, or heard again.
    Mute,
    /// The hand up, or down.
    Hand,
    /// To be told who is there.
    Count,
    /// To hear more.
    Louder,
    /// To hear less.
    Quieter,
    /// The organiser: that all are muted.
    MuteAll,
    /// The organiser: that nobody more comes in, or somebody may.
    Lock,
    /// The organiser: a recording, or its end.
    Record,
    /// The organiser: the meeting's end.
    End,
}

impl Wish {
    /// As applications are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Hand => "hand",
            Self::Count => "count",
            Self::Louder => "louder",
            Self::Quieter => "quieter",
            Self::MuteAll => "mute-all",
            Self::Lock => "lock",
            Self::Record => "record",
            Self::End => "end",
        }
    }
}

/// What comes of a key, or of none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Stop talking: the caller knows what to do.
    Hush,
    /// Say this.
    Say(Prompt),
    /// Is this a meeting's code? Then [`Menu::enter`], or else [`Menu::miss`].
    Try(String),
    /// Who was called wants to join.
    Join,
    /// The name is said, or there will be none.
    EndName,
    /// Something secret was guessed wrong, which is counted.
    Miss,
    /// The meeting is told.
    Wish(Wish),
    /// Hang up, when all is said.
    HangUp,
}

#[derive(Debug)]
enum Stage {
    /// A code is asked for.
    Code,
    /// Called, and asked whether to join.
    Called,
    /// To say their name.
    Name,
    /// In the meeting.
    Meeting,
    /// A star has come: the next key says what for.
    Star,
    /// The PIN is asked for.
    Pin,
    /// Nothing is taken any more.
    Over,
}

/// One caller's menu.
#[derive(Debug)]
pub struct Menu {
    stage: Stage,
    typed: String,
    wrong_codes: u32,
    wrong_pins: u32,
    asked: u32,
    ask_at: Option<Instant>,
    /// Until then a key belongs to the code.
    code_ends_at: Option<Instant>,
    is_organiser: bool,
}

impl Menu {
    /// Of a caller who is to say where he wants to go.
    pub fn asking(now: Instant) -> (Self, Vec<Step>) {
        let menu = Self { stage: Stage::Code, asked: 1, ask_at: Some(now + PATIENCE), ..Self::inside() };
        (menu, vec![Step::Say(Prompt::EnterCode)])
    }

    /// Of somebody whom we have called: so that no mailbox and no stranger is in a meeting, they have to press a key.
    pub fn called(now: Instant) -> (Self, Vec<Step>) {
        let ask_at = Some(now + CALLED_PATIENCE);
        let menu = Self { stage: Stage::Called, asked: 1, ask_at, ..Self::inside() };
        (menu, vec![Step::Say(Prompt::Called)])
    }

    /// Of a caller who is in a meeting at once.
    pub fn inside() -> Self {
        Self {
            stage: Stage::Meeting,
            typed: String::new(),
            wrong_codes: 0,
            wrong_pins: 0,
            asked: 0,
            ask_at: None,
            code_ends_at: None,
            is_organiser: false,
        }
    }

    /// A key, and the organiser's PIN of the meeting; empty if it has none.
    pub fn key(&mut self, key: char, pin: &str, now: Instant) -> Vec<Step> {
        match self.stage {
            Stage::Code => self.code_key(key, now),
            Stage::Called if key == JOIN_KEY => vec![Step::Hush, Step::Join],
            Stage::Name if key == NAME_END_KEY && self.code_ends_at.is_none_or(|end| end <= now) => {
                self.end_name()
            }
            Stage::Called | Stage::Name => Vec::new(),
            Stage::Meeting => {
                if key == '*' {
                    self.stage = Stage::Star;
                    // Whoever knows the keys need not hear the rest of what is said.
                    return vec![Step::Hush];
                }
                Vec::new()
            }
            Stage::Star => self.star_key(key, pin),
            Stage::Pin => self.pin_key(key, pin),
            Stage::Over => Vec::new(),
        }
    }

    fn code_key(&mut self, key: char, now: Instant) -> Vec<Step> {
        self.ask_at = Some(now + PATIENCE);
        self.asked = 1;
        match key {
            '*' => self.typed.clear(),
            '#' if self.typed.is_empty() => {}
            '#' => return self.submit(),
            digit => {
                self.typed.push(digit);
                if self.typed.len() == CODE_DIGITS {
                    return self.submit();
                }
            }
        }
        vec![Step::Hush]
    }

    fn submit(&mut self) -> Vec<Step> {
        vec![Step::Hush, Step::Try(std::mem::take(&mut self.typed))]
    }

    /// The code was right, or the key to join was pressed.
    pub fn enter(&mut self) {
        self.stage = Stage::Meeting;
        self.ask_at = None;
    }

    /// The code was right, and the meeting wants to know who comes.
    pub fn ask_name(&mut self, now: Instant) -> Vec<Step> {
        self.stage = Stage::Name;
        self.ask_at = Some(now + NAME_ASKED_MAX);
        self.code_ends_at = Some(now + CODE_END_PATIENCE);
        vec![Step::Say(Prompt::SayName), Step::Say(Prompt::Tone)]
    }

    /// From now on the name is listened to. Returns whether it is.
    pub fn listen(&mut self, now: Instant) -> bool {
        let is_asked = matches!(self.stage, Stage::Name);
        if is_asked {
            self.ask_at = Some(now + NAME_PATIENCE);
        }
        is_asked
    }

    /// Whether the name is not said yet.
    pub fn is_asking_name(&self) -> bool {
        matches!(self.stage, Stage::Name)
    }

    fn end_name(&mut self) -> Vec<Step> {
        // It goes on when the shell has said whether there is one.
        self.ask_at = None;
        vec![Step::Hush, Step::EndName]
    }

    /// It was not; the last time, if there were too many.
    pub fn miss(&mut self, is_last: bool, now: Instant) -> Vec<Step> {
        self.wrong_codes += 1;
        if is_last || WRONG_CODES_MAX <= self.wrong_codes {
            return self.turn_away(Prompt::WrongCode);
        }
        self.ask_at = Some(now + PATIENCE);
        vec![Step::Say(Prompt::WrongCode), Step::Say(Prompt::EnterCode)]
    }

    /// There is no way in: says why, and goodbye.
    pub fn turn_away(&mut self, why: Prompt) -> Vec<Step> {
        self.stage = Stage::Over;
        self.ask_at = None;
        vec![Step::Say(why), Step::Say(Prompt::Goodbye), Step::HangUp]
    }

    fn star_key(&mut self, key: char, pin: &str) -> Vec<Step> {
        self.stage = Stage::Meeting;
        let wish = match key {
            '0' => return self.keys(pin),
            '6' => Wish::Mute,
            '5' => Wish::Hand,
            '3' => Wish::Count,
            '4' => Wish::Quieter,
            '7' => Wish::Louder,
            '9' if self.may_be_organiser(pin) => {
                self.stage = Stage::Pin;
                self.typed.clear();
                return vec![Step::Say(Prompt::EnterPin)];
            }
            '1' if self.is_organiser => Wish::MuteAll,
            '2' if self.is_organiser => Wish::Lock,
            '8' if self.is_organiser => Wish::Record,
            '#' if self.is_organiser => Wish::End,
            '*' => {
                self.stage = Stage::Star;
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        vec![Step::Wish(wish)]
    }

    /// Says what the keys do, as far as they do anything for this caller.
    fn keys(&self, pin: &str) -> Vec<Step> {
        let more = if self.is_organiser {
            Some(Prompt::Organiser)
        } else {
            self.may_be_organiser(pin).then_some(Prompt::KeysPin)
        };
        [Prompt::Keys].into_iter().chain(more).map(Step::Say).collect()
    }

    fn may_be_organiser(&self, pin: &str) -> bool {
        !pin.is_empty() && self.wrong_pins < WRONG_PINS_MAX && !self.is_organiser
    }

    fn pin_key(&mut self, key: char, pin: &str) -> Vec<Step> {
        match key {
            '#' => {
                self.stage = Stage::Meeting;
                self.is_organiser = !pin.is_empty() && self.typed == pin;
                self.typed.clear();
                if self.is_organiser {
                    return vec![Step::Hush, Step::Say(Prompt::Organiser)];
                }
                self.wrong_pins += 1;
                vec![Step::Hush, Step::Miss, Step::Say(Prompt::WrongPin)]
            }
            '*' => {
                self.typed.clear();
                Vec::new()
            }
            digit => {
                if self.typed.len() < PIN_DIGITS_MAX {
                    self.typed.push(digit);
                }
                vec![Step::Hush]
            }
        }
    }

    /// When it is asked again, if nothing is typed.
    pub fn due(&self) -> Option<Instant> {
        self.ask_at
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Instant) -> Vec<Step> {
        if self.ask_at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        if self.is_asking_name() {
            return self.end_name();
        }
        self.typed.clear();
        let (prompt, patience, asked_max) = match self.stage {
            Stage::Called => (Prompt::Called, CALLED_PATIENCE, CALLED_MAX),
            _ => (Prompt::EnterCode, PATIENCE, ASKED_MAX),
        };
        if asked_max <= self.asked {
            self.stage = Stage::Over;
            self.ask_at = None;
            return vec![Step::Say(Prompt::Goodbye), Step::HangUp];
        }
        self.asked += 1;
        self.ask_at = Some(now + patience);
        vec![Step::Say(prompt)]
    }
}
