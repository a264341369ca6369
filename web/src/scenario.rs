//! A scenario: settings, and what is done to the cache made from them, as text. Lessons, links and
//! files are all of this form, and [`Playground::record`] writes it.
//!
//! ```text
//! dynamidb scenario 1         the form and its version
//! title A value that ends     optional, as each of the settings
//! memory 65536                first, because other defaults follow from it
//! max-items 3
//! item-size-max 1048576
//! slab-sizes 64,128,256
//! policy s3lru
//! dialect memcached
//! seed 7                      of the hash function, hexadecimal
//! start 1700000000000         the time, in milliseconds since the Unix epoch
//!
//! # What the reader is told.
//! A: SET a 30 5               client A sends this and CRLF
//! A= 68656c6c6f0d0a           client A sends these bytes
//! hang-up A                   its connection ends
//! wait 1500                   so many milliseconds pass
//! jump 90000                  the clock is set, to milliseconds after the start
//! load keys=1000 skew=99      a load begins
//! run 5000                    and so many of its operations are done
//! ```

use core::fmt::Write as _;

use wasm_bindgen::prelude::*;

use crate::playground::{ADVANCE_MAX, TIME_MAX};
use crate::{Dialect, Load, Playground, Policy, Settings};

pub(crate) const MAGIC: &str = "dynamidb scenario 1";
/// What a scenario without a `memory` line has: a cache that can be overlooked.
const MEMORY: u32 = 64 * 1024;
/// The largest memory that a scenario may ask for: no link should take a browser's all.
const MEMORY_MAX: u32 = 1 << 28;
const START: u64 = 1_700_000_000_000;
const START_MAX: u64 = TIME_MAX / 2;

/// One thing that is done, or said to the reader.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Text for the reader: a paragraph.
    Note(String),
    /// A client sends bytes.
    Say(u32, Vec<u8>),
    /// A client's connection ends.
    HangUp(u32),
    /// Milliseconds pass.
    Wait(u64),
    /// The clock is set, in milliseconds since the Unix epoch.
    Jump(u64),
    /// A load begins.
    Load(Load),
    /// So many of its operations are done.
    Run(u32),
}

/// Settings and steps.
#[wasm_bindgen]
#[derive(Debug)]
#[non_exhaustive]
pub struct Scenario {
    title: String,
    settings: Settings,
    seed: u128,
    start: u64,
    steps: Vec<Step>,
}

#[wasm_bindgen]
impl Scenario {
    /// Reads the text of a scenario.
    ///
    /// # Errors
    /// A sentence that says which line is wrong and why.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<Self, JsError> {
        Self::parse(text).map_err(|problem| JsError::new(&problem))
    }

    /// What it is called; may be empty.
    #[wasm_bindgen(getter)]
    pub fn title(&self) -> String {
        self.title.clone()
    }

    /// What the cache is made from, as numbers.
    #[wasm_bindgen(getter)]
    pub fn settings(&self) -> Vec<u32> {
        self.settings.numbers()
    }

    /// The cache it begins with.
    ///
    /// # Errors
    /// Settings that the cache cannot work with.
    pub fn playground(&self) -> Result<Playground, JsError> {
        Ok(Playground::make(&self.settings, self.seed, self.start)?)
    }

    /// How many steps there are.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> u32 {
        self.steps.len() as u32
    }

    /// What a step is: 0 a note, 1 a message, 2 hanging up, 3 waiting, 4 setting the clock, 5 the
    /// beginning of a load, 6 running it.
    pub fn kind(&self, step: u32) -> u32 {
        match self.steps[step as usize] {
            Step::Note(_) => 0,
            Step::Say(..) => 1,
            Step::HangUp(_) => 2,
            Step::Wait(_) => 3,
            Step::Jump(_) => 4,
            Step::Load(_) => 5,
            Step::Run(_) => 6,
        }
    }

    /// The text of a note, or what a client sends.
    pub fn bytes(&self, step: u32) -> Vec<u8> {
        match &self.steps[step as usize] {
            Step::Note(text) => text.clone().into_bytes(),
            Step::Say(_, bytes) => bytes.clone(),
            _ => Vec::new(),
        }
    }

    /// The numbers of a load; otherwise one: of the client that sends or hangs up, milliseconds to
    /// wait, the time that is set, operations to run.
    pub fn numbers(&self, step: u32) -> Vec<f64> {
        match &self.steps[step as usize] {
            Step::Note(_) => Vec::new(),
            Step::Say(client, _) | Step::HangUp(client) => vec![(*client).into()],
            Step::Wait(millis) | Step::Jump(millis) => vec![*millis as f64],
            Step::Run(operations) => vec![(*operations).into()],
            Step::Load(load) => load.numbers().into_iter().map(f64::from).collect(),
        }
    }
}

