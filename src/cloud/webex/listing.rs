//! The listing of all accounts: quick, and never less than whole.
//!
//! SCIM pages are cut by position. While we turn pages, an account that goes away moves all
//! later ones a place forward, and the one at the edge is never shown. So the listing is
//! sorted by id, every account is counted once, and the count must equal what the cloud
//! announced, which must not shrink meanwhile. A listing that fails this is read once more;
//! after that it is an error, because a hole looks exactly like people who left.
//!
//! As long as accounts are only added while we read, that test is a proof: everything seen
//! is in the final set, and is as many as announced. One account removed and another added
//! between the same two pages would escape it; the next pass sees what this one did not.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::account::{account, has_account};
use super::fault;
use super::link::{Link, Request, for_all};
use super::wire::Page;
use crate::cloud::http::Answer;
use crate::cloud::{CloudError, CloudErrorKind};
use crate::model::{Account, Key};

/// Pages under way at once: enough to hide the way to the cloud, few enough to be polite.
const AHEAD: usize = 4;

/// One page, taken apart.
struct Leaf {
    total: u64,
    /// How many positions the page covered.
    covered: u64,
    /// Everything on the page, with the account where it is one of a person or a room.
    users: Vec<(Key, Option<Account>)>,
}

/// What one reading of the listing has shown so far.
struct Tally {
    seen: HashSet<Key>,
    /// The largest number announced.
    announced: u64,
    /// The latest number announced, to notice that it shrinks.
    latest: u64,
    shrank: bool,
}

/// Streams all accounts of people and rooms. Returns how many were sent.
pub(super) async fn accounts(link: &Link, pages: &mpsc::Sender<Vec<Account>>) -> Result<u64, CloudError> {
    let mut earlier = HashSet::new();
    let mut sent = 0;
    let mut first_hole = None;
    loop {
        let tally = read(link, pages, &earlier, &mut sent).await?;
        let seen = tally.seen.len() as u64;
        if !tally.shrank && seen == tally.announced {
            return Ok(sent);
        }
        let hole = format!(
            "{} accounts were announced and {seen} shown{}",
            tally.announced,
            if tally.shrank { ", and the number shrank while reading" } else { "" }
        );
        match first_hole {
            None => {
                tracing::warn!(
                    announced = tally.announced,
                    seen,
                    shrank = tally.shrank,
                    "the listing has a hole; reading it again"
                );
                first_hole = Some(hole);
                earlier = tally.seen;
            }
            Some(first) => {
                return Err(CloudError::new(
                    CloudErrorKind::Unintelligible,
                    format!("the listing of accounts is not whole, twice: {first}; then {hole}"),
                    "somebody else may be changing many accounts right now: the next pass reads again",
                ));
            }
        }
    }
}

async fn read(
    link: &Link,
    pages: &mpsc::Sender<Vec<Account>>,
    earlier: &HashSet<Key>,
    sent: &mut u64,
) -> Result<Tally, CloudError> {
    let path = link.scim("Users").await?;
    let mut tally = Tally { seen: HashSet::new(), announced: 0, latest: 0, shrank: false };

    let first = page(link, &path, 1, u64::from(link.page_size)).await?;
    let (total, stride) = (first.total, first.covered);
    take(&mut tally, first, pages, earlier, sent).await?;
    let mut next = 1 + stride;
    if stride > 0 && next <= total {
        // The server showed how much it puts on a page; the rest is cut into such ranges.
        let ranges = (0..(total - stride).div_ceil(stride)).map(|i| 1 + stride + i * stride);
        let mut leaves = stream::iter(ranges)
            .map(|start| range(link, &path, start, stride.min(total + 1 - start)))
            .buffer_unordered(AHEAD);
        while let Some(leaves) = leaves.next().await {
            for leaf in leaves? {
                take(&mut tally, leaf, pages, earlier, sent).await?;
            }
        }
        next = total + 1;
    }
    // Accounts that were added meanwhile.
    while stride > 0 && next <= tally.announced {
        let leaf = page(link, &path, next, stride).await?;
        if leaf.covered == 0 {
            break;
        }
        next += leaf.covered;
        take(&mut tally, leaf, pages, earlier, sent).await?;
    }
    Ok(tally)
}

/// Counts a page and sends what is new on it.
async fn take(
    tally: &mut Tally,
    leaf: Leaf,
    pages: &mpsc::Sender<Vec<Account>>,
    earlier: &HashSet<Key>,
    sent: &mut u64,
) -> Result<(), CloudError> {
    tally.shrank |= leaf.total < tally.latest;
    tally.latest = leaf.total;
    tally.announced = tally.announced.max(leaf.total);
    if tally.seen.capacity() < leaf.total as usize && leaf.total < 1 << 24 {
        tally.seen.reserve(leaf.total as usize - tally.seen.len());
    }
    let mut batch = Vec::with_capacity(leaf.users.len());
    for (key, account) in leaf.users {
        if tally.seen.insert(key)
            && !earlier.contains(&key)
            && let Some(account) = account
        {
            batch.push(account);
        }
    }
    *sent += batch.len() as u64;
    if !batch.is_empty() && pages.send(batch).await.is_err() {
        return Err(nobody_listens());
    }
    Ok(())
}

