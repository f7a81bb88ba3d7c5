//! Giving and taking licences: the rules of Webex, with its published error codes.
//!
//! What is against a rule refuses the whole request. A licence without a free seat is skipped
//! without a word: the answer tells only by what it holds.

use serde_json::{Value, json};

use super::audit::Actor;
use super::errors::Refusal;
use super::faults::Exhausted;
use super::license::{License, Rule};
use super::numbers;
use super::person::{Calling, Person};
use super::state::State;

/// A licence to give or take.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// An index into the licences.
    pub(super) license: u16,
    pub(super) give: bool,
    pub(super) telephone: Telephone,
}

/// The telephone that comes with a calling licence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Telephone {
    /// A public or raw id.
    pub(super) location: Option<String>,
    pub(super) number: Option<String>,
    pub(super) extension: Option<String>,
}

/// A meeting site to attend or leave.
#[derive(Clone, Debug)]
pub(super) struct SiteWish {
    pub(super) site: String,
    pub(super) give: bool,
}

/// Fulfils wishes; whether all of them were fulfilled.
pub(super) fn apply(
    state: &mut State,
    slot: u32,
    wishes: &[Wish],
    sites: &[SiteWish],
    exhausted: Exhausted,
    actor: Actor<'_>,
) -> Result<bool, Refusal> {
    let before = state.roster.get(slot).cloned().ok_or_else(Refusal::absent)?;
    if !before.is_user() {
        return Err(refuse(400_000, "License not recognized for this type of user."));
    }
    check(state, &before, wishes)?;
    check_sites(state, &before, wishes, sites)?;
    let mut person = Person::clone(&before);
    let mut skipped = false;
    for wish in wishes.iter().filter(|wish| !wish.give) {
        person.set_license(wish.license, false);
    }
    for wish in wishes.iter().filter(|wish| wish.give && !before.holds(wish.license)) {
        match state.licenses.get(usize::from(wish.license)) {
            Some(license) if license.has_seat() => {
                person.set_license(wish.license, true);
            }
            _ => skipped = true,
        }
    }
    telephone(state, &mut person, wishes)?;
    attend(state, &mut person, sites);
    let changed = person.licenses != before.licenses || person.attends != before.attends;
    if skipped && !changed && exhausted == Exhausted::Refused {
        return Err(Refusal::bad("No license is left."));
    }
    if changed || person.calling != before.calling {
        invite(state, &before, &mut person, actor.at);
        for (at, license) in (0u16..).zip(&mut state.licenses) {
            if before.holds(at) != person.holds(at) {
                license.set_holder(slot, person.holds(at), state.bounds.counter_lag);
            }
        }
        state.commit(slot, person, actor, "User licenses changed");
    }
    Ok(!skipped)
}

/// Sends, or rather counts, the mail that a person gets with the first licence that matters.
fn invite(state: &mut State, before: &Person, person: &mut Person, now: i64) {
    let gained = |license: &u16| {
        !before.holds(*license) && state.licenses.get(usize::from(*license)).is_some_and(License::invites)
    };
    if state.org.invites
        && !person.signed_in
        && person.invited.is_none()
        && person.licenses.iter().any(gained)
    {
        person.invited = Some(now);
        state.invitations += 1;
    }
}

/// The refusal of a published code.
fn refuse(code: i64, message: &str) -> Refusal {
    Refusal::bad(message).code(code)
}

