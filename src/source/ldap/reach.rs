//! A directory and the way to it: the settings, what was learned of its servers, and one
//! connection that waits for the next question.
//!
//! Whoever asks every half minute what changed should not log in every half minute.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::connect::{self, Session};
use super::search;
use super::servers::{RETURN, Servers};
use super::settings::Settings;
use super::trouble::Trouble;

/// Idle longer, a connection is not used again: firewalls and servers forget it.
const IDLE: Duration = Duration::from_mins(10);
/// Older, it is opened anew: load is balanced, tickets and rights are refreshed.
const AGE: Duration = Duration::from_hours(1);
/// Idle longer, it has to answer a question first.
const FRESH: Duration = Duration::from_secs(5);
/// For that answer.
const PING: Duration = Duration::from_secs(3);

/// How one directory is reached.
pub(super) struct Reach {
    settings: Settings,
    servers: Arc<Servers>,
    idle: Mutex<Option<(Session, Instant)>>,
    /// The server that last told what changed, and its identity.
    teller: Mutex<Option<(String, String)>>,
}

impl Deref for Reach {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl Reach {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, servers: Arc::default(), idle: Mutex::default(), teller: Mutex::default() }
    }

    /// A connection: the one that waits if it still works, else a new one.
    pub(super) async fn session(&self) -> Result<Session, Trouble> {
        let waiting = self.idle().take();
        if let Some((mut session, since)) = waiting {
            let (idle, age) = (since.elapsed(), session.opened.elapsed());
            let usable = is_usable(idle, age, session.preferred) && !session.ldap.is_closed();
            if usable
                && (idle < FRESH || answers(&mut session, PING.min(self.settings.operation_timeout)).await)
            {
                tracing::debug!(source = %self.settings.name, "connection to the directory used again");
                return Ok(session);
            }
            session.close().await;
        }
        self.fresh().await
    }

    /// A new connection.
    pub(super) async fn fresh(&self) -> Result<Session, Trouble> {
        connect::open(&self.settings, &self.servers).await
    }

    /// Takes a connection back on which everything that was asked has been answered.
    pub(super) async fn keep(&self, session: Session) {
        let before = if session.sound {
            self.idle().replace((session, Instant::now())).map(|(before, _)| before)
        } else {
            Some(session)
        };
        if let Some(session) = before {
            session.close().await;
        }
    }

    /// A server told what changed.
    pub(super) fn told(&self, server: &str, identity: &str) {
        *self.teller() = Some((server.to_owned(), identity.to_owned()));
    }

    /// Why what this server shows may be older than the changes that were told: another one told
    /// them, and copies lag behind each other. A sentence.
    pub(super) fn lag(&self, server: &str, identity: &str) -> Option<String> {
        let teller = self.teller();
        let (told, _) = teller.as_ref().filter(|(s, i)| (s.as_str(), i.as_str()) != (server, identity))?;
        Some(format!("{told} told what changed, and {server} answers now, which may not have it yet"))
    }

    fn teller(&self) -> std::sync::MutexGuard<'_, Option<(String, String)>> {
        self.teller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<(Session, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to a server that was not the first choice is given up early, for the first
/// choice to have its chance.
fn is_usable(idle: Duration, age: Duration, preferred: bool) -> bool {
    idle < IDLE && age < if preferred { AGE } else { RETURN }
}

async fn answers(session: &mut Session, limit: Duration) -> bool {
    search::one(session, "", vec!["1.1".into()], limit).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_told_changes_is_up_to_date_with_them() {
        let reach = Reach::new(Settings::new("hq", &["ldaps://a.example.com"]));
        assert_eq!(reach.lag("a", "1"), None, "nobody told anything");
        reach.told("a", "1");
        assert_eq!(reach.lag("a", "1"), None);
        assert!(reach.lag("b", "1").is_some());
        assert!(reach.lag("a", "2").is_some(), "another server behind the same name");
        reach.told("b", "2");
        assert_eq!(reach.lag("b", "2"), None);
    }

    #[test]
    fn connections_are_given_up_in_time() {
        let secs = Duration::from_secs;
        for (idle, age, preferred, usable) in [
            (30, 40, true, true),
            (30, 3_599, true, true),
            (30, 3_600, true, false),
            (599, 700, true, true),
            (600, 700, true, false),
            (30, 299, false, true),
            (30, 300, false, false),
        ] {
            assert_eq!(is_usable(secs(idle), secs(age), preferred), usable, "{idle} {age} {preferred}");
        }
    }
}
