//! `dirsyncd explain PERSON`: the whole way of one person, from the record to what a pass would do.
//!
//! The person is looked up, judged by the rules that a pass would use, and then a real look is
//! made about this person alone. There is no writer in here, and the state is only read.

mod contact;
mod document;
mod group;
mod group_document;
mod group_text;
mod headline;
mod story;
mod text;

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::cloud::CloudRead;
use crate::cloud::webex::WebexReader;
use crate::model::{Cause, CloudId, Email, Key, Kind, Record, RecordKind, SourceId};
use crate::pass::{Alone, Climbed, CloudChain, Heard, Meant, Observe, since};
use crate::report::progress::Progress;
use crate::rules::{Rules, address_attributes, own_attributes};
use crate::store::{HistoryFilter, Outcome, Reader};

use super::args::{self, Globals};
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::listen::recent;
use super::pass::{findings, look_around};
use super::stopping::stoppable;
use contact::There;
use group::GroupStory;
use story::{Begun, Candidate, Done, InCloud, Kept, Outlook, Story};

/// Runs the command.
///
/// # Errors
///
/// When the configuration does not hold or the state cannot be read. What the source or the cloud
/// does not answer is told beside what is known, and is in the exit code.
pub async fn run(globals: &Globals, console: Console, args: &args::Explain) -> Result<Exit, Failure> {
    let parts = Parts::load(globals)?;
    let _log = super::start_screen_log(&parts.config.log, console);
    let progress = Progress::new(console.progress());
    let (told, stopped) = stoppable(|stop| tell(&parts, stop, &progress, &args.person)).await;
    progress.finish();
    let told = told?;
    if let Some(exit) = stopped {
        return Ok(exit);
    }
    let story = match told {
        Told::Person(story) => *story,
        Told::Group(story) => return show(&story, console),
    };
    let exit = story.exit();
    if console.json {
        console.document(&document::of(&story, exit))?;
    } else {
        console.print(|out| text::write(out, console.style(), &story))?;
    }
    Ok(exit)
}

/// Whom it is about.
enum Told {
    Person(Box<Story>),
    Group(Box<GroupStory>),
}

fn show(story: &GroupStory, console: Console) -> Result<Exit, Failure> {
    let exit = story.exit();
    if console.json {
        console.document(&group_document::of(story, exit))?;
    } else {
        console.print(|out| group_text::write(out, console.style(), story))?;
    }
    Ok(exit)
}

/// What the cloud told before anybody was looked at.
struct Bound {
    cloud: Option<WebexReader>,
    rules: Rules,
}

async fn tell(
    parts: &Parts,
    stop: CancellationToken,
    progress: &Progress,
    person: &str,
) -> Result<Told, Failure> {
    let reader = Reader::open(&parts.config.state_dir)?;
    let mut story = Story::new(person);
    let mut bound = bind(parts, stop, &mut story).await?;
    bound.rules = since(bound.rules, &reader.meta()?);
    let addresses = address_attributes(&parts.config.rules);
    let owned = own_attributes(&parts.config.rules);
    (story.has_rooms, story.has_contacts) = (bound.rules.has_rooms(), bound.rules.has_contacts());
    let mut seeking = Alone::new(&parts.sources, &reader, &bound.rules, &addresses, &owned);
    let mut meant = seeking.find(person).await?;
    if meant.anchors().is_empty()
        && let Some(cloud) = &bound.cloud
        && let Some(anchor) = only_in_cloud(cloud, person, &mut story).await?
    {
        meant = seeking.find(&anchor.to_string()).await?;
    }
    story.unusable = meant.unusable.clone();
    story.row = meant.row.clone();
    story.contact = meant.contact.clone();
    story.gaps = seeking.gaps.clone();
    story.sources = parts.config.sources.iter().map(story::Searched::of).collect();
    let anchors = meant.anchors();
    match anchors.as_slice() {
        [] => {
            if may_be_group(parts, &bound.rules, &reader, &story)? {
                let (cloud, sink) = (bound.cloud.as_ref(), progress.sink());
                let told = group::tell(parts, &reader, cloud, &bound.rules, person, sink).await?;
                story.no_group = told.is_nothing();
                if !story.no_group {
                    return Ok(Told::Group(Box::new(told)));
                }
            }
        }
        [anchor] => {
            let anchor = *anchor;
            one(parts, &reader, &bound, seeking, meant, anchor, progress, &mut story).await?;
        }
        _ => {
            let now = clock::now().timestamp();
            for met in &meant.met {
                let climbed = seeking.climb(&met.record).await?;
                story.candidates.push(Candidate::of(met, &bound.rules, &climbed.groups, now));
            }
            let row = meant.row.iter().map(|row| (row.anchor, row.dn.as_str(), RecordKind::Person));
            let link = meant.contact.iter().map(|link| (link.anchor, link.dn.as_str(), RecordKind::Contact));
            for (anchor, dn, kind) in row.chain(link) {
                if !story.candidates.iter().any(|one| one.anchor == anchor) {
                    story.candidates.push(Candidate::gone(anchor, dn, kind));
                }
            }
        }
    }
    Ok(Told::Person(Box::new(story)))
}

