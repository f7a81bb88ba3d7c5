//! What is made from the command line and the configuration themselves: completions, manual
//! pages, the schema.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::config::schema;

use super::args::Cli;
use super::console::Console;
use super::exit::{Exit, Failure};

/// Prints a completion script.
///
/// # Errors
///
/// When it cannot be written.
pub fn completions(console: Console, shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dirsyncd", &mut script);
    console.print(|out| out.write_all(&script))?;
    Ok(Exit::Done)
}

/// Prints the manual page, or writes those of all commands.
///
/// # Errors
///
/// When they cannot be written.
pub fn man(console: Console, dir: Option<&Path>) -> Result<Exit, Failure> {
    match dir {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|error| cannot(Path::new("the page"), &error))?;
            console.print(|out| out.write_all(&page))?;
        }
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
                .map_err(|error| cannot(dir, &error))?;
        }
    }
    Ok(Exit::Done)
}

/// Prints the schema of the configuration.
///
/// # Errors
///
/// When it cannot be written.
pub fn config_schema(console: Console) -> Result<Exit, Failure> {
    console.document(&schema::schema())?;
    Ok(Exit::Done)
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Fault,
        format!("{} cannot be written: {error}", path.display()),
        "name a directory that can be written with --dir",
    )
}
