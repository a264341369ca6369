//! A scenario: a cache's settings and the steps of a session, as text. Lessons, links and files
//! have this format, and [`Playground::record`] writes it.
//!
//! ```text
//! dynamidb scenario 1         the format and its version
//! title A value that expires  optional, as each of the settings
//! memory 65536                first, because other defaults depend on it
//! max-items 3
//! item-size-max 1048576
//! slab-sizes 64,128,256
//! policy s3lru
//! dialect memcached
//! seed 7                      of the hash function, hexadecimal
//! start 1700000000000         the time, in milliseconds since the Unix epoch
//!
//! # Text for the reader.
//! A: SET a 30 5               client A sends this and CRLF
//! A= 68656c6c6f0d0a           client A sends these bytes
//! hang-up A                   its connection closes
//! wait 1500                   milliseconds pass
//! jump 90000                  the clock is set, to milliseconds after the start
//! load keys=1000 skew=99      a load starts
//! run 5000                    and does 5000 operations
//! digest 624b5e8c78e8faa0     optional: the state digest at the end, hexadecimal
//! ```

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use crate::limits::{ADVANCE_MAX, TIME_MAX};
use crate::record::MAGIC;
use crate::settings::sentence;
use crate::text::{self, decimal, joined};
use crate::{Load, Playground, Settings};

/// The memory of a scenario without a `memory` line: a cache small enough to be drawn completely.
const MEMORY: u32 = 64 * 1024;
/// The most memory that a scenario may request: a link must not use up a browser's memory.
const MEMORY_MAX: u32 = 1 << 28;
const START: u64 = 1_700_000_000_000;
const START_MAX: u64 = TIME_MAX / 2;

/// One step of a session, or text for the reader.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Text for the reader: a paragraph.
    Note(String),
    /// A client sends bytes.
    Send(u32, Vec<u8>),
    /// A client disconnects.
    Disconnect(u32),
    /// Milliseconds pass.
    Wait(u64),
    /// The clock is set, in milliseconds since the Unix epoch.
    SetClock(u64),
    /// A load starts.
    StartLoad(Load),
    /// The load does this number of operations.
    RunLoad(u32),
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
    digest: Option<u64>,
}

#[wasm_bindgen]
impl Scenario {
    /// Reads the text of a scenario.
    ///
    /// # Errors
    /// A sentence that says which line is invalid and why.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<Self, JsError> {
        Self::parse(text).map_err(|message| JsError::new(&message))
    }

    /// The title; may be empty.
    #[wasm_bindgen(getter)]
    pub fn title(&self) -> String {
        self.title.clone()
    }

    /// The settings of the cache, as numbers.
    #[wasm_bindgen(getter)]
    pub fn settings(&self) -> Vec<u32> {
        self.settings.numbers()
    }

    /// Makes the scenario's empty cache.
    ///
    /// # Errors
    /// Invalid settings.
    pub fn playground(&self) -> Result<Playground, JsError> {
        Playground::with_settings(&self.settings, self.seed, self.start)
            .map_err(|error| JsError::new(&sentence(error)))
    }

    /// The state digest at the end, as [`Playground::digest`] shows it; nothing if the scenario
    /// does not say it. Another engine may come to another one.
    #[wasm_bindgen(getter)]
    pub fn digest(&self) -> Option<String> {
        self.digest
            .map(|digest| text::hexadecimal(digest.into(), 16))
    }

    /// The number of steps.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> u32 {
        self.steps.len() as u32
    }

    /// The kind of a step: 0 note, 1 send, 2 disconnect, 3 wait, 4 set the clock, 5 start a load, 6
    /// run it.
    pub fn kind(&self, step: u32) -> u32 {
        match self.steps[step as usize] {
            Step::Note(_) => 0,
            Step::Send(..) => 1,
            Step::Disconnect(_) => 2,
            Step::Wait(_) => 3,
            Step::SetClock(_) => 4,
            Step::StartLoad(_) => 5,
            Step::RunLoad(_) => 6,
        }
    }

    /// The text of a note, or the bytes that a client sends.
    pub fn bytes(&self, step: u32) -> Vec<u8> {
        match &self.steps[step as usize] {
            Step::Note(text) => text.clone().into_bytes(),
            Step::Send(_, bytes) => bytes.clone(),
            _ => Vec::new(),
        }
    }

    /// The numbers of a load; otherwise one number: the client that sends or disconnects, the
    /// milliseconds to wait, the time to set, the operations to run.
    pub fn numbers(&self, step: u32) -> Vec<f64> {
        match &self.steps[step as usize] {
            Step::Note(_) => Vec::new(),
            Step::Send(client, _) | Step::Disconnect(client) => vec![(*client).into()],
            Step::Wait(millis) | Step::SetClock(millis) => vec![*millis as f64],
            Step::RunLoad(operations) => vec![(*operations).into()],
            Step::StartLoad(load) => load.numbers().into_iter().map(f64::from).collect(),
        }
    }
}

