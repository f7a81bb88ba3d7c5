//! Rooms: scope and mapping of their own, and nothing else.
//!
//! A room has no licences, no roles and nobody who logs in. In Active Directory the account behind
//! a room mailbox is disabled from the start, so that being disabled says nothing here; a room
//! leaves by leaving the directory or the scope.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{AccountKind, Cause, Field, Person, Record, RecordKind, Verdict, Wanted, Withheld};

use super::error::RuleError;
use super::expr::Needs;
use super::mapping::Mapping;
use super::scope::Scope;
use super::subject::Subject;
use super::{GroupSet, PolicySpec, Rules, ScopeSpec, Spec, defaults};

/// The fields that make sense for a room.
pub const ROOM_FIELDS: &[Field] = &[
    Field::DisplayName,
    Field::Department,
    Field::Organization,
    Field::CostCenter,
    Field::Locale,
    Field::Timezone,
    Field::PhoneWork,
    Field::Street,
    Field::City,
    Field::Region,
    Field::PostalCode,
    Field::Country,
    Field::SipAddress,
    Field::Extension1,
    Field::Extension2,
    Field::Extension3,
    Field::Extension4,
    Field::Extension5,
];

/// Of the default mapping for people, what is used for rooms as it is.
const SHARED: &[Field] =
    &[Field::PhoneWork, Field::Street, Field::City, Field::Region, Field::PostalCode, Field::Country];

/// The default expression for the address.
const EMAIL: &str = "mail";
/// The default expression for the name.
const NAME: &str = "first(displayName, cn)";

/// The rules for rooms, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoomSpec {
    /// The expression for the e-mail address; `None` for the default.
    pub email: Option<String>,
    /// Expressions that replace or add to the default mapping; an empty one unmaps the field.
    pub mapping: BTreeMap<Field, String>,
    /// Whether the default mapping applies to fields that `mapping` does not name.
    pub defaults: bool,
    /// Which rooms are in.
    pub scope: ScopeSpec,
}

impl RoomSpec {
    /// The mapping of rooms in the form of that of people, with the defaults written out.
    fn as_people(&self, spec: &Spec) -> Spec {
        let mut mapping = self.mapping.clone();
        if self.defaults {
            let shared = defaults::mapping(spec.dialect).iter().filter(|(field, _)| SHARED.contains(field));
            for (field, source) in shared.copied().chain([(Field::DisplayName, NAME)]) {
                mapping.entry(field).or_insert_with(|| source.to_owned());
            }
        }
        Spec {
            dialect: spec.dialect,
            email: Some(email_source(self).to_owned()),
            mapping,
            defaults: false,
            policy: PolicySpec { unusable: spec.policy.unusable, ..PolicySpec::default() },
            scope: self.scope.clone(),
            ..Spec::default()
        }
    }

    /// The digest of everything that can change a verdict about a room.
    pub(super) fn digest(&self, spec: &Spec) -> crate::model::Fingerprint {
        super::fingerprint::of_spec(&self.as_people(spec))
    }
}

/// The expression for the address that is in force.
pub(super) fn email_source(spec: &RoomSpec) -> &str {
    spec.email.as_deref().unwrap_or(EMAIL)
}

/// The compiled rules for rooms.
#[derive(Clone, Debug)]
pub(super) struct Rooms {
    pub(super) scope: Scope,
    pub(super) mapping: Mapping,
}

impl Rooms {
    /// Compiles what `spec` says about rooms, adding what is wrong to `errors`; `None` when there
    /// are to be none, or their rules cannot be used.
    pub(super) fn compile(spec: &Spec, needs: &mut Needs, errors: &mut Vec<RuleError>) -> Option<Self> {
        let rooms = spec.rooms.as_ref()?;
        for field in rooms.mapping.keys().filter(|field| !ROOM_FIELDS.contains(field)) {
            let known: Vec<&str> = ROOM_FIELDS.iter().map(|field| field.name()).collect();
            errors.push(RuleError::whole(
                &format!("rooms.mapping.{field}"),
                format!("a room has no {field}"),
                format!("leave it out; a room has {}", known.join(", ")),
            ));
        }
        let own = rooms.as_people(spec);
        let mapping = Mapping::compile_for("rooms", &own, needs, errors);
        let scope = Scope::compile_for("rooms", &own.scope, needs, errors);
        let mut mapping = mapping?;
        // Said once, and about all addresses; a mistake in it is reported there.
        mapping.allow(&spec.allowed_domains);
        Some(Self { scope, mapping })
    }