/// Whether a group is worth looking for, which takes a read of everything.
fn may_be_group(parts: &Parts, rules: &Rules, reader: &Reader, story: &Story) -> Result<bool, Failure> {
    let may = story.is_nobody() && story.asked.parse::<Email>().is_err() && !parts.sources.is_empty();
    Ok(may && (rules.wants_groups() || !reader.group_links()?.is_empty()))
}

/// Binds the rules to what the cloud has; without an answer, to the names that they write.
async fn bind(parts: &Parts, stop: CancellationToken, story: &mut Story) -> Result<Bound, Failure> {
    let rules = parts.rules.clone();
    let asked = async {
        let cloud = parts.cloud(stop)?;
        let catalogue = cloud.catalogue().await?;
        let roles = cloud.roles().await?;
        Ok::<_, Failure>((cloud, catalogue, roles))
    };
    match asked.await {
        Ok((cloud, catalogue, roles)) => {
            let (rules, unbound) = rules.bind(&catalogue, &roles);
            story.unbound = unbound;
            story.catalogue = catalogue;
            story.roles = roles;
            Ok(Bound { cloud: Some(cloud), rules })
        }
        Err(failure) if matches!(failure.exit, Exit::Stopped(_)) => Err(failure),
        Err(failure) => {
            story.cloud_trouble = Some(failure);
            Ok(Bound { cloud: None, rules: rules.rehearsed(&parts.config.rules) })
        }
    }
}

/// An account of which neither directory nor state knows under this text; and the anchor that it
/// carries.
async fn only_in_cloud(
    cloud: &WebexReader,
    text: &str,
    story: &mut Story,
) -> Result<Option<SourceId>, Failure> {
    let text = text.trim();
    let asked = match text.parse::<Email>() {
        Ok(email) => cloud.account_by_email(&email).await,
        Err(_) if text.contains(['=', ' ', '/']) || text.is_empty() => return Ok(None),
        Err(_) => cloud.account(&CloudId::new(text)).await,
    };
    let account = match asked {
        Ok(Some(account)) => account,
        Ok(None) => return contact_in_cloud(cloud, text, story).await,
        // An id that is none is refused, and not missing.
        Err(error) if error.kind == crate::cloud::CloudErrorKind::Rejected => {
            return contact_in_cloud(cloud, text, story).await;
        }
        Err(error) => {
            story.cloud_trouble = Some(error.into());
            return Ok(None);
        }
    };
    story.holds = cloud.licenses_of(&account.id).await.ok();
    let anchor = account.external_id.as_deref().and_then(|id| id.parse().ok());
    story.account = Some(account);
    Ok(anchor)
}

/// The same for a contact, while contacts are synchronized; it carries no anchor.
async fn contact_in_cloud(
    cloud: &WebexReader,
    text: &str,
    story: &mut Story,
) -> Result<Option<SourceId>, Failure> {
    if story.has_contacts {
        match contact::known_as(cloud, text).await {
            Ok(found) => story.there = found.map_or(There::Unasked, There::Found),
            Err(error) => story.cloud_trouble = Some(error.into()),
        }
    }
    Ok(None)
}

