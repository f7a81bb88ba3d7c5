//! How the demo is told: chapters, and of long lists the first few.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::model::{Action, Kind};
use crate::report::progress::Progress;
use crate::report::text::{self, Style};
use crate::report::{Counts, Event, Sink, event};
use crate::store::Store;

use super::super::assemble::Parts;
use super::super::console::Console;
use super::super::exit::Failure;
use super::super::listen::{Extent, heard, recent};
use super::super::outcome;
use super::super::pass::{Order, due, look_around, one_pass};

/// Of each kind of action so many are shown.
const SHOWN: usize = 5;

/// Tells the demo.
pub struct Scene {
    console: Console,
    style: Style,
    stop: CancellationToken,
}

impl Scene {
    /// A teller.
    pub fn new(console: Console, stop: CancellationToken) -> Self {
        Self { console, style: console.style(), stop }
    }

    /// A heading.
    pub fn chapter(&self, title: &str) -> Result<(), Failure> {
        self.console.print(|out| writeln!(out, "\n{}\n", self.style.bold(&format!("== {title}"))))
    }

    /// A paragraph.
    pub fn say(&self, text: &str) -> Result<(), Failure> {
        self.console.print(|out| writeln!(out, "{text}"))
    }

    /// Something from a file.
    pub fn quote(&self, text: &str) -> Result<(), Failure> {
        self.console.print(|out| {
            text.lines()
                .try_for_each(|line| writeln!(out, "{}", self.style.dim(&format!("    {line}")).trim_end()))
        })
    }

    /// Waits for Ctrl-C.
    pub async fn until_told(&self) {
        self.stop.cancelled().await;
    }

    /// One pass, as `sync` makes it, and what came of it.
    pub async fn pass(&self, parts: &Parts, store: &Store) -> Result<Counts, Failure> {
        let done: Arc<Mutex<Vec<Action>>> = Arc::default();
        let listener: Sink = {
            let done = Arc::clone(&done);
            Arc::new(move |event| {
                if let Event::Done { action, .. } = event {
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::unwrap_or_clone(action));
                }
            })
        };
        let report = one_pass(Order {
            parts,
            store,
            trigger: "command",
            extent: Extent::Due,
            alone: None,
            progress: &Progress::new(None),
            listeners: vec![listener],
            stop: self.stop.clone(),
        })
        .await?
        .ok_or_else(|| Failure::fault("a pass that was asked for did not take place"))?;
        let mut actions = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
        self.console.print(|out| {
            few(out, self.style, &report.catalogue, &mut actions)?;
            outcome::details(out, self.style, &report)?;
            writeln!(out, "\n{}", self.style.bold(&format!("This pass: {}.", report.counts.words())))?;
            let exit = report.exit().code();
            if exit > 0 {
                writeln!(out, "`dirsyncd sync` ends with exit code {exit} here, so that somebody looks.")?;
            }
            Ok(())
        })?;
        Ok(report.counts)
    }

    /// A plan, as `plan` makes it: every line of it. Returns the counts.
    pub async fn plan(&self, parts: &Parts, store: &Store) -> Result<Counts, Failure> {
        let observe = due(parts, store.reader())?;
        let cloud = parts.cloud(self.stop.clone())?;
        let heard = heard(parts, store.reader(), observe, event::nowhere()).await?;
        let reader = store.reader();
        let recent = recent(reader, heard.is_some())?;
        let look = look_around(parts, &cloud, reader, observe, heard, recent, event::nowhere()).await?;
        let mut written = None;
        self.console.print(|out| {
            written = Some(super::super::plan::show(out, self.style, &look));
            Ok(())
        })?;
        written.unwrap_or_else(|| Err(Failure::fault("the plan was not written")))
    }
}

/// The first few actions of each kind, in an order that does not depend on the network.
fn few(
    out: &mut dyn Write,
    style: Style,
    catalogue: &crate::model::Catalogue,
    actions: &mut [Action],
) -> io::Result<()> {
    actions.sort_by(|a, b| (a.kind, a.who.as_str()).cmp(&(b.kind, b.who.as_str())));
    let mut kinds: BTreeMap<Kind, Vec<&Action>> = BTreeMap::new();
    for action in &*actions {
        kinds.entry(action.kind).or_default().push(action);
    }
    for (kind, actions) in kinds {
        let shown = if actions.len() > SHOWN { SHOWN.min(3) } else { SHOWN };
        for action in actions.iter().take(shown) {
            text::action(out, style, catalogue, action, None)?;
        }
        if actions.len() > shown {
            writeln!(out, "{} ... and {} more of {kind}", text::sign(kind), actions.len() - shown)?;
        }
    }
    Ok(())
}
