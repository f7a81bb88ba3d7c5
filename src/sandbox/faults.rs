//! The knobs that make the sandbox behave like Webex on a bad day.
//!
//! All of them can be read and set while it runs, and all draws follow from the seed: the same
//! requests in the same order meet the same faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids;

/// Which requests a fault hits. All conditions on the request must hold; then any of `next`,
/// `every` and `probability` decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The families that it can hit, such as `people`, `licenses`, `scim_users`, `scim_bulk`. Empty for all.
    pub on: Vec<String>,
    /// The HTTP methods that it can hit. Empty for all.
    pub methods: Vec<String>,
    /// How many matching requests pass before anything else is considered.
    pub after: u64,
    /// Hits the next so many matching requests. Counts down.
    pub next: u64,
    /// Hits every so many-th matching request; 0 for never.
    pub every: u64,
    /// Hits a matching request with this chance, from 0 to 1.
    pub probability: f64,
    #[serde(skip)]
    seen: u64,
}

impl When {
    /// Whether a request is hit. Counts the request.
    pub(super) fn hits(&mut self, seed: u64, family: &str, method: &str) -> bool {
        let idle = self.next == 0 && self.every == 0 && self.probability <= 0.0;
        if idle
            || !(self.on.is_empty() || self.on.iter().any(|name| name == family))
            || !(self.methods.is_empty() || self.methods.iter().any(|name| name.eq_ignore_ascii_case(method)))
        {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        self.seen += 1;
        if self.next > 0 {
            self.next -= 1;
            return true;
        }
        if self.every > 0 && self.seen.is_multiple_of(self.every) {
            return true;
        }
        let draw = ids::scramble(seed, self.seen) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let draw = draw as f64 / (1u64 << 53) as f64;
        draw < self.probability
    }
}

/// 429 Too Many Requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Throttle {
    /// Which requests.
    pub when: When,
    /// The `Retry-After` header, whatever it says; `null` leaves it out.
    pub retry_after: Option<String>,
    /// Requests per second beyond which all are throttled; 0 for no limit.
    pub per_second: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { when: When::default(), retry_after: Some("1".into()), per_second: 0 }
    }
}

/// 5xx from a proxy, with an HTML body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outage {
    /// Which requests.
    pub when: When,
    /// 500, 502, 503 or 504.
    pub status: u16,
    /// Answer in JSON rather than HTML.
    pub json: bool,
}

impl Default for Outage {
    fn default() -> Self {
        Self { when: When::default(), status: 503, json: false }
    }
}

/// 451: the organization lives in another region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrongRegion {
    /// Which requests.
    pub when: When,
    /// The host that the message names.
    pub host: String,
}

/// What happens to a licence that has no seat left, when nothing else in the request was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// 206 and no word, as when something else was done.
    #[default]
    Silent,
    /// 400.
    Refused,
}

