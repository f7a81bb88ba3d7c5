//! dirsyncd: parse, load, dispatch, exit code.

fn main() {}