fn check(state: &State, person: &Person, wishes: &[Wish]) -> Result<(), Refusal> {
    let rule = |at: u16| state.licenses.get(usize::from(at)).map_or(Rule::Other, |license| license.rule);
    for wish in wishes {
        match (rule(wish.license), wish.give) {
            (Rule::Messenger, _) => return Err(refuse(400_118, "Messenger licenses are not managed here.")),
            (Rule::Workspace, true) => return Err(refuse(400_000, "License not recognized for users.")),
            (Rule::FreeScreenShare, false) => {
                return Err(refuse(700_006, "Free screen share is implicit and cannot be removed."));
            }
            _ => {}
        }
    }
    let given: Vec<u16> =
        wishes.iter().filter(|w| w.give && !person.holds(w.license)).map(|w| w.license).collect();
    let taken: Vec<u16> = wishes.iter().filter(|w| !w.give).map(|w| w.license).collect();
    let mut after: Vec<u16> = person.licenses.iter().copied().filter(|at| !taken.contains(at)).collect();
    after.extend(&given);
    let has = |list: &[u16], wanted: Rule| list.iter().any(|at| rule(*at) == wanted);
    let offered = |wanted: Rule| state.licenses.iter().any(|license| license.rule == wanted);

    if has(&given, Rule::CallingStandard) {
        if has(&taken, Rule::CallingProfessional) && has(&person.licenses, Rule::CallingProfessional) {
            return Err(refuse(400_112, "Professional cannot be changed to Standard."));
        }
        if has(&taken, Rule::CustomerExperience) && has(&person.licenses, Rule::CustomerExperience) {
            return Err(refuse(400_410, "Customer Experience Essentials cannot be changed to Standard."));
        }
    }
    for (one, other, code, message) in [
        (
            Rule::CallingProfessional,
            Rule::CallingStandard,
            400_404,
            "Professional and Standard exclude each other.",
        ),
        (
            Rule::CallingStandard,
            Rule::AttendantConsole,
            400_406,
            "Standard and Attendant Console exclude each other.",
        ),
        (
            Rule::CallingStandard,
            Rule::CustomerExperience,
            400_407,
            "Standard and Customer Experience Essentials exclude each other.",
        ),
    ] {
        if has(&after, one) && has(&after, other) {
            return Err(refuse(code, message));
        }
    }
    if has(&after, Rule::AttendantConsole) && !has(&after, Rule::CallingProfessional) {
        return Err(refuse(400_408, "Attendant Console needs Professional."));
    }
    for (paid, free, code, message) in [
        (Rule::Messaging, Rule::FreeMessaging, 700_003, "Paid messaging needs free messaging."),
        (Rule::Meeting, Rule::FreeMeeting, 700_004, "Paid meetings need free meetings."),
        (Rule::SpaceMeeting, Rule::FreeMessaging, 700_005, "Space meetings need free messaging."),
    ] {
        if has(&after, paid) && offered(free) && !has(&after, free) {
            return Err(refuse(code, message));
        }
    }
    let mut hosted: Vec<_> = after
        .iter()
        .filter_map(|at| state.licenses.get(usize::from(*at))?.spec.site.as_deref())
        .map(str::to_lowercase)
        .collect();
    let all = hosted.len();
    hosted.sort();
    hosted.dedup();
    if hosted.len() < all {
        return Err(refuse(400_413, "Only one license of an offer can be held."));
    }
    for wish in wishes.iter().filter(|wish| given.contains(&wish.license)) {
        let calling = state.licenses.get(usize::from(wish.license)).is_some_and(License::calling);
        if calling && person.calling.is_none() {
            check_telephone(state, &wish.telephone)?;
        }
    }
    Ok(())
}

fn check_telephone(state: &State, telephone: &Telephone) -> Result<(), Refusal> {
    let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let placed = filled(&telephone.extension) && filled(&telephone.location);
    if !filled(&telephone.number) && !placed {
        return Err(refuse(400_411, "Required calling properties are missing."));
    }
    match &telephone.location {
        Some(location) if state.location_index(location).is_none() => {
            return Err(refuse(400, "Location not found."));
        }
        _ => {}
    }
    let location = telephone.location.as_deref().map_or(Some(0), |id| state.location_index(id));
    if numbers::is_taken(state, location, telephone.extension.as_deref(), telephone.number.as_deref()) {
        return Err(Refusal::bad("The number or extension is in use."));
    }
    Ok(())
}

