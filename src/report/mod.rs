//! Telling people and machines what happened.

pub mod log;