impl Scenario {
    /// Reads the text of a scenario; otherwise says what is wrong, in a sentence.
    ///
    /// # Errors
    /// A line that is not of the form, or has a number out of range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = (1..).zip(text.lines().map(|line| line.trim_end_matches('\r')));
        match lines.next() {
            Some((_, MAGIC)) => {}
            Some((_, line)) if line.starts_with("dynamidb scenario ") => {
                return Err("This scenario is of a version that this page does not know.".into());
            }
            _ => return Err("This is not a scenario of DynamiDB.".into()),
        }
        let mut scenario = Self {
            title: String::new(),
            settings: Settings::new(MEMORY),
            seed: 0,
            start: START,
            steps: Vec::new(),
        };
        let mut goes_on = false;
        for (number, line) in lines {
            let note = line.strip_prefix('#').map(str::trim);
            let read = match (note, scenario.steps.last_mut()) {
                (Some(text), Some(Step::Note(note))) if goes_on => {
                    note.push(' ');
                    note.push_str(text);
                    Ok(())
                }
                (Some(text), _) => {
                    scenario.steps.push(Step::Note(text.to_owned()));
                    Ok(())
                }
                (None, _) => scenario.read(line),
            };
            read.map_err(|problem| format!("Line {number} of the scenario: {problem}."))?;
            goes_on = note.is_some();
        }
        Ok(scenario)
    }

    /// Every step done, natively or not: the same state comes out.
    ///
    /// # Errors
    /// Settings that the cache cannot work with.
    pub fn replay(&self) -> Result<Playground, dynamidb_core::ConfigError> {
        let mut playground = Playground::make(&self.settings, self.seed, self.start)?;
        for step in &self.steps {
            match step {
                Step::Note(_) => {}
                Step::Say(client, bytes) => {
                    playground.say(*client, bytes);
                }
                Step::HangUp(client) => playground.hang_up(*client),
                Step::Wait(millis) => playground.advance(*millis as f64),
                Step::Jump(now) => playground.jump(*now as f64),
                Step::Load(load) => playground.begin_load(load, None),
                Step::Run(operations) => {
                    playground.run_load(*operations);
                }
            }
        }
        Ok(playground)
    }

    fn read(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let step = match word {
            "" if line.is_empty() => return Ok(()),
            "title" => {
                self.title = rest.to_owned();
                return Ok(());
            }
            "hang-up" => Step::HangUp(client(rest)?),
            "wait" => Step::Wait(number(rest, 0, ADVANCE_MAX)?),
            "jump" => Step::Jump(self.moment(rest)?),
            "load" => Step::Load(load(rest)?),
            "run" => Step::Run(number(rest, 0, u64::from(u32::MAX))? as u32),
            _ => match word.strip_suffix(':') {
                Some(name) => Step::Say(client(name)?, [rest.as_bytes(), b"\r\n"].concat()),
                None => match word.strip_suffix('=') {
                    Some(name) => Step::Say(client(name)?, unhex(rest)?),
                    None => return self.read_setting(word, rest),
                },
            },
        };
        self.steps.push(step);
        Ok(())
    }

    fn read_setting(&mut self, word: &str, rest: &str) -> Result<(), String> {
        if !self.steps.iter().all(|step| matches!(step, Step::Note(_))) {
            return Err(format!("“{word}” is not known here"));
        }
        let settings = &mut self.settings;
        match word {
            "memory" => *settings = Settings::new(number(rest, 0, MEMORY_MAX.into())? as u32),
            "max-items" => settings.max_items = Some(number(rest, 0, u32::MAX.into())? as u32),
            "item-size-max" => settings.item_size_max = number(rest, 0, u32::MAX.into())? as u32,
            "slab-sizes" => {
                let sizes = rest.split(',').map(|size| number(size, 0, u32::MAX.into()));
                let sizes: Result<Vec<_>, _> = sizes.collect();
                settings.slab_sizes = sizes?.into_iter().map(|size| size as u32).collect();
            }
            "policy" => {
                settings.policy = named(rest, &[("lru", Policy::Lru), ("s3lru", Policy::S3Lru)])?;
            }
            "dialect" => settings.dialect = named(rest, &DIALECTS)?,
            "start" => self.start = number(rest, 0, START_MAX)?,
            "seed" => {
                let seed = u128::from_str_radix(rest, 16);
                self.seed = seed.map_err(|_| "the seed is not hexadecimal".to_owned())?;
            }
            _ => return Err(format!("“{word}” is not known here")),
        }
        Ok(())
    }

    /// A moment given in milliseconds after the start, or before it.
    fn moment(&self, text: &str) -> Result<u64, String> {
        let since: i64 = text
            .parse()
            .map_err(|_| format!("“{text}” is not a number"))?;
        let at = self.start.saturating_add_signed(since);
        if at > TIME_MAX {
            return Err(format!("“{text}” is too far away"));
        }
        Ok(at)
    }
}

