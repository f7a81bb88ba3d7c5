//! From a record to address and attribute values, or to the one value that stands in the way.

use std::collections::BTreeSet;

use crate::model::{
    ADDRESSES, Email, EmailError, Field, FieldSet, Profile, VALUE_WITHHELD, Withheld, address_key,
};

use super::address::fault;
use super::check::{Unusable, check};
use super::error::RuleError;
use super::expr::{Needs, Text};
use super::fold::composed;
use super::subject::Subject;
use super::{MappedValue, Spec, Unusables, defaults};

/// The code of whoever has no address.
pub(super) const NO_EMAIL: &str = "no_email";

/// The compiled mapping.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    /// The section of the configuration.
    section: &'static str,
    email: Rule,
    /// In the order of the fields.
    fields: Box<[(Field, Rule)]>,
    create_only: FieldSet,
    kept: FieldSet,
    allowed_domains: Box<[String]>,
    unusable: Unusables,
}

/// One expression, with what a report says about it.
#[derive(Clone, Debug)]
struct Rule {
    /// As written.
    source: Box<str>,
    /// The attributes that it reads, as written there, to be named in remedies.
    attributes: Box<str>,
    text: Text,
}

impl Rule {
    fn compile(place: &str, source: &str, needs: &mut Needs, errors: &mut Vec<RuleError>) -> Option<Self> {
        let mut own = Needs { attributes: BTreeSet::new(), groups: std::mem::take(&mut needs.groups) };
        let text = Text::compile(source, &mut own);
        needs.groups = own.groups;
        let names: Vec<&str> = own.attributes.iter().map(String::as_str).collect();
        let attributes = names.join(", ").into();
        needs.attributes.append(&mut own.attributes);
        match text {
            Ok(text) => Some(Self { source: source.trim().into(), attributes, text }),
            Err(error) => {
                errors.push(error.at(place));
                None
            }
        }
    }
}

impl Rule {
    /// What nobody could ever be given, although it stands in the rule: better found here than
    /// at everybody.
    fn unusable(&self, field: Field, place: &str) -> Vec<RuleError> {
        let mut constants = Vec::new();
        self.text.constants(&mut constants);
        let written = constants.into_iter().map(str::trim).filter(|text| !text.is_empty());
        let wrong = written.filter_map(|text| Some((text, check(field, text).err()?)));
        wrong
            .map(|(text, Unusable { what, remedy, .. })| {
                RuleError::whole(place, format!("the value {} {what}", shown(text)), remedy)
            })
            .collect()
    }
}

/// The expressions in force: those that were written, and the dialect's for the rest.
pub(super) fn sources(spec: &Spec) -> impl Iterator<Item = (Field, &str)> {
    let default = if spec.defaults { defaults::mapping(spec.dialect) } else { &[] };
    Field::ALL.iter().filter_map(move |field| {
        let written = spec.mapping.get(field).map(String::as_str);
        let source =
            written.or_else(|| default.iter().find(|(f, _)| f == field).map(|(_, source)| *source))?;
        (!source.trim().is_empty()).then_some((*field, source))
    })
}

/// The expression for the address that is in force.
pub(super) fn email_source(spec: &Spec) -> &str {
    spec.email.as_deref().unwrap_or(defaults::email(spec.dialect))
}

/// The fields that are written at creation only, and those that are kept where the cloud has a
/// value. Both speak of fields that are mapped, and none is in both.
fn policy(spec: &Spec, errors: &mut Vec<RuleError>) -> (FieldSet, FieldSet) {
    let mapped: FieldSet = sources(spec).map(|(field, _)| field).collect();
    let mut both = [FieldSet::default(); 2];
    let lists = [
        ("create_only", &spec.policy.create_only),
        ("keep_if_set_in_cloud", &spec.policy.keep_if_set_in_cloud),
    ];
    for (which, (name, fields)) in lists.into_iter().enumerate() {
        for (i, field) in fields.iter().enumerate() {
            let place = format!("people.policy.{name}[{i}]");
            if !mapped.contains(*field) {
                errors.push(RuleError::whole(
                    &place,
                    format!("{field} is not mapped, and left alone anyway"),
                    "leave it out, or give the field an expression in [people.mapping]",
                ));
            } else if which == 1 && field.is_setting() {
                errors.push(RuleError::whole(
                    &place,
                    format!("nobody sees what {field} is in the cloud before it is written"),
                    "leave it out, or name it in create_only",
                ));
            } else if both.iter().any(|set| set.contains(*field)) {
                errors.push(RuleError::whole(
                    &place,
                    format!("{field} is named twice"),
                    "name it once, in one of the two lists",
                ));
            }
            both[which] = both[which].with(*field);
        }
    }
    let [create_only, kept] = both;
    (create_only, kept)
}

