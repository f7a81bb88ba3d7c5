//! The configuration: one TOML file that an administrator can keep in git.
//!
//! 1. [`raw`]: the file as it is written. The JSON Schema is made of these types.
//! 2. [`Document`]: where in the file each key is, so that every error can point at it.
//! 3. [`shape`]: keys and types, held against the schema, as many errors at once as there are.
//! 4. [`Config`]: the same, checked and in the types of those who use it.
//! 5. [`secrets`]: what is not in the file.

mod checked;
mod document;
mod error;
pub mod raw;
pub mod schema;
pub mod secrets;
mod sections;
pub mod shape;

pub use checked::{Config, Overrides, SourceConfig};
pub use document::{Document, Location};
pub use error::{ConfigError, ConfigErrors};
