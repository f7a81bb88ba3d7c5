//! The log: one stream of events to daily files and to stderr.

use std::path::PathBuf;

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// What failed.
    Error,
    /// And what needs attention.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And how.
    Debug,
    /// And every step.
    Trace,
}

/// The form of log lines in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object per line.
    Json,
}

/// The settings of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// How much is logged.
    pub level: Level,
    /// The form of the lines in files.
    pub format: Format,
    /// Where the daily files are; `None` for no files.
    pub dir: Option<PathBuf>,
    /// How many daily files are kept.
    pub keep_files: usize,
    /// Whether lines may show names, addresses, DNs and values.
    pub personal_data: bool,
}
