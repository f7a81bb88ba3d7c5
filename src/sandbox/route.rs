//! Which family of calls a path belongs to. Families share a scope, an error shape and a counter.

/// A family of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Oauth,
    People,
    Licenses,
    Roles,
    Organizations,
    Locations,
    Telephony,
    Settings,
    Jobs,
    Audit,
    ScimUsers,
    ScimGroups,
    ScimBulk,
    Contacts,
    Other,
}

impl Family {
    /// The name in counters and knobs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::People => "people",
            Self::Licenses => "licenses",
            Self::Roles => "roles",
            Self::Organizations => "organizations",
            Self::Locations => "locations",
            Self::Telephony => "telephony",
            Self::Settings => "settings",
            Self::Jobs => "jobs",
            Self::Audit => "audit",
            Self::ScimUsers => "scim_users",
            Self::ScimGroups => "scim_groups",
            Self::ScimBulk => "scim_bulk",
            Self::Contacts => "contacts",
            Self::Other => "other",
        }
    }

    /// Whether errors have the SCIM shape.
    pub(super) fn is_scim(self) -> bool {
        matches!(self, Self::ScimUsers | Self::ScimGroups | Self::ScimBulk)
    }

    /// The family of a path, given in decoded segments.
    pub(super) fn of(path: &[&str]) -> Self {
        match path {
            ["v1", "people", ..] => Self::People,
            ["v1", "licenses", ..] => Self::Licenses,
            ["v1", "contacts", "organizations", ..] => Self::Contacts,
            ["v1", "roles", ..] => Self::Roles,
            ["v1", "organizations", ..] => Self::Organizations,
            ["v1", "locations", ..] => Self::Locations,
            ["v1", "telephony", ..] => Self::Telephony,
            ["v1", "settings", ..] => Self::Settings,
            ["v1", "adminAudit", ..] => Self::Audit,
            ["v1", "access_token" | "authorize" | "device" | "applications" | "authorizations", ..] => {
                Self::Oauth
            }
            ["identity", "scim", _, "v2", "Users", ..] | ["identity", "scim", "v2", "Users", "me"] => {
                Self::ScimUsers
            }
            ["identity", "scim", _, "v2", "Groups", ..] => Self::ScimGroups,
            ["identity", "scim", _, "v2", "Bulk"] => Self::ScimBulk,
            ["identity", "organizations", _, "jobs", ..] => Self::Jobs,
            ["identity", "organizations", ..] => Self::Settings,
            _ => Self::Other,
        }
    }
}

/// The segments of a path, percent-decoded. Some callers put `/v1` in front of `/identity`; it is left out.
pub(super) fn segments(path: &str) -> Vec<String> {
    let mut segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
    if segments.len() > 1
        && segments[0] == "v1"
        && segments[1] == "identity"
        && segments[2..].first().is_some_and(|next| next == "organizations")
    {
        segments.remove(0);
    }
    segments
}

fn decode(segment: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16));
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The parameters behind the `?`, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the text behind the `?`.
    pub(super) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter; empty values count as given.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a switch.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A parameter that is a number; `None` when it is absent, `Err` when it is something else.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, ()> {
        match self.get(name) {
            None | Some("") => Ok(None),
            // Negative numbers mean the smallest, as SCIM wants it.
            Some(text) => text.parse::<i64>().map(|n| Some(usize::try_from(n).unwrap_or(0))).map_err(|_| ()),
        }
    }

    /// All parameters.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_families() {
        for (path, family) in [
            ("/v1/people", Family::People),
            ("/v1/people/me", Family::People),
            ("/v1/licenses/users", Family::Licenses),
            ("/identity/scim/o/v2/Users/x", Family::ScimUsers),
            ("/identity/scim/v2/Users/me", Family::ScimUsers),
            ("/identity/scim/o/v2/Bulk", Family::ScimBulk),
            ("/v1/identity/scim/o/v2/Bulk", Family::Other),
            ("/v1/identity/organizations/o/jobs/sendActivationEmails", Family::Jobs),
            ("/identity/organizations/o", Family::Settings),
            ("/v1/identity", Family::Other),
            ("/", Family::Other),
        ] {
            let segments = segments(path);
            let segments: Vec<_> = segments.iter().map(String::as_str).collect();
            assert_eq!(Family::of(&segments), family, "{path}");
        }
    }

    #[test]
    fn paths_and_parameters_are_decoded() {
        assert_eq!(segments("/a%40b/%zz/+%"), ["a@b", "%zz", "+%"]);
        let query = Query::parse("max=10&before&after=x%40y&flag=TRUE&n=-3&bad=ten");
        assert_eq!(query.get("before"), Some(""));
        assert_eq!(query.get("after"), Some("x@y"));
        assert!(query.flag("flag"));
        assert_eq!(query.number("n"), Ok(Some(0)));
        assert_eq!(query.number("bad"), Err(()));
        assert_eq!(query.number("absent"), Ok(None));
    }
}