impl Mapping {
    /// Compiles the mapping, adding what is wrong to `errors`; `None` when it cannot be used.
    pub(super) fn compile(spec: &Spec, needs: &mut Needs, errors: &mut Vec<RuleError>) -> Option<Self> {
        Self::compile_for("people", spec, needs, errors)
    }

    /// The same for another section of the configuration than that of people.
    pub(super) fn compile_for(
        section: &'static str,
        spec: &Spec,
        needs: &mut Needs,
        errors: &mut Vec<RuleError>,
    ) -> Option<Self> {
        let place = format!("{section}.mapping.email");
        let email = Rule::compile(&place, email_source(spec), needs, errors);
        let mut fields = Vec::new();
        for (field, source) in sources(spec) {
            let place = format!("{section}.mapping.{field}");
            if let Some(rule) = Rule::compile(&place, source, needs, errors) {
                errors.extend(rule.unusable(field, &place));
                fields.push((field, rule));
            }
        }
        let mut allowed_domains = Vec::with_capacity(spec.allowed_domains.len());
        for (i, domain) in spec.allowed_domains.iter().enumerate() {
            let domain = domain.trim().to_lowercase();
            if format!("x@{domain}").parse::<Email>().is_err() {
                errors.push(RuleError::whole(
                    &format!("people.allowed_domains[{i}]"),
                    format!("\"{domain}\" is not a domain"),
                    "write what follows the @, as in \"example.com\"",
                ));
            }
            allowed_domains.push(domain);
        }
        let (create_only, kept) = policy(spec, errors);
        Some(Self {
            section,
            email: email?,
            fields: fields.into(),
            create_only,
            kept,
            allowed_domains: allowed_domains.into(),
            unusable: spec.policy.unusable,
        })
    }

    /// Sets the domains that addresses must belong to.
    pub(super) fn allow(&mut self, domains: &[String]) {
        self.allowed_domains = domains.iter().map(|domain| domain.trim().to_lowercase()).collect();
    }

    /// The fields that are mapped and compared.
    pub(super) fn managed(&self) -> FieldSet {
        self.fields.iter().map(|one| one.0).filter(|field| !self.create_only.contains(*field)).collect()
    }

    /// The fields that are written only when an account is created.
    pub(super) fn once(&self) -> FieldSet {
        self.create_only
    }

    /// The fields that are written only where the cloud has no value.
    pub(super) fn kept(&self) -> FieldSet {
        self.kept
    }

    /// The texts that the rule for a field gives as they stand in it.
    pub(super) fn written(&self, field: Field) -> Vec<String> {
        let mut constants = Vec::new();
        let rules = self.fields.iter().filter(|(known, _)| *known == field);
        rules.for_each(|(_, rule)| rule.text.constants(&mut constants));
        constants.into_iter().map(str::trim).filter(|text| !text.is_empty()).map(Into::into).collect()
    }

    /// Address and values of one person. Values that are withheld alone come into `unfit`.
    pub(super) fn map(
        &self,
        subject: &Subject<'_>,
        unfit: &mut Vec<(Field, Withheld)>,
    ) -> Result<(Email, Profile), Withheld> {
        let email = self.email(subject)?;
        let mut profile = Profile::new();
        for (field, rule) in &self.fields {
            let value = match (self.value(*field, rule, subject), self.unusable) {
                (Ok(value), _) => value,
                (Err(withheld), Unusables::WithholdPerson) => return Err(withheld),
                (Err(withheld), Unusables::WithholdValue) => {
                    unfit.push((*field, alone(withheld)));
                    None
                }
            };
            if let Some(value) = value
                && !(ADDRESSES.contains(field) && is_repeated(&email, &profile, &value))
            {
                profile.insert(*field, value);
            }
        }
        if let Some((reason, remedy)) = ill_matched(&profile) {
            let withheld = withheld(subject, "unusable", reason, remedy);
            match self.unusable {
                Unusables::WithholdPerson => return Err(withheld),
                Unusables::WithholdValue => {
                    unfit.push((Field::UcProfile, alone(withheld)));
                    profile.remove(&Field::UcProfile);
                }
            }
        }
        Ok((email, profile))
    }

    /// The same of somebody who need not have an address.
    pub(super) fn map_contact(&self, subject: &Subject<'_>) -> Result<(Option<Email>, Profile), Withheld> {
        let email = match self.email(subject) {
            Ok(email) => Some(email),
            Err(withheld) if withheld.code == NO_EMAIL => None,
            Err(withheld) => return Err(withheld),
        };
        let mut profile = Profile::new();
        for (field, rule) in &self.fields {
            profile.extend(self.value(*field, rule, subject)?.map(|value| (*field, value)));
        }
        Ok((email, profile))
    }

    /// Each rule with what it makes of this person; the address comes first.
    pub(super) fn values(&self, subject: &Subject<'_>) -> Vec<MappedValue> {
        let email = self.email(subject).map(|email| Some(email.as_str().to_owned()));
        let mut values =
            vec![MappedValue { field: None, source: self.email.source.to_string(), value: email }];
        values.extend(self.fields.iter().map(|(field, rule)| MappedValue {
            field: Some(*field),
            source: rule.source.to_string(),
            value: self.value(*field, rule, subject),
        }));
        values
    }

