//! The only place that asks the time.

use chrono::{DateTime, Utc};

/// Now. Everything below the shell gets the time as an argument.
pub fn now() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    Utc::now()
}
