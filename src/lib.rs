//! dirsyncd: a directory connector that admins can trust with their people.
//!
//! The modules, in the order in which data meets them:
//!
//! 1. [`model`]: the words everything is said in.
//! 2. [`source`]: the directory is read, giving records and a census.
//! 3. [`rules`]: a record becomes what the cloud should hold.
//! 4. [`cloud`]: the cloud is read, and later written.
//! 5. [`plan`]: desired, snapshot and observed become a list of actions.
//! 6. [`guard`]: a plan that takes too much away is held.
//! 7. [`apply`]: the rest is carried out and journaled in the [`store`]; [`recover`] mends
//!    after a crash.
//!
//! [`pass`] is the spine that joins them: look, then act.
//!
//! Around them: [`config`] says what is wanted, [`schedule`] when, [`report`] what happened,
//! [`service`] is the operating system, [`daemon`] keeps passes going and [`cli`] is what an
//! administrator types. [`sandbox`] is a cloud to rehearse against.

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
