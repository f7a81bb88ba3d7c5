//! One whole pass with everything around it: recovery, look, act, and what is noted about it.
//! `sync`, `run` and `demo` are callers of this.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, info_span};

use crate::clock;
use crate::cloud::webex::{WebexReader, WebexWriter};
use crate::guard::Tally;
use crate::pass::{Acted, Answer, Hands, Heard, Look, Observe, World, act, forget_cursors, look};
use crate::recover::recover;
use crate::report::progress::Progress;
use crate::report::{Counts, Event, Sink, told};
use crate::store::{Decision, NewRun, Reader, RunId, Store};

use super::assemble::Parts;
use super::exit::Failure;
use super::kept;
use super::last;
use super::listen::{Extent, listen, recent};
pub use super::objections::{findings, settled};
use super::outcome::Report;
use super::seats;

/// What a pass is to do.
pub struct Order<'a> {
    /// Settings, rules and sources.
    pub parts: &'a Parts,
    /// The state.
    pub store: &'a Store,
    /// What prompted it: `command`, `schedule`, `signal`, `start`.
    pub trigger: &'static str,
    /// How much is looked at.
    pub extent: Extent,
    /// With [`Extent::InPassing`]: the people whom alone the pass is about.
    pub alone: Option<Box<Heard>>,
    /// Where it is shown.
    pub progress: &'a Progress,
    /// Who else listens.
    pub listeners: Vec<Sink>,
    /// Set when no new call may begin.
    pub stop: CancellationToken,
}

/// A look, with the reader of the state that belongs to it.
///
/// # Errors
///
/// As [`look`].
pub async fn look_around(
    parts: &Parts,
    cloud: &WebexReader,
    reader: &Reader,
    observe: Observe,
    heard: Option<Box<Heard>>,
    recent: Tally,
    events: Sink,
) -> Result<Look, Failure> {
    let config = &parts.config;
    let now = clock::now().timestamp();
    Ok(look(World {
        sources: &parts.sources,
        cloud,
        reader,
        rules: parts.rules.clone(),
        leavers: config.leavers,
        adopt: config.adopt,
        preempt: config.preempt,
        groups: config.groups,
        adopt_contacts: config.adopt_contacts,
        limits: config.guard,
        protected: config.protected.iter().cloned().collect(),
        observe,
        keep_records: config.keep_records,
        heard,
        recent,
        now,
        events,
    })
    .await?)
}

/// Whether it is time to list the whole cloud again.
///
/// # Errors
///
/// When the state cannot be read.
pub fn due(parts: &Parts, reader: &Reader) -> Result<Observe, Failure> {
    let every = i64::try_from(parts.config.observe_every.as_secs()).unwrap_or(i64::MAX);
    let now = clock::now().timestamp();
    Ok(match reader.meta()?.last_observation {
        Some(last) if now.saturating_sub(last) < every && last <= now => Observe::Touched,
        _ => Observe::All,
    })
}

