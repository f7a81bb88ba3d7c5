//! Passes on a schedule.
