//! What the rules make of a record.

use serde::{Deserialize, Serialize};

use super::{Cause, Field, LicenseId, Person, SourceId, Standing};

/// An object about which we cannot decide, and which is therefore never touched; or a licence
/// that somebody should have and cannot be given as the rules and the record stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Who, where the object has an anchor.
    pub anchor: Option<SourceId>,
    /// Where it stands in the directory.
    pub dn: String,
    /// A stable word for the kind of trouble, safe for logs: `no_email`, `bad_email`,
    /// `duplicate_email`, `too_long`, `unusable`, `taken`, …
    pub code: String,
    /// What happened, with the value and the rule, in a sentence for the administrator.
    pub reason: String,
    /// What to do next.
    pub remedy: String,
}

/// The code of a value that is withheld alone, see [`Verdict::unfit`].
pub const VALUE_WITHHELD: &str = "value_withheld";

impl Withheld {
    /// Whether only a value or a licence is withheld, and the person goes on without it.
    pub fn is_part(&self) -> bool {
        [VALUE_WITHHELD, "duplicate_alias", "license_not_given"].contains(&self.code.as_str())
    }
}

/// What the cloud should hold for one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// This person, exactly so.
    Present(Person),
    /// No account; and if there is one of ours, its owner has left. The cause is
    /// `Disabled` or `OutOfScope`.
    Leaving(Cause),
    /// Cannot be decided.
    Withheld(Withheld),
}

/// A licence that a rule gives to somebody who does not get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ungiven {
    /// Which.
    pub license: LicenseId,
    /// Its name.
    pub name: String,
    /// The rule that gives it.
    pub rule: String,
    /// Why the person does not get it, in words that follow "because".
    pub reason: String,
    /// What to do when somebody has to do something; `None` when the rules are meant so.
    pub remedy: Option<String>,
}

/// What the rules say about one record, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What should be.
    pub wanted: Wanted,
    /// What a rule gives and the person does not get.
    pub ungiven: Vec<Ungiven>,
    /// Values that the cloud would refuse, where they are withheld alone, and not the person.
    pub unfit: Vec<(Field, Withheld)>,
    /// The verdict holds until then (an account that expires), in seconds since
    /// 1970-01-01 UTC; `None` while nothing changes.
    pub recheck: Option<i64>,
    /// Where the person stands when seats are few.
    pub standing: Standing,
}