/// All knobs. The default is a good day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// 429.
    pub throttle: Throttle,
    /// 423 Locked, without `Retry-After`.
    pub locked: When,
    /// 5xx before anything was done.
    pub outage: Outage,
    /// 504 after everything was done: the write happened.
    pub outage_after_commit: When,
    /// 451.
    pub wrong_region: WrongRegion,
    /// The connection is reset before anything was done.
    pub cut_before_commit: When,
    /// The connection is reset after everything was done and before the answer.
    pub cut_after_commit: When,
    /// The connection is reset in the middle of the answer.
    pub cut_answer: When,
    /// People POST and PUT answer 400 although the write happened.
    pub refuse_after_commit: When,
    /// Every request takes at least so many milliseconds.
    pub latency_ms: u64,
    /// Requests of a family (`people`), or a method of a family (`POST people`), take so many
    /// milliseconds more.
    pub latency_on: BTreeMap<String, u64>,
    /// People requests with `callingData=true` take so many milliseconds more.
    pub calling_data_latency_ms: u64,
    /// SCIM listings and searches show writes so many milliseconds late.
    pub visibility_lag_ms: u64,
    /// Licence counters show writes so many milliseconds late.
    pub counter_lag_ms: u64,
    /// Query parameters that are missing in `next` links.
    pub next_link_drops: Vec<String>,
    /// Answers carry the `Trackingid` header twice.
    pub duplicate_tracking_id: bool,
    /// `invitePending` and `loginEnabled` of the People interface are strings.
    pub booleans_as_strings: bool,
    /// The most users or groups in one SCIM answer.
    pub scim_count_cap: usize,
    /// The most people in one People answer.
    pub people_max_cap: usize,
    /// Cisco's own directory connector is on: the People interface refuses to write.
    pub directory_sync: bool,
    /// With `directory_sync`, SCIM refuses to write too.
    pub directory_sync_blocks_scim: bool,
    /// Verified domains that are enforced: nobody of another domain can be created. Empty for none.
    pub enforced_domains: Vec<String>,
    /// For so many seconds the address of a deleted account cannot be used again.
    pub email_reuse_delay_s: u64,
    /// All access tokens are expired (the administrator's too); refreshing gives new ones.
    pub tokens_expired: bool,
    /// Refreshing is refused with 400.
    pub refresh_refused: bool,
    /// What a request does that only asks for licences without seats.
    pub exhausted_seats: Exhausted,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            throttle: Throttle::default(),
            locked: When::default(),
            outage: Outage::default(),
            outage_after_commit: When::default(),
            wrong_region: WrongRegion::default(),
            cut_before_commit: When::default(),
            cut_after_commit: When::default(),
            cut_answer: When::default(),
            refuse_after_commit: When::default(),
            latency_ms: 0,
            latency_on: BTreeMap::new(),
            calling_data_latency_ms: 0,
            visibility_lag_ms: 0,
            counter_lag_ms: 0,
            next_link_drops: Vec::new(),
            duplicate_tracking_id: false,
            booleans_as_strings: false,
            scim_count_cap: 200,
            people_max_cap: 1000,
            directory_sync: false,
            directory_sync_blocks_scim: false,
            enforced_domains: Vec::new(),
            email_reuse_delay_s: 0,
            tokens_expired: false,
            refresh_refused: false,
            exhausted_seats: Exhausted::default(),
        }
    }
}

impl Faults {
    /// How long a request takes at least, in milliseconds.
    pub(super) fn latency(&self, family: &str, method: &str, calling_data: bool) -> u64 {
        let of = |key: &str| self.latency_on.get(key).copied().unwrap_or(0);
        let mut total = self.latency_ms;
        if !self.latency_on.is_empty() {
            total = total.saturating_add(of(family)).saturating_add(of(&format!("{method} {family}")));
        }
        if calling_data { total.saturating_add(self.calling_data_latency_ms) } else { total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(mut when: When, count: usize) -> String {
        (0..count).map(|_| if when.hits(7, "people", "POST") { 'x' } else { '.' }).collect()
    }

    #[test]
    fn faults_hit_whom_they_should() {
        for (when, expected) in [
            (When::default(), "......"),
            (When { next: 2, ..When::default() }, "xx...."),
            (When { after: 2, next: 1, ..When::default() }, "..x..."),
            (When { every: 3, ..When::default() }, "..x..x"),
            (When { probability: 1.0, ..When::default() }, "xxxxxx"),
            (When { probability: 1.0, on: vec!["licenses".into()], ..When::default() }, "......"),
            (When { probability: 1.0, methods: vec!["post".into()], ..When::default() }, "xxxxxx"),
            (When { probability: 1.0, methods: vec!["GET".into()], ..When::default() }, "......"),
        ] {
            assert_eq!(pattern(when.clone(), 6), expected, "{when:?}");
        }
    }

    #[test]
    fn chance_is_repeatable_and_about_right() {
        let when = When { probability: 0.25, ..When::default() };
        assert_eq!(pattern(when.clone(), 400), pattern(when.clone(), 400));
        let hits = pattern(when, 400).matches('x').count();
        assert!((70..130).contains(&hits), "{hits}");
    }

    #[test]
    fn unknown_knobs_are_refused() {
        assert!(serde_json::from_str::<Faults>(r#"{"throtle":{}}"#).is_err());
        let faults: Faults = serde_json::from_str(r#"{"throttle":{"retry_after":null}}"#).unwrap();
        assert_eq!(faults.throttle.retry_after, None);
        assert_eq!(faults.scim_count_cap, 200);
    }
}