/// Carries out one pass and notes it in the state. `None` when it was asked for in passing and
/// nothing changed.
///
/// # Errors
///
/// When the pass could not be made at all. What went wrong in it is in the report.
pub async fn one_pass(mut order: Order<'_>) -> Result<Option<Report>, Failure> {
    let started = Instant::now();
    let (store, parts) = (order.store, order.parts);
    let recovered = recover(store).await?;
    let observe = match order.extent {
        _ if recovered > 0 => Observe::All,
        Extent::Everything => Observe::All,
        Extent::Due => due(parts, store.reader())?,
        Extent::InPassing => Observe::Touched,
    };
    let before = told::to_log(tracing::Span::none(), told::Known::default());
    let alone = order.alone.take();
    let listened = match alone {
        Some(heard) => Ok(Answer::Something(heard)),
        None => listen(parts, store.reader(), order.extent, observe, Arc::clone(&before)).await,
    };
    let heard = match listened {
        Ok(Answer::Nothing(fresh)) => {
            if let Some(fresh) = fresh {
                store.follow(fresh.0, fresh.1).await?;
            }
            return Ok(None);
        }
        Ok(Answer::Something(heard)) => Some(heard),
        Ok(Answer::Everything { reason, doubted }) => {
            before(Event::ReadingAll { reason });
            let mut meta = store.reader().meta()?;
            forget_cursors(&mut meta, doubted.as_deref(), order.extent == Extent::InPassing);
            store.set_meta(meta).await?;
            None
        }
        // A source that is down is noted as a failed run, unless it was only asked in passing.
        Err(failure) if order.extent == Extent::InPassing => return Err(failure),
        Err(_) => None,
    };
    let mode = if observe == Observe::All { "full" } else { "delta" };
    let begun = clock::now().timestamp();
    let new = NewRun { started: begun, mode: mode.into(), trigger: order.trigger.into() };
    let run = store.begin_run(new).await?;
    let span = info_span!("pass", %run);
    let events = {
        let mut sinks = vec![told::to_log(span.clone(), known(store)?), order.progress.sink()];
        sinks.extend(order.listeners.iter().cloned());
        told::to_all(sinks)
    };
    let result = async {
        info!(
            version = env!("CARGO_PKG_VERSION"),
            config = %parts.config.path.display(),
            mode,
            trigger = order.trigger,
            sources = parts.sources.iter().map(|source| source.name()).collect::<Vec<_>>().join(" "),
            "A pass begins."
        );
        if recovered > 0 {
            events(Event::Recovering { intents: recovered });
        }
        pass(&order, run, observe, heard, &events, started).await
    }
    .instrument(span.clone())
    .await;
    order.progress.finish();
    let _in_span = span.enter();
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(report) => {
            tell_end(&report);
            Ok(Some(report))
        }
        Err(failure) => {
            tracing::error!(
                duration_ms,
                exit = failure.exit.code(),
                error = failure.what,
                remedy = failure.remedy,
                "The pass failed."
            );
            Err(failure)
        }
    }
}

/// What the pass before told already.
fn known(store: &Store) -> Result<told::Known, Failure> {
    let waiting = store.reader().waiting()?;
    let waiting = waiting.iter().map(|one| (one.rank.anchor, &one.license));
    Ok(told::Known::new(&store.reader().withheld()?, waiting))
}

fn tell_end(report: &Report) {
    let counts = &report.counts;
    info!(
        duration_ms = report.duration_ms,
        outcome = report.outcome(),
        create_count = counts.create,
        adopt_count = counts.adopt,
        update_count = counts.update,
        deactivate_count = counts.deactivate,
        reactivate_count = counts.reactivate,
        delete_count = counts.delete,
        license_add_count = counts.license_add,
        license_remove_count = counts.license_remove,
        role_change_count = counts.role_change,
        group_create_count = counts.group_create,
        group_update_count = counts.group_update,
        group_delete_count = counts.group_delete,
        contact_create_count = counts.contact_create,
        contact_update_count = counts.contact_update,
        contact_delete_count = counts.contact_delete,
        room_count = counts.rooms,
        in_sync_count = counts.in_sync,
        withheld_count = counts.withheld,
        held_count = counts.held,
        waiting_count = counts.waiting,
        failed_count = counts.failed,
        "The pass ended."
    );
    if let Some(fatal) = &report.fatal {
        tracing::error!(error = %fatal, remedy = fatal.remedy, "The cloud ended the pass early.");
    }
    if counts.withheld > 0 || counts.waiting > 0 {
        let (count, waiting_count) = (counts.withheld, counts.waiting);
        tracing::warn!(
            count,
            waiting_count,
            "Somebody is withheld or without a seat; `dirsyncd status` says who and why."
        );
    }
    if let Some(plan) = &report.held_plan {
        tracing::warn!(plan, count = counts.held, "Actions wait for approval.");
    }
}

