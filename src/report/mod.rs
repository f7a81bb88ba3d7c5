//! What happened, for people and for programs.

pub mod event;

pub use event::{Event, Sink};
