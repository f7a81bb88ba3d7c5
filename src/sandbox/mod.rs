//! A Cisco Webex organization on 127.0.0.1: for rehearsals, the demo and all tests.
//!
//! It shares nothing with the client that talks to Webex: it is written from what is known about
//! the interfaces, quirks included, so that a misunderstanding shows as a failing test rather than
//! as two sides that agree with each other. Faults can be turned on while it runs.
//!
//! A request goes through the gate to a call; a call reads or changes the state; the state
//! keeps accounts in a roster. The manual is `docs/SANDBOX.md`.

mod addresses;
mod assign;
mod attributes;
mod audit;
mod bulk;
mod call;
mod calling_behavior;
mod connection;
mod contacts;
mod control;
mod dump;
mod emails;
mod errors;
mod faults;
mod gate;
mod group_patch;
mod groups;
mod ids;
mod jobs;
mod license;
mod licenses;
mod link;
mod locations;
mod numbers;
mod oauth;
mod organization;
mod organizations;
mod page;
mod people;
mod people_write;
mod persist;
mod person;
mod profile;
mod reply;
mod roles;
mod roster;
mod route;
mod scim_filter;
mod scim_groups;
mod scim_operation;
mod scim_patch;
mod scim_path;
mod scim_users;
mod seed;
mod settings;
mod shapes;
mod state;
mod stats;
mod token;
mod view;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State as Shared};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::serve::Listener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use attributes::attribute_names;
pub use faults::{Exhausted, Faults, Outage, Throttle, When, WrongRegion};
pub use organization::Organization;
pub use settings::{LicenseSpec, LocationSpec, Settings};
pub use stats::Stats;

use connection::{Loopback, Wire};

/// Bulk requests of a hundred people are well below this.
const LARGEST_BODY: usize = 64 << 20;
/// How often the state file is brought up to date at least, while there are changes.
const SAVE_EVERY: Duration = Duration::from_secs(3);
/// How long connections have to end by themselves when the server stops.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running sandbox. It ends when it is stopped or dropped; only stopping saves the last changes.
#[derive(Debug)]
pub struct Sandbox {
    organization: Organization,
    address: SocketAddr,
    ending: watch::Sender<bool>,
    server: JoinHandle<io::Result<()>>,
    saver: JoinHandle<()>,
}

/// Why a sandbox cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port cannot be listened on.
    #[error("port {port} of 127.0.0.1 cannot be used ({source}): choose another, or 0 for any")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The state file cannot be read, or is none.
    #[error("the state file {path} cannot be read ({source}): name another one, or remove it to begin anew")]
    State {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: io::Error,
    },
    /// The settings contradict themselves.
    #[error("the settings of the sandbox cannot be used: {0}")]
    Settings(String),
}

impl Sandbox {
    /// Brings the organization up and listens. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// The port is taken, the state file is unreadable, or the settings contradict themselves.
    pub async fn start(settings: Settings) -> Result<Self, SandboxError> {
        let saved = match &settings.state_file {
            Some(path) => persist::load(path, &settings)
                .map_err(|source| SandboxError::State { path: path.clone(), source })?,
            None => None,
        };
        let port = settings.port;
        let listen = |source| SandboxError::Listen { port, source };
        let listener = Loopback::bind(port).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let organization =
            Organization::new(settings, saved).map_err(|refusal| SandboxError::Settings(refusal.message))?;
        drop(organization.0.base_url.set(format!("http://{address}")));

        let (ending, ended) = watch::channel(false);
        let router = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(organization.clone())
            .into_make_service_with_connect_info::<Wire>();
        let mut until = ended.clone();
        let server = tokio::spawn(async move {
            let end = async move {
                drop(until.wait_for(|ended| *ended).await);
            };
            axum::serve(listener, router).with_graceful_shutdown(end).await
        });
        let saver = tokio::spawn(keep_saved(organization.clone(), ended));
        Ok(Self { organization, address, ending, server, saver })
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The organization, for direct inspection and edits.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Stops listening, lets requests finish for a moment, and saves.
    pub async fn stop(self) {
        self.ending.send_replace(true);
        let mut server = self.server;
        if tokio::time::timeout(PATIENCE, &mut server).await.is_err() {
            server.abort();
        }
        // The saver sees the end too, and saves a last time before it returns.
        drop(self.saver.await);
    }
}

async fn handle(
    Shared(organization): Shared<Organization>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let incoming = gate::Incoming {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        authorization: authorization.map(str::to_owned),
        body,
    };
    gate::pass(organization, wire, incoming).await
}

/// Keeps the state file up to date. A large organization is saved less often: saving may take a
/// tenth of the time.
async fn keep_saved(organization: Organization, mut ended: watch::Receiver<bool>) {
    let Some(path) = organization.0.settings.state_file.clone() else { return };
    let mut pause = SAVE_EVERY;
    loop {
        let last = tokio::time::timeout(pause, ended.wait_for(|ended| *ended)).await.is_ok();
        if organization.0.dirty.swap(false, Ordering::AcqRel) {
            let started = Instant::now();
            let (copy, path) = (organization.0.read(persist::copy), path.clone());
            let saved = tokio::task::spawn_blocking(move || persist::save(&copy, &path)).await;
            match saved {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    organization.0.dirty.store(true, Ordering::Release);
                    tracing::warn!(%error, "the state file of the sandbox cannot be written");
                }
                Err(_) => organization.0.dirty.store(true, Ordering::Release),
            }
            pause = SAVE_EVERY.max(started.elapsed() * 10);
        }
        if last {
            return;
        }
    }
}
