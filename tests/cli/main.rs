//! The real binary as a process, against a sandbox: exit codes, what is left behind, documents,
//! and the daemon.

mod codes;
mod documents;
mod rehearsal;
#[cfg(unix)]
mod signals;