impl Scenario {
    /// Reads the text of a scenario. The error is a sentence.
    ///
    /// # Errors
    /// A malformed line, or a number out of range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = (1..).zip(text.lines().map(|line| line.trim_end_matches('\r')));
        match lines.next() {
            Some((_, MAGIC)) => {}
            Some((_, line)) if line.starts_with("dynamidb scenario ") => {
                return Err("This version of the scenario format is not supported.".into());
            }
            _ => return Err("This is not a DynamiDB scenario.".into()),
        }
        let mut scenario = Self {
            title: String::new(),
            settings: Settings::new(MEMORY),
            seed: 0,
            start: START,
            steps: Vec::new(),
            digest: None,
        };
        let mut in_note = false;
        for (number, line) in lines {
            let note = line.strip_prefix('#').map(str::trim);
            let read = match (note, scenario.steps.last_mut()) {
                (Some(text), Some(Step::Note(note))) if in_note => {
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
            read.map_err(|error| {
                joined(&["Line ", &decimal(number), " of the scenario: ", &error, "."])
            })?;
            in_note = note.is_some();
        }
        Ok(scenario)
    }

    /// Does all steps. The state at the end is the same on every platform.
    ///
    /// # Errors
    /// Invalid settings.
    pub fn replay(&self) -> Result<Playground, dynamidb_core::ConfigError> {
        let mut playground = Playground::with_settings(&self.settings, self.seed, self.start)?;
        for step in &self.steps {
            match step {
                Step::Note(_) => {}
                Step::Send(client, bytes) => {
                    playground.send(*client, bytes);
                }
                Step::Disconnect(client) => playground.disconnect(*client),
                Step::Wait(millis) => playground.advance(*millis as f64),
                Step::SetClock(now) => playground.set_clock(*now as f64),
                Step::StartLoad(load) => playground.begin_load(load, None),
                Step::RunLoad(operations) => {
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
            "digest" => {
                let digest = hexadecimal(rest).and_then(|digest| digest.try_into().ok());
                self.digest = Some(digest.ok_or("the digest is not 16 hexadecimal digits")?);
                return Ok(());
            }
            "hang-up" => Step::Disconnect(client(rest)?),
            "wait" => Step::Wait(number(rest, 0, ADVANCE_MAX)?),
            "jump" => Step::SetClock(self.time(rest)?),
            "load" => Step::StartLoad(load(rest)?),
            "run" => Step::RunLoad(number(rest, 0, u64::from(u32::MAX))? as u32),
            _ => match word.strip_suffix(':') {
                Some(name) => Step::Send(client(name)?, [rest.as_bytes(), b"\r\n"].concat()),
                None => match word.strip_suffix('=') {
                    Some(name) => Step::Send(client(name)?, decode_hex(rest)?),
                    None => return self.read_setting(word, rest),
                },
            },
        };
        self.steps.push(step);
        Ok(())
    }

    fn read_setting(&mut self, word: &str, rest: &str) -> Result<(), String> {
        if !self.steps.iter().all(|step| matches!(step, Step::Note(_))) {
            return Err(unknown(word));
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
                settings.policy = named(rest, &Settings::POLICIES)?;
            }
            "dialect" => settings.dialect = named(rest, &Settings::DIALECTS)?,
            "start" => self.start = number(rest, 0, START_MAX)?,
            "seed" => {
                self.seed = hexadecimal(rest).ok_or("the seed is not hexadecimal")?;
            }
            _ => return Err(unknown(word)),
        }
        Ok(())
    }

    /// A time given in milliseconds after the start, or before it if negative.
    fn time(&self, text: &str) -> Result<u64, String> {
        let since: i64 = text
            .parse()
            .map_err(|_| joined(&["“", text, "” is not a number"]))?;
        let time = self.start.saturating_add_signed(since);
        if time > TIME_MAX {
            return Err(joined(&["“", text, "” is too far away"]));
        }
        Ok(time)
    }
}

fn unknown(word: &str) -> String {
    joined(&["“", word, "” is unknown"])
}

fn client(name: &str) -> Result<u32, String> {
    match name.as_bytes() {
        [letter @ b'A'..=b'Z'] => Ok(u32::from(letter - b'A')),
        _ => Err(unknown(name)),
    }
}

fn number(text: &str, min: u64, max: u64) -> Result<u64, String> {
    let number: u64 = text
        .parse()
        .map_err(|_| joined(&["“", text, "” is not a number"]))?;
    let fits = (min..=max).contains(&number);
    fits.then_some(number).ok_or_else(|| {
        let (min, max) = (decimal(min), decimal(max));
        joined(&[&decimal(number), " is not from ", &min, " to ", &max])
    })
}

fn hexadecimal(text: &str) -> Option<u128> {
    u128::from_str_radix(text, 16).ok()
}

fn named<T: Copy>(name: &str, all: &[(&str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|&(_, value)| value).ok_or_else(|| unknown(name))
}

fn load(text: &str) -> Result<Load, String> {
    let mut load = Load::new();
    for word in text.split_ascii_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let known = Load::FIELDS.iter().find(|(known, ..)| *known == name);
        let &(_, min, max, field) = known.ok_or_else(|| unknown(name))?;
        *field(&mut load) = number(value, min.into(), max.into())? as u32;
    }
    load.validation_error().map_or(Ok(load), Err)
}

fn decode_hex(text: &str) -> Result<Vec<u8>, String> {
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
