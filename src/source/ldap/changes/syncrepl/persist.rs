//! Waiting for changes: refreshAndPersist (RFC 4533, 3.4) from where the server is now.
//!
//! Only that something changed is passed on. What, the next delta pass asks by itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use ldap3::controls::RefreshMode;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::model::Watched;

use super::super::super::detect::Vendor;
use super::super::super::search;
use super::super::super::trouble::{Failure, Trouble, code_words};
use super::super::super::visit::Visit;
use super::message::{self, Info};
use super::refresh::{Question, Stream};
use super::{EVERYTHING, Missing, bases, contextcsn, ds389};

/// How long a connection may be silent before it is tried. A firewall or a server that died
/// without a word is found out by nothing else.
const SILENCE: Duration = Duration::from_mins(1);

/// Waits until the connection ends, or does not begin where the server refuses.
pub(in super::super) async fn watch(mut visit: Visit<'_>, wake: Arc<Notify>) -> Result<Watched, Trouble> {
    let limit = visit.settings.operation_timeout;
    let mut waiting = FuturesUnordered::new();
    for base in bases(&visit) {
        let cookie = match visit.directory.vendor {
            Vendor::Ds389 => ds389::fresh(&mut visit, &base).await,
            _ => contextcsn::cookie(&mut visit, &base).await,
        };
        let cookie = match cookie {
            Ok(cookie) => cookie,
            Err(Missing::Failed(failure)) if failure.ends_the_connection() => {
                return Ok(ended(&mut visit, failure).await);
            }
            // Why there is none, a full read tells as advice.
            Err(_) => return Ok(Watched::Unsupported),
        };
        let question = Question { base: &base, filter: EVERYTHING, cookie: Some(&cookie), limit: None };
        let mode = RefreshMode::RefreshAndPersist;
        match question.ask(&mut visit.session, mode, vec!["1.1".into()]).await {
            Ok(stream) => waiting.push(next(stream)),
            Err(failure) => return Ok(ended(&mut visit, failure).await),
        }
    }
    // How many have not yet said that they wait.
    let mut starting = waiting.len();
    let period = SILENCE.min(limit.max(Duration::from_secs(1)));
    let mut silence = interval_at(Instant::now() + period, period);
    silence.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some((mut stream, message)) = waiting.next() => match message {
                Ok(Some(answer)) => {
                    let info = answer.is_intermediate().then(|| message::info(&answer.0));
                    match info {
                        Some(Ok(Info::RefreshDelete | Info::RefreshPresent)) => {
                            starting = starting.saturating_sub(1);
                            if starting == 0 {
                                wake.notify_one();
                            }
                        }
                        // Something changed, and not below this base.
                        Some(Ok(Info::NewCookie | Info::Other)) => {}
                        _ => wake.notify_one(),
                    }
                    waiting.push(next(stream));
                }
                Ok(None) => {
                    let result = stream.finish().await;
                    // A server that cannot wait, or does not want to, says so at once; what is
                    // said later, or of the moment alone, is an end.
                    return Ok(match (starting, result.rc) {
                        (1.., 0 | 2 | 12 | 50 | 53) => Watched::Unsupported,
                        _ => Watched::Ended(format!("the server ended the waiting: {}", code_words(&result))),
                    });
                }
                Err(error) => {
                    let failure = Failure::from_library(error, limit);
                    return Ok(ended(&mut visit, failure).await);
                }
            },
            _ = silence.tick() => {
                if let Err(failure) = search::one(&mut visit.session, "", vec!["1.1".into()], period).await
                    && failure.ends_the_connection()
                {
                    return Ok(ended(&mut visit, failure).await);
                }
            }
        }
    }
}

/// The next message of an answer, and the answer.
async fn next(mut stream: Stream) -> (Stream, ldap3::result::Result<Option<ldap3::ResultEntry>>) {
    let message = stream.next().await;
    (stream, message)
}

async fn ended(visit: &mut Visit<'_>, failure: Failure) -> Watched {
    Watched::Ended(visit.session.explain(failure).await.to_string())
}