/// Everything about one person.
#[expect(clippy::too_many_arguments, reason = "what is known of one person comes from all sides")]
async fn one(
    parts: &Parts,
    reader: &Reader,
    bound: &Bound,
    mut seeking: Alone<'_>,
    meant: Meant,
    anchor: SourceId,
    progress: &Progress,
    story: &mut Story,
) -> Result<(), Failure> {
    let now = clock::now().timestamp();
    story.anchor = Some(anchor);
    story.met = meant.met.clone();
    if let Some(met) = meant.met.first() {
        let climbed = seeking.climb(&met.record).await?;
        story.gaps.clone_from(&seeking.gaps);
        judge(&bound.rules, &met.record, &climbed, now, story);
        in_cloud(reader, climbed.cloud, story)?;
    }
    story.begun = begun(reader, anchor, story.row.is_none() && story.contact.is_some())?;
    for plan in reader.held()? {
        let actions: Vec<_> = plan.actions.into_iter().filter(|action| action.anchor == anchor).collect();
        if !actions.is_empty() {
            story.kept.push(Kept { plan: plan.id, decision: plan.decision, actions });
        }
    }
    let waiting = reader.waiting()?;
    for one in waiting.iter().filter(|one| one.rank.anchor == anchor) {
        let all = waiting.iter().filter(|other| other.license == one.license).count();
        story.queue.push((one.license.clone(), all));
    }
    if story.off().is_some() {
        // Known without asking anybody.
        story.outlook = Some(Outlook::default());
        return Ok(());
    }
    let Some(cloud) = &bound.cloud else { return Ok(()) };
    if story.has_contacts && story.is_contact() {
        let wish = story.told.as_ref().and_then(|told| told.contact.as_ref());
        match contact::see(cloud, anchor, wish, &reader.contact_links()?).await {
            Ok(there) => story.there = there,
            Err(error) => {
                story.cloud_trouble = Some(error.into());
                return Ok(());
            }
        }
    }
    if story.is_carried() {
        // A look about few people asks for newcomers by address, and would not see this account.
        return Ok(());
    }
    let heard = seeking.heard(BTreeSet::from([anchor]), meant, now).await?;
    match outlook(parts, cloud, reader, heard, anchor, progress, story).await {
        Ok(()) => Ok(()),
        Err(failure) if failure.exit == Exit::Cloud => {
            story.cloud_trouble = Some(failure);
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// What the rules say. Groups are named with the way that leads to them.
fn judge(rules: &Rules, record: &Record, climbed: &Climbed, now: i64, story: &mut Story) {
    let mut words = rules.groups().to_vec();
    for chain in &climbed.chains {
        if let Some(word) = words.get_mut(chain.at).filter(|_| !chain.through.is_empty()) {
            // The words stand in quotes.
            *word = format!("{word}\" through \"{}", chain.through.join("\" and \""));
        }
        if let Some(name) = rules.groups().get(chain.at) {
            story.groups.push((name.clone(), chain.through.clone()));
        }
    }
    story.told = Some(rules.explain_in(record, &climbed.groups, now, &words));
}

/// The groups of the cloud, with whether the person is in them by now.
fn in_cloud(reader: &Reader, chains: Vec<CloudChain>, story: &mut Story) -> Result<(), Failure> {
    let account = story.row.as_ref().map(|row| Key::exact(row.cloud_id.as_str()));
    let links = reader.group_links()?;
    for CloudChain { anchor, name, through } in chains {
        let link = links.iter().find(|link| link.anchor == anchor).map(|link| link.cloud_id.clone());
        let ours = match (&link, account) {
            (Some(_), Some(account)) => reader.our_members(anchor)?.contains(&account),
            _ => false,
        };
        story.cloud_groups.push(InCloud { name, through, link, ours });
    }
    Ok(())
}

/// Since when somebody is linked, and by what.
fn begun(reader: &Reader, anchor: SourceId, contact: bool) -> Result<Option<Begun>, Failure> {
    let mut begun = None;
    let kinds =
        if contact { [Kind::ContactCreate, Kind::ContactUpdate] } else { [Kind::Create, Kind::Adopt] };
    for kind in kinds {
        let filter = HistoryFilter { anchor: Some(anchor), kind: Some(kind), ..HistoryFilter::default() };
        let entries = reader.history(&filter)?.into_iter();
        // A contact is taken over by an update.
        let begins = |cause| kind != Kind::ContactUpdate || cause == Cause::SameEmail;
        for entry in entries.filter(|entry| begins(entry.action.cause)) {
            let later = begun.as_ref().is_some_and(|begun: &Begun| begun.time >= entry.time);
            if !later && matches!(entry.outcome, Outcome::Succeeded | Outcome::Partly { .. }) {
                begun = Some(Begun { time: entry.time, run: entry.run });
            }
        }
    }
    Ok(begun)
}

/// What a pass would do now.
async fn outlook(
    parts: &Parts,
    cloud: &WebexReader,
    reader: &Reader,
    heard: Heard,
    anchor: SourceId,
    progress: &Progress,
    story: &mut Story,
) -> Result<(), Failure> {
    heard.partial.iter().for_each(|gap| story.gap(gap.clone()));
    let heard = Some(Box::new(heard));
    let recent = recent(reader, true)?;
    let look = look_around(parts, cloud, reader, Observe::Touched, heard, recent, progress.sink()).await?;
    let mut outlook = Outlook { findings: findings(&look), ..Outlook::default() };
    outlook.withheld.extend(look.reading.withheld.iter().filter(|one| one.anchor == Some(anchor)).cloned());
    look.parts(|part| {
        let mine = |action: &crate::model::Action| action.anchor == anchor;
        let flowing = part.checked.plan().actions.iter().filter(|action| mine(action));
        outlook.actions.extend(flowing.map(|action| Done { action: action.clone(), held_by: None }));
        let held = part.held.iter().filter(|held| mine(&held.action));
        outlook.actions.extend(
            held.map(|held| Done { action: held.action.clone(), held_by: Some(held.code.to_owned()) }),
        );
        outlook
            .waiting
            .extend(part.waiting.iter().filter(|one| one.anchor == anchor).map(|one| one.license.clone()));
        outlook.fading.extend(part.fading.into_iter().filter(|one| one.anchor == anchor));
        outlook.withheld.extend(part.withheld.into_iter().filter(|one| one.anchor == Some(anchor)));
        outlook.short.extend(part.short.iter().filter(|(who, _)| *who == anchor).map(|(_, why)| *why));
        true
    })?;
    outlook.case = look.case(anchor)?;
    if let Some(id) = outlook.account().map(|account| account.id.clone()) {
        story.holds = cloud.licenses_of(&id).await.ok();
    }
    story.outlook = Some(outlook);
    Ok(())
}
