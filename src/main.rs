//! dirsyncd: parse, load, dispatch, exit code.

use std::process::ExitCode;

/// Reading a directory is mostly taking and giving back small pieces of memory, on one thread
/// and on another: this allocator is made for that. Without huge pages (`no_thp`), of which the
/// smallest piece in use would hold 2 MB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The first thread of a program has 8 MB of stack on Linux and 1 MB on Windows: with a thread of its own the
/// program has the same everywhere.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    let run = || dirsyncd::cli::main(std::env::args_os());
    match std::thread::Builder::new().name("main".into()).stack_size(STACK).spawn(run) {
        // What a panic says was printed by it.
        Ok(thread) => thread.join().map_or(ExitCode::from(101), ExitCode::from),
        Err(error) => {
            eprintln!("error: no thread can be started: {error}");
            ExitCode::FAILURE
        }
    }
}
