//! From the settings to a connection that is encrypted, trusted and logged in.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::source::SourceErrorKind::{Broken, Misconfigured, Refused, Unreachable};

use super::bind;
use super::detect::Directory;
use super::discover::discover;
use super::servers::{Candidate, Servers};
use super::settings::{Auth, Settings};
use super::target::Target;
use super::tls::{Agreed, Tls};
use super::trouble::{Failure, Trouble, code_words};
use super::wire::{Carried, Ending, How, Wire, ask, dial, element};

/// How long the end of a connection is waited for, once it was seen from our side.
const END: Duration = Duration::from_millis(200);

/// An open connection.
pub(super) struct Session {
    /// Sends operations.
    pub ldap: Ldap,
    /// The URL as configured or found, for messages.
    pub server: String,
    /// How the connection is encrypted; `None` when it is not.
    pub tls: Option<Agreed>,
    /// What is known of the directory, with the identity that a census carries. It is
    /// forgotten with the connection: the next may lead to another server.
    pub known: Option<(Directory, String)>,
    /// When it was opened.
    pub opened: Instant,
    /// Whether no server is preferred to this one.
    pub preferred: bool,
    /// Whether nothing went wrong on it that may go on.
    pub sound: bool,
    servers: Arc<Servers>,
    /// The task that speaks LDAP. It ends by itself when the connection does. Taken once it has
    /// ended.
    driver: Option<AbortOnDropHandle<Result<(), LdapError>>>,
    /// The task that carries the bytes, and how it ended.
    relay: AbortOnDropHandle<()>,
    ending: Ending,
}

impl Session {
    /// Says good-bye, without waiting long for anything.
    pub(super) async fn close(mut self) {
        let _ = timeout(Duration::from_secs(1), async {
            if self.ldap.unbind().await.is_ok() {
                let _ = (&mut self.relay).await;
            }
        })
        .await;
    }

    /// Sharpens the words about a lost connection with what ended it, and remembers what a
    /// failure means for this connection and this server.
    pub(super) async fn explain(&mut self, failure: Failure) -> Failure {
        let failure = self.explained(failure).await;
        if failure.ends_the_connection() {
            self.sound = false;
            // A closed connection says little about the server: many close idle ones.
            if !matches!(failure, Failure::Lost(_)) {
                self.servers.failed(&self.server, Instant::now());
            }
        }
        failure
    }

    async fn explained(&mut self, failure: Failure) -> Failure {
        let Failure::Lost(words) = failure else { return failure };
        match self.ending.get() {
            Some(How::Breach(breach)) => return Failure::Nonsense(breach.to_string()),
            Some(How::Broken(error)) => return Failure::Lost(format!("the connection broke: {error}")),
            Some(How::Closed) | None => {}
        }
        let Some(mut driver) = self.driver.take() else { return Failure::Lost(words) };
        // The driver ends together with the connection; it may not have been scheduled yet.
        match timeout(END, &mut driver).await {
            Ok(Ok(Err(error))) => Failure::Lost(format!("the connection broke: {error}")),
            Ok(Err(panic)) if panic.is_panic() => {
                Failure::Nonsense("the server sent something that is not LDAP".into())
            }
            _ => Failure::Lost(words),
        }
    }
}

/// Opens a connection to the first server that takes us.
pub(super) async fn open(settings: &Settings, servers: &Arc<Servers>) -> Result<Session, Trouble> {
    let listed = match &settings.domain {
        Some(domain) if settings.urls.is_empty() => discover(settings, domain).await,
        _ => {
            let listed = settings.urls.iter().enumerate();
            listed.map(|(rank, url)| Candidate { url: url.clone(), rank }).collect()
        }
    };
    let best = listed.iter().map(|candidate| candidate.rank).min();
    let mut missed: Vec<Trouble> = Vec::new();
    for Candidate { url, rank } in servers.order(listed, Instant::now()) {
        match open_one(settings, &url, servers).await {
            Ok(mut session) => {
                servers.reached(&url);
                session.preferred = Some(rank) == best;
                return Ok(session);
            }
            // Who refuses us, or what we wrote wrong, does not change with the next server.
            Err(trouble) if !matches!(trouble.kind, Unreachable | Broken) => return Err(trouble),
            Err(trouble) => {
                servers.failed(&url, Instant::now());
                tracing::warn!(source = %settings.name, "directory server not reached, trying the next");
                missed.push(trouble);
            }
        }
    }
    if missed.len() == 1
        && let Some(only) = missed.pop()
    {
        return Err(only);
    }
    let Some(first) = missed.first() else {
        return Err(Trouble::new(
            Misconfigured,
            "no server is configured",
            "name at least one URL, such as ldaps://dc1.example.com",
        ));
    };
    let what: Vec<&str> = missed.iter().map(|trouble| trouble.what.as_str()).collect();
    Err(Trouble::new(Unreachable, what.join("; "), first.remedy.clone()))
}

