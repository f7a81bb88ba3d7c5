//! Secrets, from where they are kept: a file, an environment variable, or a systemd
//! credential. They are never in the configuration file, and never in an error.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::model::Redacted;
use crate::service::{self, Privacy};

/// Where one secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// A file with nothing but the secret in it. One line end at its end is not part of it.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A credential that systemd hands to the service (`LoadCredential=`).
    Credential(String),
}

/// Why a secret could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretError {
    /// What happened.
    pub message: String,
    /// What to do next.
    pub remedy: String,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SecretError {}

impl Keeper {
    /// Fetches the secret.
    ///
    /// # Errors
    ///
    /// When it is not there, empty, not text, or readable by others.
    pub fn fetch(&self) -> Result<Redacted<String>, SecretError> {
        self.fetch_with(&|name| std::env::var_os(name))
    }

    fn fetch_with(
        &self,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Redacted<String>, SecretError> {
        let fail = |message: String, remedy: String| SecretError { message, remedy };
        let secret = match self {
            Self::File(path) => {
                if let Ok(Privacy::Exposed(how)) = service::privacy(path) {
                    let path = path.display();
                    return Err(fail(
                        format!("the secret file {path} can be read or changed by others ({how})"),
                        format!(
                            "run: chmod 600 {path} (or 640, when it belongs to root and the service's group), and consider the secret known to others"
                        ),
                    ));
                }
                read_secret(path)?
            }
            Self::Environment(name) => match environment(name).map(OsString::into_string) {
                Some(Ok(value)) => Zeroizing::new(value),
                Some(Err(_)) => {
                    return Err(fail(
                        format!("the environment variable {name} is not text in UTF-8"),
                        "store the secret in UTF-8".to_owned(),
                    ));
                }
                None => {
                    return Err(fail(
                        format!("the environment variable {name} is not set"),
                        "set it for the service, for example with EnvironmentFile= in its systemd unit, or keep the secret in a file".to_owned(),
                    ));
                }
            },
            Self::Credential(name) => {
                if name.is_empty() || name.contains(['/', '\\']) || name == ".." {
                    return Err(fail(
                        format!("\"{name}\" is not the name of a credential"),
                        "name it as in LoadCredential=NAME:PATH".to_owned(),
                    ));
                }
                let Some(directory) = environment("CREDENTIALS_DIRECTORY") else {
                    return Err(fail(
                        format!("systemd hands no credentials to this process, so there is no \"{name}\""),
                        format!(
                            "add LoadCredential={name}:PATH to the systemd unit; outside of the service, keep the secret in a file"
                        ),
                    ));
                };
                read_secret(&Path::new(&directory).join(name))?
            }
        };
        let secret =
            secret.strip_suffix('\n').map_or(secret.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        if secret.is_empty() {
            return Err(fail(
                format!("the secret from {self} is empty"),
                "store the secret there".to_owned(),
            ));
        }
        if secret.contains(['\n', '\r', '\0']) {
            return Err(fail(
                format!("the secret from {self} has more than one line"),
                "store nothing but the secret there".to_owned(),
            ));
        }
        Ok(Redacted(secret.to_owned()))
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::Credential(name) => write!(f, "the systemd credential {name}"),
        }
    }
}

/// No secret is longer; a path that leads to something huge is a mistake.
const MAX_BYTES: u64 = 64 * 1024;

fn read_secret(path: &Path) -> Result<Zeroizing<String>, SecretError> {
    let fail = |message: String, remedy: String| SecretError { message, remedy };
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "create it with nothing but the secret in it, and chmod 600".to_owned()
            }
            std::io::ErrorKind::PermissionDenied => {
                "let the account that runs dirsyncd own it, or run this as that account".to_owned()
            }
            _ => "check the path".to_owned(),
        };
        fail(format!("the secret file {shown} cannot be read: {error}"), remedy)
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(fail(format!("{shown} is not a file with a secret in it"), "check the path".to_owned()));
    }
    let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(fail(
            format!("the secret file {shown} is not text in UTF-8"),
            "save it as UTF-8 without further bytes".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private_file(dir: &tempfile::TempDir, name: &str, content: &[u8]) -> Keeper {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        service::restrict_permissions(&path).unwrap();
        Keeper::File(path)
    }

    #[test]
    fn one_line_end_is_not_part_of_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        for (content, secret) in [
            ("hunter2", "hunter2"),
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n", "hunter2"),
            (" pass phrase ", " pass phrase "),
        ] {
            assert_eq!(private_file(&dir, "s", content.as_bytes()).fetch().unwrap().0, secret);
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let dir = tempfile::tempdir().unwrap();
        for (content, part) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"hunter2\nmore", "more than one line"),
            (b"hunter2\n\n", "more than one line"),
            (b"hunter2\xff", "not text"),
        ] {
            let error = private_file(&dir, "s", content).fetch().unwrap_err();
            assert!(error.message.contains(part), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        let error = Keeper::File(dir.path().join("none")).fetch().unwrap_err();
        assert!(error.remedy.contains("create it"), "{error:?}");
        let error = Keeper::File(dir.path().to_owned()).fetch().unwrap_err();
        assert!(!error.message.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let keeper = private_file(&dir, "s", b"hunter2");
        let path = dir.path().join("s");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let error = keeper.fetch().unwrap_err();
        assert!(error.message.contains("mode 0644") && error.remedy.contains("chmod 600"), "{error:?}");
    }

    #[test]
    fn environment_and_credentials_are_asked_by_name() {
        let dir = tempfile::tempdir().unwrap();
        private_file(&dir, "ldap", b"hunter2\n");
        let environment = |name: &str| match name {
            "LDAP_PASSWORD" => Some(OsString::from("hunter3")),
            "CREDENTIALS_DIRECTORY" => Some(dir.path().as_os_str().to_owned()),
            _ => None,
        };
        let fetch = |keeper: Keeper| keeper.fetch_with(&environment);
        assert_eq!(fetch(Keeper::Environment("LDAP_PASSWORD".into())).unwrap().0, "hunter3");
        assert!(fetch(Keeper::Environment("OTHER".into())).unwrap_err().message.contains("not set"));
        assert_eq!(fetch(Keeper::Credential("ldap".into())).unwrap().0, "hunter2");
        assert!(fetch(Keeper::Credential("../ldap".into())).unwrap_err().message.contains("not the name"));
        assert!(fetch(Keeper::Credential("other".into())).unwrap_err().message.contains("cannot be read"));
        let outside = Keeper::Credential("ldap".into()).fetch_with(&|_| None).unwrap_err();
        assert!(outside.remedy.contains("LoadCredential=ldap:"), "{outside:?}");
    }
}
