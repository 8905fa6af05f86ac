//! Running the binary: an empty environment, a folder of its own, the captured answer.

// Every test program uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use waxseal::token::Keyring;

/// A keyring for tests alone.
pub(crate) const KEYS: &str = r#"{"active":2,"keys":[{"id":2,"secret":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="},{"id":1,"secret":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","not_after":4000000000}]}"#;

pub(crate) fn keyring() -> Keyring {
    Keyring::from_json(KEYS).unwrap()
}

/// Bytes that repeat nowhere near a record or part.
pub(crate) fn report(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A folder and how to run the binary in it.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What came out.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {} / {}", self.out, self.err))
    }

    /// The code of the JSON error.
    pub(crate) fn error_code(&self) -> String {
        let value: serde_json::Value =
            serde_json::from_str(self.err.lines().last().unwrap_or_default()).unwrap_or_default();
        value["error"]["code"].as_str().unwrap_or_else(|| panic!("no error code in {}", self.err)).to_owned()
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(!self.err.trim().is_empty(), "a failure must say why");
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        note_secrets(&String::from_utf8_lossy(&output.stdout));
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        note_secrets(KEYS);
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }.with("WAXSEAL_KEYS", KEYS)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The names in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TMPDIR", self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        use std::io::Write;
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output.into()
    }
}

/// Notes the keys, tokens and fragments in `text` for the search of all logs that ends `scripts/test`. Does nothing elsewhere.
fn note_secrets(text: &str) {
    use std::io::Write;
    let Some(folder) = std::env::var_os("WAXSEAL_TEST_LOGS") else { return };
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || "+/=_".contains(c);
    // A word's length tells: 66 a token, 26 a fragment, 44 a site secret, 59 a bearer key. A path or a number has others.
    let secret = |word: &&str| {
        word.len() == 66
            || word.len() == 44 && word.ends_with('=')
            || word.len() == 59 && word.starts_with("wsk_")
            || word.len() == 26 && text.contains(&format!("#{word}"))
    };
    let lines: String = text
        .split(|c| !part_of_word(c))
        .flat_map(|word| word.split('/').chain([word]))
        .filter(secret)
        .map(|word| format!("{word}\n"))
        .collect();
    if !lines.is_empty() {
        let path = Path::new(&folder).join("secrets.txt");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.unwrap().write_all(lines.as_bytes()).unwrap();
    }
}

pub(crate) fn binary() -> &'static Path {
    // `WAXSEAL_BIN` lets the memory test measure an optimised binary.
    static BINARY: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BINARY.get_or_init(|| {
        std::env::var_os("WAXSEAL_BIN").map_or_else(|| env!("CARGO_BIN_EXE_waxseal").into(), PathBuf::from)
    })
}
