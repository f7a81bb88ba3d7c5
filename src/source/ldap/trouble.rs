//! What can go wrong with a directory server, in words with a remedy.

use std::fmt;
use std::time::Duration;

use ldap3::{LdapError, LdapResult};

use crate::source::{SourceError, SourceErrorKind};

/// Trouble that is not yet tied to the name of a source.
#[derive(Debug)]
pub(super) struct Trouble {
    pub kind: SourceErrorKind,
    pub what: String,
    pub remedy: String,
}

impl Trouble {
    pub(super) fn new(kind: SourceErrorKind, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn into_error(self, source_name: &str) -> SourceError {
        let Self { kind, what, remedy } = self;
        SourceError { source_name: source_name.to_owned(), kind, what, remedy }
    }
}

/// Why an operation on an open connection did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server answered with a result code that is not success.
    Code(Box<LdapResult>),
    /// No answer in time.
    Timeout(Duration),
    /// The connection is gone, in words.
    Lost(String),
    /// The server's answer makes no sense.
    Nonsense(String),
}

impl Failure {
    /// An error of the client library that no result code explains.
    pub(super) fn from_library(error: LdapError, limit: Duration) -> Self {
        match error {
            LdapError::Timeout { .. } => Self::Timeout(limit),
            LdapError::LdapResult { result } => Self::Code(Box::new(result)),
            LdapError::Io { source } => Self::Lost(format!("the connection broke: {source}")),
            LdapError::EndOfStream
            | LdapError::OpSend { .. }
            | LdapError::ResultRecv { .. }
            | LdapError::IdScrubSend { .. }
            | LdapError::MiscSend { .. } => Self::Lost("the server closed the connection".into()),
            other => Self::Nonsense(other.to_string()),
        }
    }

    /// Whether further operations on the same connection are pointless.
    pub(super) fn ends_the_connection(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Timeout(_) | Self::Nonsense(_) => true,
            // busy, unavailable
            Self::Code(result) => matches!(result.rc, 51 | 52),
        }
    }

    /// As the trouble that a whole source has when this was all that came of it. `object` is
    /// what the operation was about.
    pub(super) fn into_trouble(self, object: &str) -> Trouble {
        use SourceErrorKind::*;
        let (kind, remedy) = match &self {
            Self::Timeout(_) => (
                Unreachable,
                "check the load of the server and the network between; raise operation_timeout if it is \
                 only slow",
            ),
            Self::Lost(_) => (Unreachable, "look into the server's log; the next pass tries again"),
            Self::Nonsense(_) => (Broken, "check that the URL leads to an LDAP server"),
            Self::Code(result) => match result.rc {
                32 => (
                    Misconfigured,
                    "correct the base, or give the bind account the right to see it: servers hide what an \
                     account may not read",
                ),
                34 => (
                    Misconfigured,
                    "write the base as a distinguished name, such as ou=people,dc=example,dc=com",
                ),
                10 => (Misconfigured, "use the server named in the referral as the URL of this source"),
                18 | 21 | 87 => (Misconfigured, "correct the filter"),
                1 | 8 | 13 | 48 | 50 | 53 => {
                    (Refused, "give the source a bind account that may read the directory, over TLS")
                }
                3 | 4 | 11 => (
                    Refused,
                    "raise the limits that the server sets for the bind account (OpenLDAP: `limits`, 389-ds: \
                     nsSizeLimit and nsTimeLimit, Active Directory: the LDAP policies)",
                ),
                51 | 52 => (Unreachable, "the server asks to come back later; the next pass does"),
                _ => (Broken, "look the code up in the server's log"),
            },
        };
        Trouble::new(kind, format!("{object}: {self}"), remedy)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(result) => f.write_str(&code_words(result)),
            Self::Timeout(limit) => write!(f, "no answer from the server for {} s", limit.as_secs_f32()),
            Self::Lost(how) | Self::Nonsense(how) => f.write_str(how),
        }
    }
}

/// A result in words: name, number, and what the server says about it.
pub(super) fn code_words(result: &LdapResult) -> String {
    let mut words = format!("{} ({})", code_name(result.rc), result.rc);
    // AD ends its texts with NUL.
    let text = result.text.trim_end_matches(['\0', '\n', ' ']);
    if !text.is_empty() {
        words.push_str(&format!(", the server says \"{text}\""));
    }
    if let Some(referral) = result.refs.first() {
        words.push_str(&format!(", it refers to {referral}"));
    }
    words
}

/// The name of a result code (RFC 4511, 4.1.9 and appendix A).
pub(super) const fn code_name(rc: u32) -> &'static str {
    match rc {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        16 => "noSuchAttribute",
        18 => "inappropriateMatching",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        36 => "aliasDereferencingProblem",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        80 => "other",
        _ => "result code",
    }
}
