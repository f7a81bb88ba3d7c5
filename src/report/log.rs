//! The log: one stream of events to daily files and to stderr. What goes into it is agreed in
//! docs/LOGGING.md.

mod daily;
mod line;
mod mask;

use std::fmt;
use std::io;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterFn, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use self::daily::DailyFile;
use self::line::{Fields, Line, Style};

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

/// How much of the log goes to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors.
    Quiet,
    /// Errors and warnings: the command itself says what happened.
    #[default]
    Normal,
    /// As much as the files get, with the time: for the daemon, whose stderr is its log.
    Service,
    /// All but traces, with the time.
    Verbose,
}

/// The console, which is stderr: stdout belongs to the result of the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Console {
    /// How much.
    pub verbosity: Verbosity,
    /// Whether levels are coloured.
    pub color: bool,
}

/// Keeps the log going. What is still in flight is written when this is dropped, so `main` holds
/// it to the end.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct LogGuard {
    _files: Option<WorkerGuard>,
}

/// Why there is no log.
#[derive(Debug)]
pub enum LogError {
    /// The daily file cannot be written.
    Files {
        /// Their directory.
        dir: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// This process has a log already.
    Twice,
}

impl LogError {
    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Files { .. } => {
                "let the account that runs dirsyncd write there, name another directory with log.dir, or set log.files = false"
            }
            Self::Twice => "please report this",
        }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { dir, error } => {
                write!(f, "log files cannot be written in {}: {error}", dir.display())
            }
            Self::Twice => f.write_str("the log is set up already"),
        }
    }
}

impl std::error::Error for LogError {}

/// Sets up the log of this process.
///
/// # Errors
///
/// When the directory of the log files cannot be written. Nothing is set up then, and the
/// caller can go on with the console alone by taking `dir` out of the settings.
pub fn init(settings: &LogSettings, console: Console) -> Result<LogGuard, LogError> {
    let (subscriber, guard) = build(settings, console, io::stderr)?;
    subscriber.try_init().map_err(|_| LogError::Twice)?;
    Ok(guard)
}

fn build<W>(settings: &LogSettings, console: Console, stderr: W) -> Result<(Dispatch, LogGuard), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let mut guard = None;
    let files = match &settings.dir {
        None => None,
        Some(dir) => {
            let file = DailyFile::open(dir, settings.keep_files, crate::clock::now)
                .map_err(|error| LogError::Files { dir: dir.clone(), error })?;
            // A line more or less decides what an administrator can find out: none is dropped.
            let (writer, worker) = NonBlockingBuilder::default().lossy(false).thread_name("log").finish(file);
            guard = Some(worker);
            let style = match settings.format {
                Format::Text => Style::Text { time: true, color: false },
                Format::Json => Style::Json,
            };
            Some(layer(settings, style, writer).with_filter(filter(settings.level.into())))
        }
    };
    let time = matches!(console.verbosity, Verbosity::Service | Verbosity::Verbose);
    let style = Style::Text { time, color: console.color };
    let level = match console.verbosity {
        Verbosity::Quiet => LevelFilter::ERROR,
        Verbosity::Normal => LevelFilter::WARN,
        Verbosity::Service => settings.level.into(),
        Verbosity::Verbose => LevelFilter::DEBUG.max(settings.level.into()),
    };
    let console = layer(settings, style, stderr).with_filter(filter(level));
    Ok((Registry::default().with(files).with(console).into(), LogGuard { _files: guard }))
}

fn layer<S, W>(settings: &LogSettings, style: Style, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let personal_data = settings.personal_data;
    tracing_subscriber::fmt::layer()
        .fmt_fields(Fields { personal_data })
        .event_format(Line { style, personal_data })
        .with_writer(writer)
}

