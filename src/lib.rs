//! dirsyncd: a directory connector that admins can trust with their people.
//!
//! The modules, in the order in which data meets them:
//!
//! 1. [`model`]: the words everything is said in.
//! 2. [`source`]: the directory is read, giving records and a census.
//! 3. [`store`]: the snapshot says what we last confirmed, so that only differences go on.
//! 4. [`rules`]: a record becomes what the cloud should hold.
//! 5. [`cloud`]: the cloud is read, and later written.
//! 6. [`plan`]: desired, snapshot and observed become a list of actions.
//! 7. [`guard`]: a plan that takes too much away is held.
//! 8. [`apply`]: the rest is carried out and journaled in the store; [`recover`] mends after a
//!    crash.
//! 9. [`report`]: what happened, for people and machines.
//!
//! [`pass`] is the spine that joins them: look, then act.
//!
//! Around them: [`config`] says what is wanted, [`schedule`] when; [`clock`] asks the time, and
//! [`service`] is the operating system. [`daemon`] keeps passes going, [`cli`] is what an
//! administrator types, and [`sandbox`] is a cloud to rehearse against.

pub mod model;

pub mod guard;
pub mod plan;
pub mod rules;

pub mod cloud;
pub mod source;
pub mod store;

pub mod apply;
pub mod pass;
pub mod recover;

pub mod config;
pub mod report;
pub mod schedule;
pub mod service;

pub mod cli;
pub mod daemon;

pub mod clock;

pub mod sandbox;