async fn open_one(settings: &Settings, server: &str, servers: &Arc<Servers>) -> Result<Session, Trouble> {
    let target = Target::parse(settings, server)?;
    bind::check(settings, &target)?;
    let (mut wire, tls) = secure(settings, &target).await?;
    if settings.auth() == Auth::Gssapi {
        let certificate = tls.as_ref().and_then(|agreed| agreed.certificate.as_deref());
        bind::by_ticket(&mut *wire, settings, &target, certificate).await?;
    }
    let no_socket = |error: &dyn std::fmt::Display| {
        Trouble::new(
            Unreachable,
            format!("no connection to {server}, because this machine has no socket left: {error}"),
            "raise the limit of open files for this service",
        )
    };
    let Carried { stream, url, ending, task } = Carried::start(wire).map_err(|error| no_socket(&error))?;
    let library = LdapConnSettings::new().set_std_stream(stream);
    let (connection, mut ldap) =
        LdapConnAsync::with_settings(library, url).await.map_err(|error| no_socket(&error))?;
    let driver = AbortOnDropHandle::new(tokio::spawn(connection.drive()));
    let bound = bind::bind(&mut ldap, settings).await;
    let mut session = Session {
        ldap,
        server: server.to_owned(),
        tls,
        known: None,
        opened: Instant::now(),
        preferred: true,
        sound: true,
        servers: servers.clone(),
        driver: Some(driver),
        relay: task,
        ending,
    };
    match bound {
        Ok(Ok(())) => Ok(session),
        Ok(Err(refused)) => Err(refused),
        Err(failure) => {
            let failure = session.explain(failure).await;
            let mut trouble = failure.into_trouble(&format!("binding to {server}"));
            if trouble.kind != Broken {
                trouble.kind = Unreachable;
            }
            Err(trouble)
        }
    }
}

/// Connects, and encrypts as the settings want it.
async fn secure(
    settings: &Settings,
    target: &Target,
) -> Result<(Box<dyn Wire + 'static>, Option<Agreed>), Trouble> {
    let tls = if target.encrypted() { Some(Tls::new(settings)?) } else { None };
    let mut stream = dial(settings, target).await?;
    let Some(tls) = tls else { return Ok((Box::new(stream), None)) };
    let limit = settings.connect_timeout;
    let shaken = timeout(limit, async {
        if target.start_tls {
            start_tls(&mut stream, &target.server).await?;
        }
        tls.connect(target, stream).await
    });
    let stream = shaken.await.map_err(|_| {
        Trouble::new(
            Unreachable,
            format!(
                "{} took the connection and then did not answer within {} s",
                target.server,
                limit.as_secs_f32()
            ),
            "check the load of the server, and that the port is the one for this kind of URL",
        )
    })??;
    let agreed = Agreed::of(stream.get_ref().1);
    Ok((Box::new(stream), Some(agreed)))
}

/// The operation StartTLS (RFC 4511, 4.14).
async fn start_tls(stream: &mut dyn Wire, server: &str) -> Result<(), Trouble> {
    let operation = element(0x77, &element(0x80, b"1.3.6.1.4.1.1466.20037"));
    match ask(stream, 1, &operation).await {
        Ok((result, _)) if result.rc == 0 => Ok(()),
        Ok((result, _)) => Err(Trouble::new(
            Refused,
            format!("{server} does not do StartTLS: {}", code_words(&result)),
            "give the server a certificate for LDAP, or use an ldaps:// URL",
        )),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Trouble::new(
            Broken,
            format!("asking {server} for StartTLS: {error}"),
            "check that the URL leads to an LDAP server",
        )),
        Err(error) => Err(Trouble::new(
            Unreachable,
            format!("{server} broke the connection off when it was asked for StartTLS: {error}"),
            "check the port, and look into the server's log",
        )),
    }
}