fn check_sites(state: &State, person: &Person, wishes: &[Wish], sites: &[SiteWish]) -> Result<(), Refusal> {
    for wish in sites.iter().filter(|wish| wish.give) {
        let hosts = |at: u16| {
            let site = state.licenses.get(usize::from(at)).and_then(|license| license.spec.site.as_deref());
            site.is_some_and(|site| site.eq_ignore_ascii_case(&wish.site))
        };
        let stays = |at: &u16| !wishes.iter().any(|wish| !wish.give && wish.license == *at);
        let hosting = person.licenses.iter().any(|at| hosts(*at) && stays(at))
            || wishes.iter().any(|wish| wish.give && hosts(wish.license));
        if hosting || !state.knows_site(&wish.site) {
            return Err(refuse(400_216, "The siteUrl is not valid for an attendee."));
        }
    }
    Ok(())
}

/// A person with a calling licence has a telephone, and nobody else has one. The telephone owns
/// the work number: what a directory wrote there goes away.
fn telephone(state: &State, person: &mut Person, wishes: &[Wish]) -> Result<(), Refusal> {
    let calls = |at: &u16| state.licenses.get(usize::from(*at)).is_some_and(License::calling);
    let has_license = person.licenses.iter().any(calls);
    match (&person.calling, has_license) {
        (None, true) => {
            let wish = wishes.iter().find(|wish| wish.give && calls(&wish.license));
            let asked = wish.map(|wish| wish.telephone.clone()).unwrap_or_default();
            let location =
                asked.location.as_deref().and_then(|id| state.location_index(id)).unwrap_or_default();
            let prefix = state
                .locations
                .get(usize::from(location))
                .map_or("", |place| place.spec.routing_prefix.as_str());
            let mut owned = Vec::new();
            if let Some(number) = &asked.number {
                owned.push(json!({ "value": number, "type": "work", "primary": true }));
            }
            if let Some(extension) = &asked.extension {
                let value = format!("{prefix}{extension}");
                owned.push(
                    json!({ "value": value, "type": "work_extension", "primary": asked.number.is_none() }),
                );
            }
            person.profile = person.profile.with_phones(|phones| replace_owned(phones, owned))?;
            person.calling = Some(Box::new(Calling {
                location,
                extension: asked.extension.map(Into::into),
                number: asked.number.map(Into::into),
            }));
        }
        (Some(_), false) => {
            person.profile = person.profile.with_phones(|phones| replace_owned(phones, Vec::new()))?;
            person.calling = None;
        }
        _ => {}
    }
    Ok(())
}

fn replace_owned(phones: Vec<Value>, mut owned: Vec<Value>) -> Vec<Value> {
    let belongs = |phone: &Value| matches!(phone["type"].as_str(), Some("work" | "work_extension"));
    let rest = phones.into_iter().filter(|phone| !belongs(phone)).map(|mut phone| {
        if !owned.is_empty()
            && let Some(phone) = phone.as_object_mut()
        {
            phone.remove("primary");
        }
        phone
    });
    let rest: Vec<_> = rest.collect();
    owned.extend(rest);
    owned
}

fn attend(state: &State, person: &mut Person, sites: &[SiteWish]) {
    let mut attends = person.attends.to_vec();
    for wish in sites {
        attends.retain(|known| !known.eq_ignore_ascii_case(&wish.site));
        if wish.give {
            attends.push(wish.site.to_lowercase().into());
        }
    }
    // Whoever hosts on a site does not attend there.
    attends.retain(|site| {
        !person.licenses.iter().any(|at| {
            let hosted =
                state.licenses.get(usize::from(*at)).and_then(|license| license.spec.site.as_deref());
            hosted.is_some_and(|hosted| hosted.eq_ignore_ascii_case(site))
        })
    });
    attends.sort();
    if attends != *person.attends {
        person.attends = attends.into();
    }
}

/// The meeting sites of a person, with `true` for a host.
pub(super) fn sites(state: &State, person: &Person) -> Vec<(String, bool)> {
    let hosted = person
        .licenses
        .iter()
        .filter_map(|at| state.licenses.get(usize::from(*at))?.spec.site.clone())
        .map(|site| (site, true));
    hosted.chain(person.attends.iter().map(|site| (site.to_string(), false))).collect()
}