    fn email(&self, subject: &Subject<'_>) -> Result<Email, Withheld> {
        let rule = format_args!("{}.mapping.email = {}", self.section, self.email.source);
        let text = subject.reading(|| composed(self.email.text.of(subject)));
        let text = text.map_err(|attribute| no_text(subject, attribute, rule))?;
        let attributes = match &*self.email.attributes {
            "" => "the directory",
            attributes => attributes,
        };
        let email = match text.parse::<Email>() {
            Ok(email) => email,
            Err(EmailError::Empty) => {
                return Err(withheld(
                    subject,
                    NO_EMAIL,
                    format!("there is no e-mail address ({rule})"),
                    format!("enter an address in {attributes}, or take the object out of the scope"),
                ));
            }
            Err(error @ (EmailError::Malformed | EmailError::TooLong)) => {
                return Err(withheld(
                    subject,
                    "bad_email",
                    format!("the value {} cannot be used: {error} ({rule})", shown(text.trim())),
                    format!("correct the address in {attributes}"),
                ));
            }
        };
        if let Some(fault) = fault(&email) {
            return Err(withheld(
                subject,
                "bad_email",
                format!("the value {} cannot be used: {fault} ({rule})", shown(text.trim())),
                format!("correct the address in {attributes}"),
            ));
        }
        let domain = email.domain();
        if self.allowed_domains.is_empty() || self.allowed_domains.iter().any(|allowed| email.is_of(allowed))
        {
            return Ok(email);
        }
        Err(withheld(
            subject,
            "foreign_domain",
            format!("the domain of {} is not one of the allowed domains ({rule})", shown(email.as_str())),
            format!("correct the address in {attributes}, or add \"{domain}\" to people.allowed_domains"),
        ))
    }

    /// The value of one field, or what makes it unusable.
    fn value(&self, field: Field, rule: &Rule, subject: &Subject<'_>) -> Result<Option<String>, Withheld> {
        let text = subject.reading(|| composed(rule.text.of(subject))).map_err(|attribute| {
            no_text(subject, attribute, format_args!("{}.mapping.{field} = {}", self.section, rule.source))
        })?;
        let value = text.trim();
        if value.is_empty() {
            return Ok(None);
        }
        match check(field, value) {
            Ok(()) => Ok(Some(value.into())),
            Err(Unusable { code, what, remedy }) => {
                let reason = format!(
                    "the value {} {what} ({}.mapping.{field} = {})",
                    shown(value),
                    self.section,
                    rule.source
                );
                Err(withheld(subject, code, reason, remedy.into()))
            }
        }
    }
}

/// Whether an address is the user name, or was given already: a list of aliases mostly holds
/// the primary address too, and the cloud wants each once.
fn is_repeated(email: &Email, profile: &Profile, value: &str) -> bool {
    let key = address_key(value);
    email.key() == key
        || ADDRESSES.iter().filter_map(|field| profile.get(field)).any(|known| address_key(known) == key)
}

/// What is right by itself, and does not go together.
fn ill_matched(profile: &Profile) -> Option<(String, String)> {
    let profile_name = profile.get(&Field::UcProfile)?;
    let behavior = profile.get(&Field::CallingBehavior).filter(|behavior| *behavior != "unified_cm")?;
    Some((
        format!(
            "the UC Manager profile {} does not go with the calling behaviour {behavior} (people.mapping.uc_profile)",
            shown(profile_name)
        ),
        "let uc_profile be blank for everybody whose calling_behavior is something else than unified_cm"
            .into(),
    ))
}

/// The same for a value without which the person goes on.
fn alone(mut withheld: Withheld) -> Withheld {
    withheld.code = VALUE_WITHHELD.into();
    withheld
        .reason
        .push_str("; the person goes on without it, and what the account holds there is left as it is");
    withheld
}

fn no_text(subject: &Subject<'_>, attribute: &str, rule: std::fmt::Arguments<'_>) -> Withheld {
    let reason = format!("the value of {attribute} is not text in UTF-8 ({rule})");
    let remedy =
        "correct it in the directory, or export it again as UTF-8; a binary attribute cannot be mapped";
    withheld(subject, "unusable", reason, remedy.into())
}

fn withheld(subject: &Subject<'_>, code: &str, reason: String, remedy: String) -> Withheld {
    Withheld {
        anchor: Some(subject.record.anchor),
        dn: subject.record.dn.clone(),
        code: code.into(),
        reason,
        remedy,
    }
}

/// A value as a report shows it: in quotes, control characters visible, not endless.
fn shown(value: &str) -> String {
    const ENOUGH: usize = 80;
    match value.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{:?}… ({} characters)", &value[..end], value.chars().count()),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests;
