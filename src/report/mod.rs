//! What happened, for people and for programs.
//!
//! [`event`] is the stream; [`told`] writes it to the log, [`progress`] to the terminal.
//! [`text`] and [`json`] are two forms of the same plans and results.

pub mod counts;
pub mod event;
pub mod json;
pub mod log;
pub mod progress;
pub mod text;
pub mod told;

pub use counts::Counts;
pub use event::{Event, Sink};
