//! What lies between the network and the client library: the connection itself, TLS apart.
//!
//! The library descends into nested answers without end, which overflows the stack and takes
//! the whole process down, and waits for as many bytes as an answer says it has. Therefore it
//! never holds the connection: it gets one end of a local pair of sockets, and a task carries
//! the bytes over and looks at every answer before the library does.

mod ber;
mod dial;
mod exchange;
mod relay;
mod screen;
mod system;

pub(super) use ber::element;
pub(super) use dial::dial;
pub(super) use exchange::{Wire, ask};
pub(super) use relay::{Carried, Ending, How};
