//! How a command fails: a stable code for programs, a sentence for people, an exit status for shells.

/// The command was called in a way that cannot work.
pub(crate) const USAGE: u8 = 2;
/// The command was called well and failed.
pub(crate) const FAILED: u8 = 1;
/// The person pressed Ctrl-C (128 + SIGINT, as shells report it).
pub(crate) const INTERRUPTED: u8 = 130;

/// An error of one operation. The message says what was wrong, with which value, and what to do.
pub(crate) trait Coded: std::error::Error {
    /// The stable `snake_case` code that `--json` shows.
    fn code(&self) -> &'static str;

    /// The exit status.
    fn exit(&self) -> u8 {
        FAILED
    }
}

/// What `main` reports. Every operation's error turns into one.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) exit: u8,
}

/// The code is the one that `strum` derives of the variant, or the one given here; the exit status `FAILED`, unless it says
/// which are errors of use.
macro_rules! coded {
    ($name:ident) => { coded!(@ $name, _error, _error.into(), $crate::error::FAILED); };
    ($name:ident: usage) => { coded!(@ $name, _error, _error.into(), $crate::error::USAGE); };
    ($name:ident: usage if $misuse:pat) => {
        coded!(@ $name, error, error.into(), match error {
            $misuse => $crate::error::USAGE,
            _ => $crate::error::FAILED,
        });
    };
    ($name:ident: usage unless $failure:pat) => {
        coded!(@ $name, error, error.into(), match error {
            $failure => $crate::error::FAILED,
            _ => $crate::error::USAGE,
        });
    };
    ($name:ident = $code:literal: usage) => { coded!(@ $name, _error, $code, $crate::error::USAGE); };
    ($name:ident = $code:literal) => {
        coded!(@ $name, _error, $code, $crate::error::FAILED);
        impl From<&$name> for &'static str {
            fn from(_: &$name) -> Self {
                $code
            }
        }
    };
    (@ $name:ident, $error:ident, $code:expr, $exit:expr) => {
        impl $crate::error::Coded for $name {
            fn code(&self) -> &'static str {
                let $error = self;
                $code
            }

            fn exit(&self) -> u8 {
                let $error = self;
                $exit
            }
        }
    };
}
pub(crate) use coded;

impl Error {
    /// The command was called well and failed.
    pub(crate) fn failed(code: &'static str, message: impl ToString) -> Self {
        Self { code, message: message.to_string(), exit: FAILED }
    }

    /// The command was called in a way that cannot work.
    pub(crate) fn usage(code: &'static str, message: impl ToString) -> Self {
        Self { exit: USAGE, ..Self::failed(code, message) }
    }
}

impl<E: Coded> From<E> for Error {
    fn from(error: E) -> Self {
        Self { code: error.code(), message: error.to_string(), exit: error.exit() }
    }
}

/// The error and its causes in one line, for messages of other libraries that hide the reason in `source()`.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// The error at the bottom alone, cut to what a terminal shows well: some libraries wrap a short reason in
/// paragraphs of their own.
pub(crate) fn root(error: &dyn std::error::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    let text: String = last.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= 300 { text } else { text.chars().take(300).chain(" ...".chars()).collect() }
}
