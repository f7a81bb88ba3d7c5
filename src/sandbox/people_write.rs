//! The People calls that write, with the habits that make clients prefer SCIM: licences that
//! cannot be given are skipped without a word, errors may come after the fact, and a replacement
//! clears whatever it does not mention.

use serde_json::{Map, Value, json};

use super::assign::{self, SiteWish, Telephone, Wish};
use super::attributes::{CORE, ENTERPRISE};
use super::call::Call;
use super::errors::Refusal;
use super::ids;
use super::people::{Look, show};
use super::profile::{Object, Profile};
use super::reply::Reply;
use super::roles;
use super::scim_users::object;
use super::state::State;

/// `POST /v1/people`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let body = object(call.json()?)?;
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let mut doc = Map::from_iter([("userType".to_owned(), json!("user"))]);
        write_profile(&body, &mut doc)?;
        let slot = state.create(Profile::from_scim(doc)?, false, call.actor())?;
        // From here on the person exists, whatever the answer says.
        let (wishes, sites) = wishes(state, slot, &body, false)?;
        assign::apply(state, slot, &wishes, &sites, super::faults::Exhausted::Silent, call.actor())?;
        answer(call, state, slot)
    })
}

/// `PUT /v1/people/{id}`.
pub(super) fn replace(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let body = object(call.json()?)?;
    refuse_while_synchronized(call)?;
    if text(&body, "displayName").is_none() {
        return Err(Refusal::bad("displayName is required."));
    }
    let show_all_types = call.query.flag("showAllTypes");
    call.cloud.write(|state| {
        let slot =
            ids::person_from(id).and_then(|id| state.roster.slot_of(id)).ok_or_else(Refusal::absent)?;
        let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
        let listed = licenses_in(&body);
        let implicit_lost = person.licenses.iter().any(|at| {
            let license = state.licenses.get(usize::from(*at));
            license.is_some_and(|license| license.implicit() && !listed.contains(&license.id.as_str()))
        });
        if implicit_lost {
            return Err(Refusal::bad("Implicitly assigned licenses cannot be removed."));
        }
        let mut doc = person.profile.document();
        write_profile(&body, &mut doc)?;
        if let Some(enabled) = body.get("loginEnabled").and_then(Value::as_bool) {
            doc.insert("active".into(), enabled.into());
        }
        let profile = Profile::from_scim(doc)?;
        let (wishes, mut sites) = wishes(state, slot, &body, true)?;
        if !show_all_types {
            // An attendee stays one unless the caller shows that it sees attendees.
            sites.retain(|wish| wish.give);
        }
        state.update(slot, profile, call.actor())?;
        assign::apply(state, slot, &wishes, &sites, super::faults::Exhausted::Silent, call.actor())?;
        answer(call, state, slot)
    })
}

/// `DELETE /v1/people/{id}`.
pub(super) fn delete(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let slot =
            ids::person_from(id).and_then(|id| state.roster.slot_of(id)).ok_or_else(Refusal::absent)?;
        state.delete(slot, call.actor())?;
        Ok(Reply::empty(204))
    })
}

fn refuse_while_synchronized(call: &Call<'_>) -> Result<(), Refusal> {
    if call.cloud.faults().directory_sync {
        return Err(Refusal::new(403, "The organization synchronizes its users from a directory."));
    }
    Ok(())
}

fn answer(call: &Call<'_>, state: &State, slot: u32) -> Result<Reply, Refusal> {
    let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
    if call.query.flag("minResponse") {
        return Ok(Reply::json(200, &json!({ "id": ids::person(person.id) })));
    }
    let strings = call.cloud.faults().booleans_as_strings;
    let look = Look { calling: call.query.flag("callingData"), strings, admin: true };
    Ok(Reply::json(200, &show(state, person, look)))
}

