//! `[[test]]`: what the rules are tried with, not yet compiled.

use std::collections::HashSet;

use super::Check;
use super::entitlement::keys;
use crate::config::raw;
use crate::rules::{Expected, TrialKind, TrialSpec};

impl Check<'_> {
    pub(super) fn trials(&mut self, tests: Vec<raw::Test>) -> Vec<TrialSpec> {
        let mut seen = HashSet::new();
        for (i, test) in tests.iter().enumerate() {
            self.name(&format!("test[{i}].name"), &test.name, &mut seen);
            self.all_filled(&format!("test[{i}].groups"), &test.groups);
            self.all_filled(&format!("test[{i}].licenses"), test.licenses.as_deref().unwrap_or_default());
            self.all_filled(&format!("test[{i}].roles"), test.roles.as_deref().unwrap_or_default());
        }
        let trial = |raw: raw::Test| TrialSpec {
            name: raw.name,
            kind: match raw.kind {
                raw::Tested::Person => TrialKind::Person,
                raw::Tested::Room => TrialKind::Room,
                raw::Tested::Contact => TrialKind::Contact,
            },
            record: raw.record,
            groups: raw.groups,
            disabled: raw.disabled,
            expect: match raw.expect {
                raw::Expect::In => Expected::In,
                raw::Expect::Out => Expected::Out,
                raw::Expect::Withheld => Expected::Withheld,
            },
            reason: raw.reason,
            email: raw.email,
            fields: raw.fields,
            licenses: raw.licenses.map(keys),
            roles: raw.roles,
        };
        tests.into_iter().map(trial).collect()
    }
}
