//! How far a pass is, on stderr: a bar on a terminal, a line every few seconds elsewhere.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::event::{Event, Sink};

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Shows how far a pass is.
#[derive(Clone)]
pub struct Progress(Option<Arc<Mutex<Shown>>>);

struct Shown {
    bar: Option<ProgressBar>,
    last: Instant,
    read: u64,
    observed: u64,
    /// People to work on, as far as known.
    expected: u64,
    /// People of the parts that are finished.
    finished: u64,
    /// People and actions of the part under way, and its actions so far.
    people: u64,
    actions: u64,
    done: u64,
}

impl Progress {
    /// `None` shows nothing, `Some(true)` a bar, `Some(false)` lines.
    pub fn new(how: Option<bool>) -> Self {
        Self(how.map(|terminal| {
            let bar = terminal.then(|| {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
                bar.set_style(spinner());
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            });
            Arc::new(Mutex::new(Shown {
                bar,
                last: Instant::now(),
                read: 0,
                observed: 0,
                expected: 0,
                finished: 0,
                people: 0,
                actions: 0,
                done: 0,
            }))
        }))
    }

    /// The sink to give to a pass.
    pub fn sink(&self) -> Sink {
        match self.0.clone() {
            None => super::event::nowhere(),
            Some(shown) => Arc::new(move |event| {
                shown.lock().unwrap_or_else(PoisonError::into_inner).take(&event);
            }),
        }
    }

    /// Says how many people are to be worked on.
    pub fn expect(&self, people: u64) {
        if let Some(shown) = &self.0 {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.expected = people;
            if let Some(bar) = &shown.bar {
                bar.set_style(bar_style());
                bar.set_length(people.max(1));
                bar.set_message("applying");
            }
        }
    }

    /// Takes the bar away, so that the result can be written.
    pub fn finish(&self) {
        if let Some(shown) = &self.0
            && let Some(bar) = &shown.lock().unwrap_or_else(PoisonError::into_inner).bar
        {
            bar.finish_and_clear();
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg} [{bar:32}] {pos}/{len} people, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Shown {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Reading { people, .. } => {
                self.read = *people;
                self.say(Self::reading);
            }
            Event::Observing { accounts } => {
                self.observed = *accounts;
                self.say(Self::reading);
            }
            Event::Planned { people, actions } => {
                self.finished += self.people;
                (self.people, self.actions, self.done) = (*people, *actions, 0);
                self.advance();
            }
            Event::Done { .. } | Event::Failed { .. } => {
                self.done += 1;
                self.advance();
            }
            Event::Pausing { wait_ms } => {
                let seconds = wait_ms.div_ceil(1000);
                self.say(|_| format!("the cloud asks for patience: {seconds} s"));
            }
            _ => {}
        }
    }

    /// Not every command lists accounts.
    fn reading(&self) -> String {
        match self.observed {
            0 => format!("reading: {} people", self.read),
            accounts => format!("reading: {} people, {accounts} accounts", self.read),
        }
    }

    fn position(&self) -> u64 {
        self.finished + (self.people * self.done.min(self.actions)) / self.actions.max(1)
    }

    fn advance(&mut self) {
        let position = self.position();
        match &self.bar {
            Some(bar) => {
                if position > bar.length().unwrap_or(0) {
                    bar.set_length(position);
                }
                bar.set_position(position);
            }
            None => {
                let expected = self.expected.max(position);
                self.say(|_| format!("applying: {position} of {expected} people"));
            }
        }
    }

    fn say(&mut self, text: impl FnOnce(&Self) -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text(self));
        } else if self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            let text = text(self);
            // Nobody listens when this fails.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_counts_people_through_parts() {
        let progress = Progress::new(Some(false));
        let sink = progress.sink();
        let position = || progress.0.as_ref().unwrap().lock().unwrap().position();
        progress.expect(30);
        sink(Event::Planned { people: 20, actions: 40 });
        assert_eq!(position(), 0);
        for _ in 0..20 {
            sink(Event::Failed {
                action: crate::model::Action {
                    kind: crate::model::Kind::Create,
                    anchor: crate::model::SourceId::new([1; 16]),
                    who: "a@example.com".parse().unwrap(),
                    dn: None,
                    cloud_id: None,
                    changes: vec![],
                    cause: crate::model::Cause::NewRecord,
                },
                code: String::new(),
                message: String::new(),
                remedy: String::new(),
            });
        }
        assert_eq!(position(), 10);
        sink(Event::Planned { people: 10, actions: 0 });
        assert_eq!(position(), 20);
    }
}
