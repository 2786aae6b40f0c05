//! A service's process: started, heard, killed.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much of its log is shown when something went wrong.
const SHOWN: usize = 6_000;

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    said: Arc<Said>,
}

/// What it wrote to standard output so far.
#[derive(Debug, Default)]
struct Said {
    text: Mutex<(String, bool)>,
    more: Condvar,
}

impl Process {
    /// Starts `command`. What it writes to standard error is appended to `<name>.log` in `folder`.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log file");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        let said = Arc::new(Said::default());
        let mut output = child.stdout.take().expect("standard output is piped");
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = output.read(&mut buffer).unwrap_or(0);
                let mut text = heard.text.lock().unwrap_or_else(PoisonError::into_inner);
                text.0.push_str(&String::from_utf8_lossy(&buffer[..read]));
                text.1 = read == 0;
                heard.more.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self {
            name: name.to_owned(),
            child,
            log,
            said,
        }
    }

    /// Waits until `find` finds something in what was written to standard output. Blocks.
    ///
    /// # Panics
    /// Where it does not within `patience`, or the process ends before; with its log.
    pub fn hear<T>(&mut self, patience: Duration, find: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + patience;
        let mut text = self
            .said
            .text
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = find(&text.0) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !text.1 && !left.is_zero(),
                "{} says nothing more:\n{}",
                self.name,
                self.log()
            );
            text = self
                .said
                .more
                .wait_timeout(text, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// All it wrote to standard output, once it has ended. Blocks.
    ///
    /// # Panics
    /// Where its output does not end within `patience`.
    #[must_use]
    pub fn whole_output(&self, patience: Duration) -> String {
        let said = self
            .said
            .text
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (said, waited) = self
            .said
            .more
            .wait_timeout_while(said, patience, |said| !said.1)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !waited.timed_out(),
            "the output of {} does not end",
            self.name
        );
        said.0.clone()
    }

    /// What it wrote to standard error so far, the end of it where it is long.
    #[must_use]
    pub fn log(&self) -> String {
        let text = self.whole_log();
        let mut from = text.len().saturating_sub(SHOWN);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text[from..].to_owned()
    }

    /// All it wrote to standard error so far.
    #[must_use]
    pub fn whole_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as the power failing would: SIGKILL, now.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, SIGTERM, and waits for it. Blocks.
    ///
    /// # Panics
    /// Where it does not end within `patience`.
    pub fn stop(&mut self, patience: Duration) -> ExitStatus {
        let id = self.child.id().to_string();
        // Fails where it ended already, which the wait below sees.
        let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
        let end = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status,
                Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
                _ => panic!("{} does not end:\n{}", self.name, self.log()),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.name, self.log());
        }
    }
}
