//! Random numbers for the load: the same on every platform and in every version, because links
//! share loads by their seed.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Nearly uniform, from 0 to `end`, exclusive.
    pub(crate) const fn below(&mut self, end: u32) -> u32 {
        (((self.next() >> 32) * end as u64) >> 32) as u32
    }

    /// From 0 to 1, exclusive.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Mixes each bit of a number into all others.
pub(crate) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// A Zipf distribution: the number k has a probability proportional to 1 / k^s, for k from 1 to n.
/// By rejection-inversion (Hörmann and Derflinger, 1996): no table, and nearly always one try.
///
/// `libm` instead of the platform's functions, because those differ in the last bit.
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    numbers: u32,
    exponent: f64,
    first: f64,
    last: f64,
    shortcut: f64,
}

impl Zipf {
    pub(crate) fn new(numbers: u32, exponent: f64) -> Self {
        let mut zipf = Self {
            numbers,
            exponent,
            first: 0.0,
            last: 0.0,
            shortcut: 0.0,
        };
        zipf.first = zipf.integral(1.5) - 1.0;
        zipf.last = zipf.integral(f64::from(numbers) + 0.5);
        zipf.shortcut = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    /// The next number, from 1.
    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        if self.exponent == 0.0 {
            return random.below(self.numbers) + 1;
        }
        loop {
            let area = self.last + random.fraction() * (self.first - self.last);
            let x = self.inverse(area);
            // Not `clamp`: its panic message would add ten kilobytes of code.
            let k = ((x + 0.5) as u32).max(1).min(self.numbers);
            let near = f64::from(k);
            let hit =
                near - x <= self.shortcut || area >= self.integral(near + 0.5) - self.density(near);
            if hit {
                return k;
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// The area below the density from 1 to x.
    fn integral(&self, x: f64) -> f64 {
        let log = libm::log(x);
        let power = (1.0 - self.exponent) * log;
        if power.abs() < 1e-8 {
            log * (1.0 + power / 2.0)
        } else {
            log * (libm::expm1(power) / power)
        }
    }

    fn inverse(&self, area: f64) -> f64 {
        let power = (area * (1.0 - self.exponent)).max(-1.0);
        if power.abs() < 1e-8 {
            libm::exp(area * (1.0 - power / 2.0))
        } else {
            libm::exp(area * (libm::log1p(power) / power))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each number was drawn.
    fn counts(numbers: u32, exponent: f64, draws: u32) -> Vec<u32> {
        let (zipf, mut random) = (Zipf::new(numbers, exponent), Random::new(1));
        let mut counts = vec![0; numbers as usize];
        for _ in 0..draws {
            counts[zipf.draw(&mut random) as usize - 1] += 1;
        }
        counts
    }

    #[test]
    fn frequencies_follow_zipfs_law() {
        const DRAWS: u32 = 1_000_000;
        for (numbers, exponent) in [(1, 1.0), (10, 0.0), (100, 0.7), (100, 1.0), (1000, 1.3)] {
            let weight = |k: u32| f64::from(k).powf(-exponent);
            let sum: f64 = (1..=numbers).map(weight).sum();
            let counts = counts(numbers, exponent, DRAWS);
            for k in [1, 2, 3, numbers / 2, numbers] {
                if !(1..=numbers).contains(&k) {
                    continue;
                }
                let expected = f64::from(DRAWS) * weight(k) / sum;
                let deviation = (f64::from(counts[k as usize - 1]) - expected).abs();
                // Five standard deviations.
                assert!(
                    deviation <= 5.0 * expected.sqrt(),
                    "{k} of {numbers}, {exponent}"
                );
            }
        }
    }

    #[test]
    fn extreme_parameters_draw_numbers_within_the_range() {
        for (numbers, exponent) in [(1, 0.0), (2, 5.0), (u32::MAX, 0.01), (u32::MAX, 5.0)] {
            let (zipf, mut random) = (Zipf::new(numbers, exponent), Random::new(7));
            for _ in 0..1000 {
                assert!((1..=numbers).contains(&zipf.draw(&mut random)));
            }
        }
    }

    #[test]
    fn random_numbers_match_the_published_splitmix64() {
        let mut random = Random::new(1_234_567);
        let first = [random.next(), random.next()];
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }
}
