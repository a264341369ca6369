//! Meta commands: flags in any order and number, keys in base64, quiet ones, leases; and what can
//! be wrong with them.

use crate::commands::{Command, EXPTIMES, Speaker};

/// Flags that return something about an item.
const FACTS: &[&str] = &["k", "s", "f", "t", "h", "l", "u", "O7", "Oabc/+=", "q"];
const MODES_OF_STORES: &[&str] = &["S", "E", "A", "P", "R"];
const MODES_OF_ARITHMETIC: &[&str] = &["I", "+", "D", "-"];
const VERSION: &str = "<version>";
/// Whole lines that are wrong, or have what only a few know; none changes an item.
const ODD: &[&str] = &[
    "mg",
    "mg \r",
    "md",
    "ma",
    "me",
    "ms",
    "ms a",
    "mg none q",
    "mg none k q O1",
    "mg none v v",
    "mg none !",
    "mg none vk",
    "mg none Tabc",
    "mg none T",
    "mg none N",
    "mg none Rx",
    "mg none O{31}",
    "mg none O{32}",
    "mg none O{33}",
    "mg {250} v k",
    "mg {251} v",
    "md {251}",
    "ma {251}",
    "me {251}",
    "mg Zm9 b v",
    "mg Zm9v b k",
    "mg $$$$ b v",
    "md Zm9 b",
    "ma Zm9 b",
    "md none I T30 k",
    "md none q",
    "md none q q",
    "md none z",
    "ma none z",
    "ma none D1 D2",
    "ma none Dx",
    "ma none MX",
    "ma none Mincr",
    "ma none q",
    "ma none v t k O5",
    "me none",
    "me none b",
    "mg none P1 L1 v",
    "mg none s v f c t k l h u q Oa T10 I F1 D1 J1",
    "mg none s v f c t k l h u q Oa T10 I F1 D1 J1 MS b x y z",
    "md none C18446744073709551616",
    "md none Cx",
    "mgx none",
    "m none",
    "mp none",
    "mz none v",
    "mg none v noreply",
    "mg none E5 v",
    "mg none C5 v",
    "md none x",
    "ma none E5 v",
    "md none E5 I",
];
/// Stores that are refused; their block is not one that could do harm.
const REFUSED: &[&str] = &[
    "ms none abc",
    "ms none -1",
    "ms none 8x",
    "ms none 8 z",
    "ms none 8 q q",
    "ms none 8 MZ",
    "ms none 8 Ms",
    "ms none 8 M",
    "ms none 8 Tabc",
    "ms none 8 Fabc",
    "ms none 8 F",
    "ms none 8 Cx",
    "ms {251} 8",
    "ms Zm9 8 b",
    "ms none 8 O{32}",
    "ms none 8 MR",
    "ms none 8 MA",
    "ms none 8 MP q",
    "ms none 8 C5",
    "ms none 8 C5 I k",
    "ms none 8 MR k O9 q",
    "ms none 8 !",
    "ms none",
    "ms none 8 k Oa c q F1 T5 v t f h l u J1 D1 I b P1 L1 N0 x",
];

impl Speaker {
    /// A meta command alone, which may tell a version.
    pub(crate) fn meta_with_version(&mut self) -> Command {
        let verb = self.one(&["mg", "mg", "ms", "ma"]);
        self.meta_command(verb, vec!["c".to_owned()])
    }

    /// A meta command among others.
    pub(crate) fn meta(&mut self, reads: &mut bool) -> Command {
        let verb = match self.rng.u32(..100) {
            0..40 => "mg",
            40..70 => "ms",
            70..85 if !*reads => "ma",
            _ => "md",
        };
        *reads |= verb == "mg";
        self.meta_command(verb, vec![])
    }

    fn meta_command(&mut self, verb: &str, mut flags: Vec<String>) -> Command {
        flags.extend(self.facts());
        match verb {
            "mg" => self.meta_get(flags),
            "ms" => self.meta_set(flags),
            "ma" => self.meta_arithmetic(flags),
            _ => self.meta_delete(flags),
        }
    }

    fn meta_get(&mut self, mut flags: Vec<String>) -> Command {
        if self.once_in(3) {
            flags.push("v".to_owned());
        }
        if self.once_in(5) {
            flags.push(format!("T{}", self.one(EXPTIMES)));
        }
        if self.once_in(5) {
            flags.push(format!("N{}", self.one(&["0", "100"])));
        }
        if self.once_in(5) {
            flags.push(format!("R{}", self.one(&["30", "5000"])));
        }
        self.meta_line("mg", None, flags, b"")
    }