fn text<'a>(body: &'a Object, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Puts everything that the People interface knows into a SCIM document; what the body does not
/// mention goes.
fn write_profile(body: &Object, doc: &mut Object) -> Result<(), Refusal> {
    let emails = body.get("emails").and_then(Value::as_array).filter(|list| !list.is_empty());
    let emails = emails.ok_or_else(|| Refusal::bad("emails must contain one address."))?;
    let email = emails[0].as_str().ok_or_else(|| Refusal::bad("emails must contain one address."))?;
    if emails.len() > 1 && !doc.contains_key("userName") {
        return Err(Refusal::bad("emails must contain exactly one address."));
    }
    let (first, last) = (text(body, "firstName"), text(body, "lastName"));
    let display = match (text(body, "displayName"), first, last) {
        (Some(display), ..) => display.to_owned(),
        (None, None, None) => return Err(Refusal::bad("displayName, firstName or lastName is required.")),
        (None, first, last) => [first, last].into_iter().flatten().collect::<Vec<_>>().join(" "),
    };
    doc.insert("schemas".into(), json!([CORE]));
    doc.insert("userName".into(), email.into());
    // Other addresses are known to SCIM only; the old primary one must not stay behind.
    if let Some(Value::Array(known)) = doc.get_mut("emails") {
        known.retain(|email| email.get("primary") != Some(&Value::Bool(true)));
    }
    doc.insert("displayName".into(), display.into());
    let mut name = Map::new();
    for (part, value) in [("givenName", first), ("familyName", last)] {
        if let Some(value) = value {
            name.insert(part.into(), value.into());
        }
    }
    set(doc, "name", (!name.is_empty()).then_some(Value::Object(name)));
    doc.remove("nickName");
    for field in ["title", "addresses"] {
        set(doc, field, body.get(field).filter(|value| !value.is_null()).cloned());
    }
    set(doc, "photos", text(body, "avatar").map(|url| json!([{ "value": url, "type": "photo" }])));
    write_phones(body, doc);
    let mut list = Vec::new();
    for id in strings(body, "roles") {
        let role = roles::find(id).ok_or_else(|| Refusal::bad("A role is not known."))?;
        list.push(json!({ "value": roles::at(role).id, "type": "cirole" }));
    }
    set(doc, "roles", (!list.is_empty()).then_some(list.into()));
    let mut enterprise = match doc.remove(ENTERPRISE) {
        Some(Value::Object(enterprise)) => enterprise,
        _ => Map::new(),
    };
    set(&mut enterprise, "department", text(body, "department").map(Value::from));
    let manager = match text(body, "managerId") {
        Some(id) => {
            let id = ids::person_from(id).ok_or_else(|| Refusal::bad("managerId is not known."))?;
            Some(json!({ "value": id }))
        }
        None => None,
    };
    set(&mut enterprise, "manager", manager);
    doc.insert(ENTERPRISE.into(), enterprise.into());
    Ok(())
}

/// Work numbers are the telephone's; the others are replaced.
fn write_phones(body: &Object, doc: &mut Object) {
    let kind = |phone: &Value, wanted: &[&str]| {
        phone.get("type").and_then(Value::as_str).is_some_and(|kind| wanted.contains(&kind))
    };
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut phones: Vec<_> = list(doc.get("phoneNumbers"));
    phones.retain(|phone| kind(phone, &["work_extension"]));
    phones.extend(
        list(body.get("phoneNumbers"))
            .into_iter()
            .filter(|phone| kind(phone, &["work", "mobile", "fax", "alternate1", "alternate2"])),
    );
    set(doc, "phoneNumbers", (!phones.is_empty()).then_some(phones.into()));
}

fn set(doc: &mut Object, name: &str, value: Option<Value>) {
    match value {
        Some(value) => doc.insert(name.to_owned(), value),
        None => doc.remove(name),
    };
}

fn strings<'a>(body: &'a Object, name: &str) -> Vec<&'a str> {
    body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn licenses_in(body: &Object) -> Vec<&str> {
    strings(body, "licenses").into_iter().map(|id| id.trim_end_matches('=')).collect()
}

/// What the body says about licences and sites. Licences that do not exist are skipped.
fn wishes(
    state: &State,
    slot: u32,
    body: &Object,
    take_others: bool,
) -> Result<(Vec<Wish>, Vec<SiteWish>), Refusal> {
    let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
    let work = body.get("phoneNumbers").and_then(Value::as_array).into_iter().flatten();
    let work = work.filter(|phone| phone["type"] == "work").find_map(|phone| phone["value"].as_str());
    let telephone = Telephone {
        location: text(body, "locationId").map(str::to_owned),
        number: work.map(str::to_owned),
        extension: text(body, "extension").map(str::to_owned),
    };
    let listed: Vec<u16> = licenses_in(body).into_iter().filter_map(|id| state.license_index(id)).collect();
    let mut wishes: Vec<_> = listed
        .iter()
        .map(|license| Wish { license: *license, give: true, telephone: telephone.clone() })
        .collect();
    let mut sites = Vec::new();
    let attended: Vec<String> = strings(body, "siteUrls")
        .into_iter()
        .filter_map(|site| site.strip_suffix("#attendee"))
        .map(str::to_lowercase)
        .collect();
    if take_others {
        for held in person.licenses.iter().filter(|held| !listed.contains(held)) {
            wishes.push(Wish { license: *held, give: false, telephone: Telephone::default() });
        }
        for site in person.attends.iter().filter(|site| !attended.iter().any(|kept| **kept == ***site)) {
            sites.push(SiteWish { site: site.to_string(), give: false });
        }
    }
    sites.extend(attended.into_iter().map(|site| SiteWish { site, give: true }));
    Ok((wishes, sites))
}
