//! Tests against real servers, started privately on loopback.

#[path = "../support/mod.rs"]
mod support;

mod fixtures;
