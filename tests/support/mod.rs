//! A whole world in memory: a directory and a cloud that do on demand what real ones do at
//! the worst moment, and an organization that runs passes between them.

// Each test binary uses its own part of this.
#![allow(dead_code)]

pub mod fake_cloud;
pub mod fake_source;
pub mod org;