    fn meta_set(&mut self, mut flags: Vec<String>) -> Command {
        // Known as a flag of `ms` only to newer ones.
        flags.retain(|flag| flag != "s");
        if self.once_in(2) {
            flags.push(format!("M{}", self.one(MODES_OF_STORES)));
        }
        if self.once_in(3) {
            flags.push(format!("F{}", self.one(&["0", "7", "4294967295"])));
        }
        if self.once_in(3) {
            flags.push(format!("T{}", self.one(EXPTIMES)));
        }
        self.compared(&mut flags);
        let value = self.value();
        let size = value.len().to_string();
        self.meta_line("ms", Some(&size), flags, &value)
    }

    fn meta_delete(&mut self, mut flags: Vec<String>) -> Command {
        self.compared(&mut flags);
        if self.once_in(3) && !flags.iter().any(|flag| flag == "I") {
            flags.push("I".to_owned());
        }
        if self.once_in(3) {
            flags.push(format!("T{}", self.one(EXPTIMES)));
        }
        self.meta_line("md", None, flags, b"")
    }

    fn meta_arithmetic(&mut self, mut flags: Vec<String>) -> Command {
        // Never quiet: it must be told whether the value was a number.
        flags.retain(|flag| flag != "q");
        if self.once_in(2) {
            flags.push("v".to_owned());
        }
        if self.once_in(2) {
            flags.push(format!(
                "D{}",
                self.one(&["0", "1", "10", "99", "123456789012"])
            ));
        }
        if self.once_in(2) {
            flags.push(format!("M{}", self.one(MODES_OF_ARITHMETIC)));
        }
        if self.once_in(3) {
            flags.push(format!("N{}", self.one(&["0", "100"])));
            flags.push(format!("J{}", self.one(&["0", "1", "13", "1000000"])));
        }
        self.meta_line("ma", None, flags, b"")
    }

    /// A few flags, none of them twice.
    fn facts(&mut self) -> Vec<String> {
        let mut flags: Vec<String> = Vec::new();
        for _ in 0..self.rng.usize(..5) {
            let flag = self.one(FACTS);
            if !flags.iter().any(|other| other[..1] == flag[..1]) {
                flags.push(flag.to_owned());
            }
        }
        flags
    }

    /// Now and then, a version to compare with, and what else may be done if it is not that.
    fn compared(&mut self, flags: &mut Vec<String>) {
        if self.once_in(4) {
            flags.push(format!(
                "C{}",
                self.one(&["18446744073709551615", VERSION, VERSION])
            ));
            if self.once_in(2) {
                flags.push("I".to_owned());
            }
        }
    }

    fn meta_line(
        &mut self,
        verb: &str,
        size: Option<&str>,
        mut flags: Vec<String>,
        block: &[u8],
    ) -> Command {
        let mut key = self.key().to_vec();
        if self.once_in(5) && key.len() < 100 {
            key = base64(&key).into_bytes();
            flags.push("b".to_owned());
        }
        self.rng.shuffle(&mut flags);
        let mut words = vec![verb.as_bytes(), &key];
        words.extend(size.map(str::as_bytes));
        words.extend(flags.iter().map(|flag| flag.as_bytes()));
        let mut bytes = self.line(&words, 0);
        let mark = VERSION.as_bytes();
        let at = bytes.windows(mark.len()).position(|word| word == mark);
        if let Some(at) = at {
            bytes.drain(at..at + mark.len());
        }
        if size.is_some() {
            bytes.extend([block, b"\r\n"].concat());
        }
        let version = at.map(|at| (at, key));
        Command { bytes, version }
    }

    /// A mistake in a meta command, or a rare one.
    pub(crate) fn odd_meta(&mut self) -> Command {
        if self.once_in(3) {
            let line = long_words(self.one(REFUSED));
            return format!("{line}\r\nharmless\r\n").into_bytes().into();
        }
        if self.once_in(10) {
            let key = String::from_utf8_lossy(self.key()).into_owned();
            return format!("me {key}\r\n").into_bytes().into();
        }
        format!("{}\r\n", long_words(self.one(ODD)))
            .into_bytes()
            .into()
    }
}

/// `{251}` stands for that many letters.
fn long_words(line: &str) -> String {
    let Some((before, rest)) = line.split_once('{') else {
        return line.to_owned();
    };
    let (len, after) = rest.split_once('}').expect("a closing brace");
    let len = len.parse().expect("a number");
    format!("{before}{}{after}", "x".repeat(len))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | usize::from(*three.get(at).unwrap_or(&0))
        });
        for at in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * at) & 63]);
            text.push(if at <= three.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        let spelled = [&b""[..], b"f", b"fo", b"foo", b"k\xff\xfe"].map(base64);
        assert_eq!(spelled, ["", "Zg==", "Zm8=", "Zm9v", "a//+"]);
    }
}