    /// What becomes of a room that is in.
    fn judge(&self, subject: &Subject<'_>, unfit: &mut Vec<(Field, Withheld)>) -> Wanted {
        match self.mapping.map(subject, unfit) {
            Err(withheld) => Wanted::Withheld(withheld),
            Ok((email, profile)) => Wanted::Present(Person {
                kind: AccountKind::Room,
                email,
                active: true,
                profile,
                licenses: Default::default(),
                roles: Default::default(),
                telephone: None,
            }),
        }
    }
}

impl Rules {
    /// Whether rooms of the directory become rooms of the cloud.
    pub fn has_rooms(&self) -> bool {
        self.rooms.is_some()
    }

    /// Whether a record of this kind may have an account.
    pub fn has_place_for(&self, kind: RecordKind) -> bool {
        match kind.account() {
            Some(AccountKind::Person) => true,
            Some(AccountKind::Room) => self.has_rooms(),
            None => false,
        }
    }

    /// As [`Rules::managed`], of rooms.
    pub fn managed_of_rooms(&self) -> crate::model::FieldSet {
        self.rooms.as_ref().map(|rooms| rooms.mapping.managed()).unwrap_or_default()
    }

    /// Judges the record of a room.
    pub(super) fn judge_room(&self, record: &Record, groups: &GroupSet) -> Verdict {
        let mut unfit = Vec::new();
        let subject = Subject::new(record, groups);
        let wanted = match &self.rooms {
            Some(rooms) if rooms.scope.contains(&subject) => rooms.judge(&subject, &mut unfit),
            Some(_) => Wanted::Leaving(self.why_room_is_out(&subject)),
            None => Wanted::Leaving(Cause::OutOfScope),
        };
        Verdict { wanted, ungiven: Vec::new(), unfit, recheck: None, standing: Default::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::person;

    fn rules(rooms: RoomSpec) -> Result<Rules, Vec<RuleError>> {
        let spec = Spec { defaults: true, rooms: Some(rooms), ..Spec::default() };
        Rules::compile(&spec)
    }

    fn room(attributes: &[(&str, &str)]) -> Record {
        Record { kind: RecordKind::Room, disabled: true, ..person(attributes) }
    }

    #[test]
    fn a_room_is_judged_by_its_own_rules() {
        let scope = ScopeSpec { filter: Some("(l=Leeds)".into()), ..ScopeSpec::default() };
        let rules = rules(RoomSpec { defaults: true, scope, ..RoomSpec::default() }).unwrap();
        let groups = GroupSet::default();
        let inside =
            room(&[("mail", "lovelace@example.com"), ("cn", "Lovelace"), ("l", "Leeds"), ("title", "x")]);
        let Wanted::Present(wanted) = rules.judge(&inside, &groups, 0).wanted else {
            panic!("disabled says nothing about a room");
        };
        assert_eq!(wanted.kind, AccountKind::Room);
        let profile: Vec<(Field, &str)> = wanted.profile.iter().map(|(f, v)| (*f, v.as_str())).collect();
        assert_eq!(profile, [(Field::DisplayName, "Lovelace"), (Field::City, "Leeds")]);
        let outside = room(&[("mail", "x@example.com"), ("cn", "X"), ("l", "York")]);
        assert_eq!(rules.judge(&outside, &groups, 0).wanted, Wanted::Leaving(Cause::OutOfScope));
        let Wanted::Withheld(withheld) =
            rules.judge(&room(&[("cn", "X"), ("l", "Leeds")]), &groups, 0).wanted
        else {
            panic!("there is no address");
        };
        assert_eq!(withheld.code, "no_email");
        assert!(withheld.reason.contains("rooms.mapping.email"), "{}", withheld.reason);
        assert!(rules.managed().contains(Field::Title) && !rules.managed_of_rooms().contains(Field::Title));
    }

    #[test]
    fn what_a_room_does_not_have_is_said_with_its_place() {
        let mapping = [(Field::Title, "title".to_owned()), (Field::City, "nonsense(".to_owned())].into();
        let scope = ScopeSpec { bases: vec!["x".into()], ..ScopeSpec::default() };
        let errors = rules(RoomSpec { mapping, scope, ..RoomSpec::default() }).unwrap_err();
        let places: Vec<&str> = errors.iter().map(|error| error.place.as_str()).collect();
        assert_eq!(places, ["rooms.mapping.title", "rooms.mapping.city", "rooms.scope.bases[0]"]);
    }

    #[test]
    fn without_the_switch_nothing_is_known_of_rooms() {
        let plain = Spec { defaults: true, ..Spec::default() };
        let rules = Rules::compile(&plain).unwrap();
        assert!(!rules.has_rooms() && !rules.has_place_for(RecordKind::Room));
        let with = Spec { rooms: Some(RoomSpec::default()), ..plain };
        assert_ne!(rules.written(), Rules::compile(&with).unwrap().written());
    }
}