/// Our own lines at the level asked for, and our spans in any case: a warning needs to say in
/// which run. What libraries say is for their authors, and may contain what must not be in a
/// log: it is heard only when something is wrong. ldap3 warns about every ordinary end of a
/// connection.
fn filter(level: LevelFilter) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("dirsyncd", level)
        .with_target("ldap3", LevelFilter::ERROR);
    let spans = Targets::new().with_target("dirsyncd", level.max(LevelFilter::INFO));
    let wanted = move |metadata: &Metadata<'_>| {
        let filter = if metadata.is_span() { &spans } else { &targets };
        filter.would_enable(metadata.target(), metadata.level())
    };
    filter_fn(wanted).with_max_level_hint(level.max(LevelFilter::INFO))
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    /// A console that can be read.
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Screen {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
        }
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn settings(dir: Option<PathBuf>, format: Format) -> LogSettings {
        LogSettings { level: Level::Info, format, dir, keep_files: 3, personal_data: false }
    }

    /// The events of a small run, as they reach the console and the file.
    fn run(settings: &LogSettings, verbosity: Verbosity) -> (String, String) {
        let screen = Screen::default();
        let writer = screen.clone();
        let console = Console { verbosity, color: false };
        let (dispatch, guard) = build(settings, console, move || writer.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!("pass", run = "r-17", seen = tracing::field::Empty);
            span.record("seen", 3);
            let _entered = span.enter();
            tracing::info!(duration_ms = 1200, complete = true, "The source was read.");
            tracing::warn!(email = "ann@example.com", dn = ?"cn=ann", cloud_id = %"c-1", "A person was\nwithheld.");
            tracing::debug!("How it went.");
            tracing::info!(target: "hyper::client", "Bytes.");
            tracing::warn!(target: "ldap3::conn", "The connection ended.");
            tracing::error!(target: "rustls", error = "no root", "The handshake failed.");
        });
        drop(dispatch);
        drop(guard);
        let file = settings.dir.as_ref().map(|dir| {
            let name = std::fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
            std::fs::read_to_string(name).unwrap()
        });
        (screen.text(), file.unwrap_or_default())
    }

    /// The lines without their time.
    fn timeless(text: &str) -> Vec<&str> {
        text.lines().map(|line| line.split_once("Z ").map_or(line, |(_, rest)| rest)).collect()
    }

    #[test]
    fn text_lines_read_well_and_hide_people() {
        let dir = tempfile::tempdir().unwrap();
        let (screen, file) = run(&settings(Some(dir.path().to_owned()), Format::Text), Verbosity::Normal);
        assert_eq!(
            timeless(&file),
            [
                " INFO The source was read. duration_ms=1200 complete=true run=r-17 seen=3",
                " WARN A person was\\nwithheld. email=<redacted> dn=<redacted> cloud_id=c-1 run=r-17 seen=3",
                "ERROR rustls: The handshake failed. error=\"no root\" run=r-17 seen=3",
            ]
        );
        assert_eq!(
            screen.lines().collect::<Vec<_>>(),
            [
                " WARN A person was\\nwithheld. email=<redacted> dn=<redacted> cloud_id=c-1 run=r-17 seen=3",
                "ERROR rustls: The handshake failed. error=\"no root\" run=r-17 seen=3",
            ]
        );
    }

    #[test]
    fn people_are_shown_when_asked_for() {
        let mut settings = settings(None, Format::Text);
        settings.personal_data = true;
        let (screen, _) = run(&settings, Verbosity::Service);
        assert!(screen.contains("email=ann@example.com dn=\"cn=ann\" cloud_id=c-1"), "{screen}");
    }

    /// Sentences about a source name units, groups and people.
    #[test]
    fn what_is_said_about_a_source_hides_people() {
        use crate::report::{Event, told};
        let reason = || "source \"corp\": the lookup of \"cn=Ann Lee,ou=Corp\": busy (51)".to_owned();
        let source = || "corp".to_owned();
        let events = || {
            [
                Event::Unanswered { reason: reason() },
                Event::ReadingAll { reason: reason() },
                Event::Advice { source: source(), advice: reason() },
                Event::Read { source: source(), people: 1, groups: 0, partial: vec![reason()] },
            ]
        };
        for personal_data in [false, true] {
            let mut settings = settings(None, Format::Text);
            (settings.level, settings.personal_data) = (Level::Trace, personal_data);
            let screen = Screen::default();
            let writer = screen.clone();
            let console = Console { verbosity: Verbosity::Verbose, color: false };
            let (dispatch, _guard) = build(&settings, console, move || writer.clone()).unwrap();
            tracing::dispatcher::with_default(&dispatch, || {
                let sink = told::to_log(tracing::Span::none(), told::Known::default());
                events().into_iter().for_each(|event| sink(event));
            });
            let text = screen.text();
            assert_eq!(text.matches("busy (51)").count(), 4, "{text}");
            assert_eq!(text.matches("Ann Lee").count(), if personal_data { 4 } else { 0 }, "{text}");
        }
    }

    #[test]
    fn json_lines_are_json() {
        let dir = tempfile::tempdir().unwrap();
        let (_, file) = run(&settings(Some(dir.path().to_owned()), Format::Json), Verbosity::Quiet);
        let lines: Vec<serde_json::Value> =
            file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        let mut first = lines[0].clone();
        let time = first.as_object_mut().unwrap().remove("time").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'));
        assert_eq!(
            first,
            serde_json::json!({
                "level": "info",
                "message": "The source was read.",
                "target": "dirsyncd::report::log::tests",
                "duration_ms": 1200,
                "complete": true,
                "run": "r-17",
                "seen": 3,
            })
        );
        assert_eq!(lines[1]["email"], "<redacted>");
        assert!(!file.contains("ann"));
    }

    #[test]
    fn verbosity_decides_what_the_console_shows() {
        let settings = settings(None, Format::Text);
        for (verbosity, lines) in
            [(Verbosity::Quiet, 1), (Verbosity::Normal, 2), (Verbosity::Service, 3), (Verbosity::Verbose, 4)]
        {
            let (screen, _) = run(&settings, verbosity);
            assert_eq!(screen.lines().count(), lines, "{verbosity:?}\n{screen}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_an_error_with_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = build(&settings(Some(file), Format::Text), Console::default(), io::stderr).err().unwrap();
        assert!(error.to_string().contains("cannot be written") && error.remedy().contains("log.dir"));
    }
}
