//! The page at `/`: the organization as an administrator would want to see it. No scripts.

use std::fmt::Write as _;

use super::organization::Organization;
use super::person::Person;
use super::reply::{Reply, instant};
use super::roles;
use super::route::Query;
use super::state::State;

const PER_PAGE: usize = 50;
const EVENTS: usize = 50;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1f24}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}th{color:#555;font-weight:600}\
.n{text-align:right;font-variant-numeric:tabular-nums}.full{color:#b00020;font-weight:600}.dim{color:#767676}\
input{font:inherit;padding:.2rem .4rem;width:20rem}";

/// Shows the page; `q` searches people, `from` pages through them.
pub(super) fn show(organization: &Organization, query: &Query) -> Reply {
    let stats = organization.stats();
    let mut out = String::with_capacity(32 * 1024);
    organization.0.read(|state| {
        let name = escape(&state.org.name);
        let _ = write!(
            out,
            "<!doctype html><html lang=en><head><meta charset=utf-8><title>{name} (sandbox)</title>\
             <meta name=viewport content=\"width=device-width\"><style>{STYLE}</style></head><body>\
             <h1>{name} <span class=dim>sandbox of a Webex organization</span></h1>\
             <p>Organization <code>{}</code> · {} people · {} groups · {} requests, {} of them writes · \
             {} invitation mails{}</p>",
            state.org.id,
            state.roster.len(),
            state.groups.len(),
            stats.total_requests,
            stats.write_requests,
            state.invitations,
            if state.org.invites { "" } else { " (invitations are off)" },
        );
        licenses(&mut out, state);
        people(&mut out, state, query);
        groups(&mut out, state);
        events(&mut out, state);
        out.push_str("</body></html>");
    });
    Reply::html(200, out).with(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'".into(),
    )
}

fn licenses(out: &mut String, state: &State) {
    out.push_str(
        "<h2>Licences</h2><table><tr><th>Name<th>Subscription<th>Site<th class=n>Held<th class=n>Seats</tr>",
    );
    for license in &state.licenses {
        let held = license.holders.len();
        let seats = license.spec.seats.map_or_else(|| "–".to_owned(), |seats| seats.to_string());
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td class=\"n{}\">{held}<td class=n>{seats}</tr>",
            escape(&license.spec.name),
            escape(license.spec.subscription.as_deref().unwrap_or("–")),
            escape(license.spec.site.as_deref().unwrap_or("")),
            if license.has_seat() { "" } else { " full" },
        );
    }
    out.push_str("</table>");
}

fn people(out: &mut String, state: &State, query: &Query) {
    let search = query.get("q").unwrap_or_default().trim().to_lowercase();
    let from = query.number("from").ok().flatten().unwrap_or(0);
    let matches = |person: &&std::sync::Arc<Person>| {
        search.is_empty()
            || person.key().contains(&search)
            || person.profile.display_name.to_lowercase().contains(&search)
    };
    let mut found = state.roster.by_name().filter(matches).skip(from);
    let _ = write!(
        out,
        "<h2>People</h2><form><input name=q value=\"{}\" placeholder=\"name or e-mail\"> <button>Search</button></form>\
         <table><tr><th>E-mail<th>Name<th>Status<th>Licences<th>Roles</tr>",
        escape(&search)
    );
    for person in found.by_ref().take(PER_PAGE) {
        let named = person.licenses.iter().filter_map(|at| state.licenses.get(usize::from(*at)));
        let licenses: Vec<_> = named.map(|license| escape(&license.spec.name)).collect();
        let held: Vec<_> = person.profile.roles.iter().map(|role| escape(roles::at(*role).name)).collect();
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}{}<td>{}<td>{}</tr>",
            escape(&person.profile.user_name),
            escape(&person.profile.display_name),
            escape(person.status()),
            if person.profile.active { "" } else { ", inactive" },
            licenses.join(", "),
            held.join(", "),
        );
    }
    out.push_str("</table><p>");
    let text: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
    if from > 0 {
        let _ =
            write!(out, "<a href=\"/?q={text}&amp;from={}\">previous</a> ", from.saturating_sub(PER_PAGE));
    }
    if found.next().is_some() {
        let _ = write!(out, "<a href=\"/?q={text}&amp;from={}\">next</a>", from + PER_PAGE);
    }
    out.push_str("</p>");
}

fn groups(out: &mut String, state: &State) {
    if state.groups.len() == 0 {
        return;
    }
    out.push_str("<h2>Groups</h2><table><tr><th>Name<th>External id<th class=n>Members</tr>");
    for group in state.groups.iter().take(200) {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td class=n>{}</tr>",
            escape(&group.display_name),
            escape(group.external_id.as_deref().unwrap_or("")),
            group.size(),
        );
    }
    out.push_str("</table>");
}

fn events(out: &mut String, state: &State) {
    out.push_str("<h2>Recent writes</h2><table><tr><th>When<th>What<th>Whom<th>Tracking id</tr>");
    for event in state.audit.newest().take(EVENTS) {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td class=dim>{}</tr>",
            instant(event.at),
            escape(event.what),
            escape(&event.target_name),
            escape(&event.tracking),
        );
    }
    out.push_str("</table>");
}

/// Text that is safe between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(
            escape("<a href='x' title=\"y\">&"),
            "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;"
        );
    }
}
