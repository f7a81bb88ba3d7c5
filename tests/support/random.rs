//! How many random cases a property test tries, and which.

use proptest::test_runner::{Config, RngSeed};

/// So many cases, the same in every run, so that no test needs luck. `DIRSYNCD_CASES=10` tries ten times as
/// many, others each time: that is how new ones are found.
pub(crate) fn cases(cases: u32) -> Config {
    let more = std::env::var("DIRSYNCD_CASES").ok().and_then(|text| text.parse::<u32>().ok());
    let rng_seed = if more.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    let cases = cases.saturating_mul(more.unwrap_or(1));
    Config { cases, rng_seed, failure_persistence: None, ..Config::default() }
}
