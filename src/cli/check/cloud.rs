//! What the cloud must have: an organization, seats, and the licences and roles that the rules name.

use crate::cloud::CloudRead;
use crate::cloud::webex::WebexReader;
use crate::model::{Catalogue, Place, Role};
use crate::report::text;
use crate::rules::Rules;

use super::super::assemble::Parts;
use super::super::exit::{Exit, Failure};
use super::cloud_groups;
use super::line::Line;

/// How ids begin that Webex shows: `ciscospark://` in base64.
const PUBLIC_ID: &str = "Y2lzY29zcGFyazov";

/// What the cloud told.
pub(super) struct Cloud {
    pub lines: Vec<Line>,
    /// The rules, with the licences and roles that they name, as far as the cloud told them.
    pub rules: Rules,
    /// `None` when it told none.
    pub catalogue: Option<Catalogue>,
}

/// Asks the cloud.
pub(super) async fn checks(parts: &Parts, reader: Result<WebexReader, Failure>) -> Cloud {
    let mut told = Cloud { lines: Vec::new(), rules: parts.rules.clone(), catalogue: None };
    match reader {
        Ok(reader) => ask(parts, &reader, &mut told).await,
        Err(failure) => told.lines.push(Line::fail("cloud", failure)),
    }
    told
}

async fn ask(parts: &Parts, reader: &WebexReader, told: &mut Cloud) {
    let lines = &mut told.lines;
    let me;
    match reader.organization().await {
        Err(error) => {
            lines.push(Line::fail("cloud", error.into()));
            return;
        }
        Ok(organization) => {
            lines
                .push(Line::ok("cloud", format!("organization {} ({})", organization.name, organization.id)));
            me = organization.me;
            if me.is_none() {
                lines.push(Line::warn(
                    "cloud",
                    "the token belongs to no person, so nobody is protected as its owner",
                    "list the administrators in guard.protected",
                ));
            }
        }
    }
    let catalogue = match reader.catalogue().await {
        Ok(catalogue) => catalogue,
        Err(error) => {
            lines.push(Line::fail("licences", error.into()));
            return;
        }
    };
    let roles = match reader.roles().await {
        Ok(roles) => roles,
        Err(error) => {
            lines.push(Line::fail("roles", error.into()));
            return;
        }
    };
    seats(&catalogue, lines);
    lines.push(Line::ok("roles", format!("{} can be given", roles.len())));
    let places = if parts.rules.needs_places() {
        match reader.places().await {
            Ok(places) => places,
            Err(error) => {
                lines.push(Line::fail("locations", error.into()));
                return;
            }
        }
    } else {
        Vec::new()
    };
    if parts.rules.needs_places() && matches!(reader.lines().await, Ok(None)) {
        lines.push(Line::warn(
            "locations",
            "the token may not see which numbers are in use, so nothing is given from a pool of extensions",
            "authorise with the scope spark-admin:telephony_config_read",
        ));
    }
    uc_profiles(parts, reader, lines).await;
    if parts.rules.has_contacts() {
        lines.push(contacts(reader).await);
    }
    if parts.rules.chosen().is_some() {
        lines.extend(cloud_groups::in_cloud(reader, me.as_ref(), &roles).await);
    }
    told.rules = rules(parts, &catalogue, &roles, places, lines);
    told.catalogue = Some(catalogue);
}

/// Without the right to read contacts no pass goes through.
async fn contacts(reader: &WebexReader) -> Line {
    match reader.contacts().await {
        Ok(contacts) => {
            let message = format!("{} contacts in the address book, and they can be read", contacts.len());
            Line::ok("contacts", message)
        }
        Err(error) => Line::fail("contacts", error.into()),
    }
}

/// Profiles of UC Manager that the rules name and the organization does not have.
async fn uc_profiles(parts: &Parts, reader: &WebexReader, lines: &mut Vec<Line>) {
    let named = parts.rules.uc_profiles();
    if named.is_empty() {
        return;
    }
    match reader.uc_profiles().await {
        Err(error) => lines.push(Line::warn(
            "uc profiles",
            error.to_string(),
            "authorise with the scope spark-admin:telephony_config_read, or take uc_profile out of people.mapping",
        )),
        Ok(known) => {
            let known: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
            // A profile can be named by its id, too, which is a public id of Webex and no name.
            let lacking = named.into_iter().filter(|name| {
                !known.contains(&name.to_lowercase()) && !name.starts_with(PUBLIC_ID)
            });
            for name in lacking {
                let failure = Failure::new(
                    Exit::Config,
                    format!("people.mapping.uc_profile: \"{name}\": there is no such UC Manager profile"),
                    "correct the name, or make the profile in Control Hub under Calling".to_owned(),
                );
                lines.push(Line::fail("uc profiles", failure));
            }
        }
    }
}

fn seats(catalogue: &Catalogue, lines: &mut Vec<Line>) {
    for license in catalogue.0.iter().filter(|license| license.total.is_some()) {
        let name = text::printable(&license.name);
        let total = license.total.unwrap_or(0);
        let message = format!("{name}: {} of {total} seats in use", license.consumed);
        lines.push(match license.free_seats() {
            Some(0) if total > 0 => Line::warn("licences", message, "buy seats, or people will wait for one"),
            _ => Line::ok("licences", message),
        });
    }
}

fn rules(
    parts: &Parts,
    catalogue: &Catalogue,
    roles: &[Role],
    places: Vec<Place>,
    lines: &mut Vec<Line>,
) -> Rules {
    let (bound, unbound) = parts.rules.clone().bind(catalogue, roles);
    let (bound, placeless) = bound.locate(places);
    for one in unbound.into_iter().chain(placeless) {
        let failure = Failure::new(
            Exit::Config,
            format!("{}: \"{}\": {}", one.rule, one.wanted, one.message),
            one.remedy,
        );
        lines.push(Line::fail("rules", failure));
    }
    let licenses = bound.managed_licenses().len();
    let fields = bound.managed().iter().count();
    lines.push(Line::ok(
        "rules",
        format!(
            "{fields} attributes, {licenses} licences and {} roles are managed",
            bound.managed_roles().len()
        ),
    ));
    bound
}