/// Reads `length` positions from `start` on, in as many pages as the server needs for it.
async fn range(link: &Link, path: &str, start: u64, length: u64) -> Result<Vec<Leaf>, CloudError> {
    let mut leaves = Vec::with_capacity(1);
    let mut done = 0;
    while done < length {
        let leaf = page(link, path, start + done, length - done).await?;
        // An empty page before the end: the count will tell.
        if leaf.covered == 0 {
            leaves.push(leaf);
            break;
        }
        done += leaf.covered;
        leaves.push(leaf);
    }
    Ok(leaves)
}

async fn page(link: &Link, path: &str, start: u64, count: u64) -> Result<Leaf, CloudError> {
    let query = vec![
        ("sortBy", "id".into()),
        ("sortOrder", "ascending".into()),
        ("startIndex", start.to_string()),
        ("count", count.to_string()),
    ];
    let answer = link.call(Request::get(path, query)).await?;
    if !answer.is_success() {
        return Err(for_all(fault::error(&answer)));
    }
    // Taking a page apart is work for a processor, beside the reading of the next ones.
    match tokio::task::spawn_blocking(move || leaf(&answer)).await {
        Ok(leaf) => leaf,
        Err(_) => Err(CloudError::new(
            CloudErrorKind::Stopped,
            "the reading of a page was given up",
            "nothing: the next pass goes on",
        )),
    }
}

fn leaf(answer: &Answer) -> Result<Leaf, CloudError> {
    let page: Page<'_> = match serde_json::from_slice(&answer.body) {
        Ok(page) => page,
        Err(error) if answer.body.first() == Some(&b'{') => {
            return Err(fault::unreadable(&answer.label, &error, answer.tracking_id.clone()));
        }
        Err(_) => return Err(fault::error(answer)),
    };
    let Some(total) = page.total_results.0 else {
        return Err(CloudError {
            kind: CloudErrorKind::Unintelligible,
            what: format!("the answer to {} does not say how many accounts there are", answer.label),
            remedy: "check the address of the cloud; report this to its support otherwise".into(),
            tracking_id: answer.tracking_id.clone(),
        });
    };
    let users = page.resources.0;
    let shown = users.len() as u64;
    // A server that covers more positions than it shows would leave a hole, and one that
    // shows more than it says it covers repeats: the smaller number is safe.
    let covered = page.items_per_page.0.filter(|n| *n > 0).map_or(shown, |n| n.min(shown));
    let users = users
        .into_iter()
        .map(|user| {
            let key = Key::exact(&user.id.0);
            (key, has_account(&user).then(|| account(user)))
        })
        .collect();
    Ok(Leaf { total, covered, users })
}

/// The reader of a stream went away.
pub(super) fn nobody_listens() -> CloudError {
    CloudError::new(
        CloudErrorKind::Stopped,
        "the listing was given up, because nobody wants the rest",
        "nothing: the next pass goes on",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            label: "GET /x".into(),
            status: 200,
            link: None,
            tracking_id: None,
            body: body.into(),
            repeated: false,
        }
    }

    #[test]
    fn a_page_covers_what_it_says_and_shows() {
        for (body, covered) in [
            (r#"{"totalResults":9,"itemsPerPage":2,"Resources":[{"id":"a"},{"id":"b"}]}"#, 2),
            (r#"{"totalResults":9,"itemsPerPage":5,"Resources":[{"id":"a"},{"id":"b"}]}"#, 2),
            (r#"{"totalResults":9,"itemsPerPage":1,"Resources":[{"id":"a"},{"id":"b"}]}"#, 1),
            (r#"{"totalResults":9,"Resources":[{"id":"a"},{"id":"b"}]}"#, 2),
            (r#"{"totalResults":0}"#, 0),
        ] {
            assert_eq!(leaf(&answer(body)).unwrap().covered, covered, "{body}");
        }
    }

    #[test]
    fn what_is_no_page_is_an_error_without_content() {
        for body in [
            "",
            "{",
            "<html>hello</html>",
            "{}",
            r#"{"totalResults":1,"Resources":[{"id":"a","active":"ann@example.com"}]}"#,
        ] {
            let error = leaf(&answer(body)).err().unwrap();
            assert_eq!(error.kind, CloudErrorKind::Unintelligible, "{body}");
            assert!(!error.what.contains("ann@example.com"), "{error}");
        }
    }
}
