//! dirsyncd: a directory connector that admins can trust with their people.
//!
//! The modules, in the order in which data meets them:
//!
//! 1. [`model`]: the words everything is said in.
//! 2. [`source`]: the directory is read, giving records and a census.
//! 3. [`cloud`]: the cloud is read, and later written.

pub mod model;

pub mod cloud;
pub mod source;
