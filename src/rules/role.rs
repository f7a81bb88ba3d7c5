//! Who gets which administrator role: rules in words, bound to the ids of the cloud.

use crate::model::{Role, RoleId};

use super::error::RuleError;
use super::expr::Needs;
use super::fold::same;
use super::nearest::nearest;
use super::subject::Subject;
use super::who::Who;
use super::{Answer, RoleSpec, Unbound};

/// Our words for the roles of the cloud: word, role id where it is known, names that the
/// catalogue may show. Source: the Webex role catalogue and SCIM role values.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("full", "id_full_admin", &["Full Administrator"]),
    ("read_only", "id_readonly_admin", &["Read-only Administrator", "Read Only Administrator"]),
    ("support", "id_support_admin", &["Support Administrator"]),
    ("user", "id_user_admin", &["User Administrator"]),
    ("device", "id_device_admin", &["Device Administrator"]),
    // Of these the ids are not published, so that the catalogue must name them.
    ("user_device", "", &["User and Device Administrator", "User & Device Administrator"]),
    ("compliance", "", &["Compliance Officer"]),
];

/// A role that stands for the one which a rule means, where the cloud is not asked. Its id is the
/// word of the rule.
pub(super) fn stand_in(wanted: &str) -> Role {
    let name = WORDS.iter().find(|(word, ..)| *word == wanted).and_then(|(_, _, names)| names.first());
    Role { id: RoleId::new(wanted), name: name.map_or(wanted, |name| *name).to_owned() }
}
/// The word for people who get no role, whatever other rules say.
const NONE: &str = "none";

/// The words for roles that a rule can use.
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, ..)| *word).chain([NONE])
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct RoleRule {
    /// The name in reports: its own, or its place.
    name: String,
    wanted: String,
    who: Who,
    /// What it gives; `None` until bound.
    role: Option<RoleId>,
}

impl RoleRule {
    /// Compiles the rule with this index, adding what is wrong to `errors`.
    pub(super) fn compile(
        index: usize,
        spec: &RoleSpec,
        needs: &mut Needs,
        errors: &mut Vec<RuleError>,
    ) -> Self {
        let place = format!("role[{index}]");
        let who = Who::compile(&place, &spec.groups, &spec.bases, spec.when.as_deref(), needs, errors);
        let wanted = spec.role.trim().to_owned();
        let everybody = spec.groups.is_empty() && spec.bases.is_empty() && spec.when.is_none();
        if everybody && wanted != NONE {
            errors.push(RuleError::whole(
                &place,
                "the rule makes everybody an administrator",
                "name the people with `groups`, `bases` or `when`",
            ));
        }
        if wanted.is_empty() {
            let words: Vec<&str> = WORDS.iter().map(|(word, ..)| *word).collect();
            errors.push(RuleError::whole(
                &format!("{place}.role"),
                "the rule names no role",
                format!("write one of {}, {NONE}, or the id of a role", words.join(", ")),
            ));
        }
        let name = if spec.name.trim().is_empty() { place } else { spec.name.clone() };
        Self { name, wanted, who, role: None }
    }

    /// Resolves the role, adding it to `unbound` when it cannot be resolved.
    pub(super) fn bind(&mut self, roles: &[Role], unbound: &mut Vec<Unbound>) {
        if self.is_none() {
            return;
        }
        let word = WORDS.iter().find(|(word, ..)| *word == self.wanted);
        let meant = |role: &&Role| match word {
            Some((_, id, names)) => {
                role.id.as_str() == *id || names.iter().any(|name| same(name, role.name.trim()))
            }
            None => role.id.as_str() == self.wanted || same(&role.name, &self.wanted),
        };
        self.role = roles.iter().find(meant).map(|role| role.id.clone());
        if self.role.is_none() {
            let known = WORDS.iter().map(|(word, ..)| *word).chain(roles.iter().map(|role| role.id.as_str()));
            let remedy = match nearest(&self.wanted, known.filter(|known| *known != self.wanted)) {
                Some(meant) if word.is_none() => format!("did you mean \"{meant}\"?"),
                _ => "write \"full\", \"user\" and so on (config/dirsyncd.toml), or the id of a role; until then no role is given or taken".into(),
            };
            let message = format!("the cloud has no role \"{}\"", self.wanted);
            unbound.push(Unbound { rule: self.name.clone(), wanted: self.wanted.clone(), message, remedy });
        }
    }

    /// Whether the rule is for people who get no role.
    pub(super) fn is_none(&self) -> bool {
        self.wanted == NONE
    }

    /// Whether it is clear what the rule gives.
    pub(super) fn is_bound(&self) -> bool {
        self.role.is_some() || self.is_none()
    }

    /// The role, once bound.
    pub(super) fn role(&self) -> Option<&RoleId> {
        self.role.as_ref()
    }

    /// Whether the rule is for this person.
    pub(super) fn includes(&self, subject: &Subject<'_>) -> bool {
        self.who.includes(subject)
    }

    /// What the rule says about this person.
    pub(super) fn answer(&self, subject: &Subject<'_>, names: &[String]) -> Answer {
        self.who.answer(&self.name, subject, names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_ids_and_names_are_bound_and_the_rest_is_named() {
        let role = |id: &str, name: &str| Role { id: RoleId::new(id), name: name.into() };
        let roles = [
            role("id_full_admin", "Full Administrator"),
            role("id_readonly_admin", "Read-only Administrator"),
            role("4711", "Compliance Officer"),
        ];
        for (wanted, want) in [
            ("full", Ok("id_full_admin")),
            ("read_only", Ok("id_readonly_admin")),
            ("compliance", Ok("4711")),
            ("id_full_admin", Ok("id_full_admin")),
            ("full administrator", Ok("id_full_admin")),
            ("ful", Err("did you mean \"full\"?")),
            (
                "device",
                Err(
                    "write \"full\", \"user\" and so on (config/dirsyncd.toml), or the id of a role; until then no role is given or taken",
                ),
            ),
        ] {
            let spec = RoleSpec { role: wanted.into(), groups: vec!["g".into()], ..RoleSpec::default() };
            let mut errors = Vec::new();
            let mut rule = RoleRule::compile(0, &spec, &mut Needs::default(), &mut errors);
            assert_eq!(errors, []);
            let mut unbound = Vec::new();
            rule.bind(&roles, &mut unbound);
            match want {
                Ok(id) => assert_eq!((rule.role().map(RoleId::as_str), unbound), (Some(id), vec![])),
                Err(remedy) => assert_eq!((rule.role(), unbound[0].remedy.as_str()), (None, remedy)),
            }
        }
    }

    #[test]
    fn nobody_becomes_an_administrator_by_an_omission() {
        let mut errors = Vec::new();
        RoleRule::compile(3, &RoleSpec::default(), &mut Needs::default(), &mut errors);
        let places: Vec<&str> = errors.iter().map(|error| error.place.as_str()).collect();
        assert_eq!(places, ["role[3]", "role[3].role"]);
    }
}