/// The pass between the beginning and the end of its run.
async fn pass(
    order: &Order<'_>,
    run: RunId,
    observe: Observe,
    heard: Option<Box<Heard>>,
    events: &Sink,
    started: Instant,
) -> Result<Report, Failure> {
    let done = async {
        let cloud = order.parts.cloud(order.stop.clone())?;
        let reader = order.store.reader();
        let in_passing = order.extent == Extent::InPassing;
        let recent = recent(reader, heard.is_some() || in_passing)?;
        let look = look_around(order.parts, &cloud, reader, observe, heard, recent, events.clone()).await?;
        order.progress.expect(look.reading.people.saturating_sub(look.reading.unchanged));
        let writer = WebexWriter::new(&cloud);
        let hands = Hands {
            cloud: Arc::new(cloud.clone()),
            writer: Arc::new(writer),
            store: order.store.clone(),
            run,
            events: Arc::clone(events),
            stop: order.stop.clone(),
        };
        let acted = act(look, &hands).await?;
        Ok::<_, Failure>((acted, cloud))
    }
    .await;
    let ended = clock::now().timestamp();
    let ((acted, look), cloud) = match done {
        Ok(done) => done,
        Err(failure) => {
            // The failure itself is what the administrator needs to see first.
            let counts = json!({ "error": failure.what, "exit": failure.exit.code() });
            if let Err(error) = order.store.end_run(run, ended, "failed".into(), counts).await {
                tracing::warn!(%error, "The end of the run could not be noted.");
            }
            return Err(failure);
        }
    };
    let report = conclude(order, run, acted, look, started)?;
    last::remember(order.store, &report, &cloud).await?;
    let counts = serde_json::to_value(&report.counts).unwrap_or(Value::Null);
    order.store.end_run(run, ended, report.outcome().into(), counts).await?;
    if let Some(keep) = order.parts.config.keep_history {
        let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        order.store.prune(ended.saturating_sub(keep)).await?;
    }
    Ok(report)
}

fn conclude(
    order: &Order<'_>,
    run: RunId,
    mut acted: Acted,
    look: Look,
    started: Instant,
) -> Result<Report, Failure> {
    let strays = look.strays()?;
    // Not begun is not failed: the next pass does it.
    acted.failed.retain(|failure| failure.code != "stopped");
    let mut counts = Counts::default();
    for (kind, count) in &acted.done {
        *counts.of(*kind) += count;
    }
    counts.rooms = acted.on_rooms;
    counts.rooms_at_rest = look.rest.rooms;
    counts.contacts_at_rest = look.rest.contacts;
    counts.in_sync = look.in_order(acted.in_sync, acted.revisited);
    counts.withhold(&acted.withheld);
    counts.stray = strays.as_ref().map(|strays| strays.len() as u64);
    counts.held = acted.held.len() as u64;
    counts.waiting = acted.waiting.len() as u64;
    counts.failed = acted.failed.len() as u64;
    acted.short.append(&mut acted.kept);
    counts.short = acted.short.len() as u64;
    counts.manager_missing = acted.unmanaged;
    let held_plan = match acted.held_plan {
        Some(id) => match order.store.reader().held_plan(&id)? {
            Some(plan) if plan.decision == Some(Decision::Rejected) => None,
            _ => Some(id),
        },
        None => None,
    };
    let (seats, grace) = (seats::documents(&look, &acted.waiting), kept::grace(&look));
    let codes = acted.held.iter().map(|held| held.code).collect();
    let rejected = held_plan.is_none();
    let findings = settled(findings(&look).into_iter().chain(acted.findings).collect(), &codes, rejected);
    Ok(Report {
        run,
        mode: if strays.is_some() { "full" } else { "delta" },
        read: look.reading.extent(),
        findings,
        counts,
        failed: acted.failed,
        withheld: acted.withheld,
        held: acted.held,
        held_plan,
        waiting: acted.waiting,
        short: acted.short,
        strays,
        partial: look.reading.partial,
        unbound: look.unbound,
        fatal: acted.fatal,
        stopped: acted.stopped,
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        seats,
        grace,
        rule_names: look.rule_names,
        uncalled: acted.uncalled,
        catalogue: look.catalogue,
    })
}
