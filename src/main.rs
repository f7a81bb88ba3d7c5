//! dirsyncd: parse, load, dispatch, exit code.

use std::process::ExitCode;

/// Reading a directory is mostly taking and giving back small pieces of memory, on one thread
/// and on another: this allocator is made for that. Without huge pages (`no_thp`), of which the
/// smallest piece in use would hold 2 MB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(dirsyncd::cli::main(std::env::args_os()))
}