const DIALECTS: [(&str, Dialect); 3] = [
    ("auto", Dialect::Auto),
    ("dynamidb", Dialect::DynamiDb),
    ("memcached", Dialect::Memcached),
];

/// Writes the first lines of a scenario: those that differ from the defaults.
pub(crate) fn write_settings(settings: &Settings, seed: u128, start: u64, text: &mut String) {
    let defaults = Settings::new(settings.memory);
    let mut line = |name: &str, value: &dyn core::fmt::Display| {
        let _ = writeln!(text, "{name} {value}");
    };
    line("memory", &settings.memory);
    if let Some(max) = settings.max_items {
        line("max-items", &max);
    }
    if settings.item_size_max != defaults.item_size_max {
        line("item-size-max", &settings.item_size_max);
    }
    if settings.slab_sizes != defaults.slab_sizes {
        let sizes: Vec<_> = settings.slab_sizes.iter().map(u32::to_string).collect();
        line("slab-sizes", &sizes.join(","));
    }
    if settings.policy == Policy::S3Lru {
        line("policy", &"s3lru");
    }
    if let Some((name, _)) = DIALECTS
        .iter()
        .find(|(_, dialect)| *dialect == settings.dialect)
    {
        line("dialect", name);
    }
    line("seed", &format_args!("{seed:x}"));
    line("start", &start);
}

/// What a client is called: A to Z.
pub(crate) fn client_name(client: u32) -> char {
    char::from(b'A' + client as u8)
}

fn client(name: &str) -> Result<u32, String> {
    match name.as_bytes() {
        [letter @ b'A'..=b'Z'] => Ok(u32::from(letter - b'A')),
        _ => Err(format!("“{name}” is not known here")),
    }
}

fn number(text: &str, least: u64, greatest: u64) -> Result<u64, String> {
    let number: u64 = text
        .parse()
        .map_err(|_| format!("“{text}” is not a number"))?;
    let fits = (least..=greatest).contains(&number);
    fits.then_some(number)
        .ok_or_else(|| format!("{number} is not from {least} to {greatest}"))
}

fn named<T: Copy>(name: &str, all: &[(&str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(known, _)| *known == name);
    found
        .map(|&(_, value)| value)
        .ok_or_else(|| format!("“{name}” is not known here"))
}

fn load(text: &str) -> Result<Load, String> {
    let mut load = Load::new();
    for word in text.split_ascii_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let known = Load::FIELDS.iter().find(|(known, ..)| *known == name);
        let &(_, least, greatest, field) =
            known.ok_or_else(|| format!("“{name}” is not known here"))?;
        *field(&mut load) = number(value, least.into(), greatest.into())? as u32;
    }
    load.problem().map_or(Ok(load), Err)
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |&byte: &u8| char::from(byte).to_digit(16);
    let digits: Option<Vec<_>> = text.as_bytes().iter().map(digit).collect();
    match digits {
        Some(digits) if digits.len().is_multiple_of(2) => Ok(digits
            .chunks(2)
            .map(|pair| (pair[0] << 4 | pair[1]) as u8)
            .collect()),
        _ => Err("bytes are not pairs of hexadecimal digits".to_owned()),
    }
}
