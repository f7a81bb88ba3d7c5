//! The real binary as a process, against a sandbox: exit codes, what is left behind, documents,
//! and the daemon.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checking;
mod codes;
mod documents;
mod entitling;
mod explain;
mod explain_others;
mod lint;
mod rehearsal;
mod remedies;
mod seats;
#[cfg(unix)]
mod signals;
mod telling;
