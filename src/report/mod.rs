//! What happened, for people and for programs.

pub mod event;
pub mod log;

pub use event::{Event, Sink};
