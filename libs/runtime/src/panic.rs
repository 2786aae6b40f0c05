//! What is told of a panic: where it happened, and never with what.
//!
//! Rust prints the message of every panic. A message that is put together at run time may quote what
//! was worked on: a text that is cut between two characters is quoted in full. So this hook tells the
//! thread, the place in the source and, where `RUST_BACKTRACE` asks for it, the functions on the way
//! there. Of messages it tells only those that stand in the source as they are.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::{Location, PanicHookInfo};
use std::sync::Once;

use tracing::Level;

/// In the place of a message that may quote something.
const WITHHELD: &str = "message withheld: it may hold content of a case";

/// Makes panics of this process tell nothing that they were working on. They are logged as errors;
/// on a thread without a log they are one line on standard error. Calling it again changes nothing.
pub fn redact_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(tell)));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let current = std::thread::current();
    let thread = current.name().unwrap_or("without a name");
    let place = panic
        .location()
        .map_or_else(|| "a place unknown".to_owned(), Location::to_string);
    let message = message(panic.payload());
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    if tracing::event_enabled!(Level::ERROR) {
        tracing::error!(
            panic.thread = thread,
            panic.place = place,
            panic.message = message,
            panic.backtrace = backtrace,
            "thread {thread} panicked at {place}"
        );
        return;
    }
    // In one piece, so that two threads do not write into each other's line. Where standard error is
    // gone, there is nobody left to tell, and a panic of the hook would end the process.
    let mut text = format!("thread {thread} panicked at {place}: {message}\n");
    text.extend(backtrace);
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A payload of this type is a message without parameters: it was written by us, or by the authors of
/// a library, before there was any content.
fn message(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref().copied().unwrap_or(WITHHELD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_the_source_are_told() {
        let caught = |panics: fn()| std::panic::catch_unwind(panics).unwrap_err();
        assert_eq!(message(&*caught(|| panic!("as written"))), "as written");
        assert_eq!(
            message(&*caught(|| panic!(
                "no person {}",
                std::hint::black_box("Jane Doe")
            ))),
            WITHHELD
        );
        assert_eq!(
            message(&*caught(|| std::panic::panic_any(String::from("Jane Doe")))),
            WITHHELD
        );
        assert_eq!(message(&*caught(|| std::panic::panic_any(7))), WITHHELD);
    }
}
