//! The `[[test]]` entries of the configuration, as `check` and `lint` tell them.

use crate::rules::{Miss, Trial};

use super::assemble::Parts;
use super::exit::{Exit, Failure};

/// How one test came out.
pub struct Tried {
    /// Its name.
    pub name: String,
    /// What is not as it says; `None` when all is.
    pub failure: Option<Failure>,
}

/// Runs all tests.
pub fn run(parts: &Parts) -> Vec<Tried> {
    parts
        .try_rules()
        .into_iter()
        .map(|(trial, misses)| Tried {
            name: trial.name.clone(),
            failure: (!misses.is_empty()).then(|| failure(parts, trial, &misses)),
        })
        .collect()
}

fn failure(parts: &Parts, trial: &Trial, misses: &[Miss]) -> Failure {
    let words: Vec<String> = misses
        .iter()
        .map(|Miss { what, expected, got }| {
            let shown = |text: &str| if text.is_empty() { "nothing".into() } else { format!("\"{text}\"") };
            format!("{what}: expected {}, got {}", shown(expected), shown(got))
        })
        .collect();
    let place = parts.config.locate(&trial.place, None);
    Failure::new(
        Exit::Config,
        format!("{place}: {}", words.join("; ")),
        "correct the rules, or the test if this is what they should do",
    )
}
