//! What is wrong with the configuration, said as a good compiler says it.

use std::fmt;

use super::Location;

/// One mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The path of the key, for example `source[0].urls[1]`; empty for the file as a whole.
    pub key: String,
    /// Where it is.
    pub location: Location,
    /// The source line, with anything that looks like a secret replaced; empty when there is
    /// none to show.
    pub line: String,
    /// How many characters of the line are wrong, from the column of the location on.
    pub width: usize,
    /// What is wrong: what was found, what was expected.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let number = match self.location.line {
            0 => String::new(),
            line => line.to_string(),
        };
        let gutter = " ".repeat(number.len());
        write!(f, "{gutter}--> {}", self.location)?;
        if !self.line.is_empty() {
            // A tab takes a tab, so that the caret stands where the eye expects it.
            let indent: String = self
                .line
                .chars()
                .take(self.location.column.saturating_sub(1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            writeln!(f, "\n{gutter} |")?;
            writeln!(f, "{number} | {}", self.line)?;
            write!(f, "{gutter} | {indent}{}", "^".repeat(self.width.max(1)))?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n{gutter} = {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// All mistakes that were found, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// Puts them into the order of the file.
    pub fn new(mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by_key(|error| (error.location.line, error.location.column));
        Self(errors)
    }

    /// The mistakes. Never empty when it came as an error.
    pub fn errors(&self) -> &[ConfigError] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
