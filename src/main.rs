//! dirsyncd: parse, load, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(dirsyncd::cli::main(std::env::args_os()))
}
