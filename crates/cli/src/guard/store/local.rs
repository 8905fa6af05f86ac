//! wrangler's local store, through wrangler itself: the files are its own business, and may be in use by a running
//! `wrangler dev`.
//!
//! Reading goes through `kv bulk get`, which tells a key that is not there from an empty value and changes nothing in a
//! text; `kv key get` does neither.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf, absolute};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Listed;
use crate::error::{Coded, FAILED, USAGE};
use crate::http::Retry;
use crate::output::{hex, line};
use crate::secret_file;

const PROGRAM: &str = "WAXSEAL_WRANGLER";

/// wrangler answers in two seconds; the first run of the project's own one may install it.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked whether wrangler has ended.
const STEP: Duration = Duration::from_millis(20);

/// wrangler else asks, reports, looks for newer versions, colours, and keeps logs.
const QUIET: [(&str, &str); 9] = [
    ("CI", "1"),
    ("NO_COLOR", "1"),
    ("FORCE_COLOR", "0"),
    ("WRANGLER_SEND_METRICS", "false"),
    ("WRANGLER_HIDE_BANNER", "true"),
    ("WRANGLER_WRITE_LOGS", "false"),
    ("X_LOCAL_OBSERVABILITY", "false"),
    ("X_LOCAL_EXPLORER", "false"),
    ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
];

/// What wrangler says when a store is held by somebody else for a moment.
const MOMENTARY: [&str; 2] = [" failed: 5", "Network connection lost"];

/// Why wrangler's store could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    /// No wrangler.toml.
    #[error(
        "there is no {}: the local store is found through its binding GUARD; go to the site's folder, or give --config FILE",
        line(&.0.to_string_lossy())
    )]
    NoConfig(PathBuf),
    /// Nothing was ever stored there. wrangler would make an empty store without a word.
    #[error(
        "there is no local store in {}: start the edge once, or give its folder with --local=DIR (the demo's is .waxseal/demo/state)",
        line(&.0.to_string_lossy())
    )]
    NoFolder(PathBuf),
    /// A file of ours.
    #[error("a file for wrangler could not be made in {}: {error}", line(&.folder.to_string_lossy()))]
    Draft {
        /// For temporary files.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It does not run.
    #[error("{program} could not be started ({error}): name the program in the variable {PROGRAM}")]
    NotStarted {
        /// Which.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// It does not end.
    #[error("{program} did not end within {} minutes and was stopped", PATIENCE.as_secs() / 60)]
    Hung {
        /// Which.
        program: String,
    },
    /// It failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: String,
        /// By itself.
        said: String,
    },
    /// It said something else.
    #[error(
        "{program} answered in a way this version does not understand ({reason}): is it wrangler, and as new as the project's?"
    )]
    Unexpected {
        /// Which.
        program: String,
        /// What was odd.
        reason: String,
    },
}

impl Coded for LocalError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoConfig(_) => "store_config_missing",
            Self::NoFolder(_) => "store_folder_missing",
            Self::Draft { .. } => "store_draft",
            Self::NotStarted { .. } => "wrangler_not_started",
            Self::Hung { .. } => "wrangler_hung",
            Self::Failed { .. } => "wrangler_failed",
            Self::Unexpected { .. } => "wrangler_unexpected",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::NoConfig(_) | Self::NoFolder(_)) { USAGE } else { FAILED }
    }
}

/// Reads DIR of `--local`. A file there is what stands behind it: `push --local rules.toml`.
pub(super) fn folder(text: &str) -> Result<PathBuf, String> {
    if text == "-" || Path::new(text).is_file() {
        return Err("this is no folder: put FILE before --local, or write --local=DIR".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// The binding GUARD of one wrangler.toml, stored in one folder.
pub(crate) struct Local {
    program: OsString,
    /// What comes before wrangler's own arguments.
    lead: Vec<&'static str>,
    /// All of them absolute, since wrangler runs in the folder of its config.
    config: PathBuf,
    folder: Option<PathBuf>,
    home: PathBuf,
    retries: u32,
}

#[derive(Deserialize)]
struct Held {
    value: Option<String>,
}

impl Local {
    pub(super) fn open(folder: Option<&Path>, config: &Path, retries: u32) -> Result<Self, LocalError> {
        let missing = || LocalError::NoConfig(config.to_owned());
        let config = absolute(config).ok().filter(|config| config.is_file()).ok_or_else(missing)?;
        let home = config.parent().unwrap_or(Path::new("/")).to_owned();
        let shown = folder.map_or_else(|| Path::new(".wrangler/state").to_owned(), Path::to_owned);
        let place = match folder {
            Some(folder) => absolute(folder).unwrap_or_default(),
            None => home.join(&shown),
        };
        if !place.is_dir() {
            return Err(LocalError::NoFolder(shown));
        }
        let (program, lead) = program(&home);
        Ok(Self { program, lead, config, folder: folder.map(|_| place), home, retries })
    }

    pub(super) fn name(&self) -> String {
        let folder = self.folder.as_deref().unwrap_or(Path::new(".wrangler/state"));
        format!("the local store in {}", line(&folder.to_string_lossy()))
    }

    pub(super) async fn get(&self, keys: &[&str]) -> Result<Vec<Option<String>>, LocalError> {
        let list = serde_json::Value::from(keys.to_vec()).to_string();
        let mut held: HashMap<String, Held> =
            self.ask(&["kv", "bulk", "get"], Some(("keys.json", &list)), &[], '{').await?;
        Ok(keys.iter().map(|key| held.remove(*key).and_then(|held| held.value)).collect())
    }

    pub(super) async fn put(&self, key: &str, value: &str) -> Result<(), LocalError> {
        let command = ["kv", "key", "put", key, "--path"];
        self.run(&command, Some(("value", value)), &[]).await.map(drop)
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, LocalError> {
        self.ask(&["kv", "key", "list"], None, &["--prefix", prefix], '[').await
    }

    /// Runs wrangler and reads the JSON it prints, from its first line that begins with `opens`: a set-up that runs
    /// before wrangler may have something to say too.
    async fn ask<T: DeserializeOwned>(
        &self,
        command: &[&str],
        file: Option<(&str, &str)>,
        more: &[&str],
        opens: char,
    ) -> Result<T, LocalError> {
        let said = self.run(command, file, more).await?;
        let starts = |at: &usize| *at == 0 || said.as_bytes().get(at.wrapping_sub(1)) == Some(&b'\n');
        let from = said.match_indices(opens).map(|(at, _)| at).find(starts).unwrap_or(0);
        serde_json::from_str(said.get(from..).unwrap_or_default())
            .map_err(|error| LocalError::Unexpected { program: self.shown(), reason: error.to_string() })
    }

    /// Runs `wrangler COMMAND [FILE] MORE` and answers what it printed. A running edge may hold the store for a moment,
    /// which wrangler reports as a failure of the store with a status.
    async fn run(
        &self,
        command: &[&str],
        file: Option<(&str, &str)>,
        more: &[&str],
    ) -> Result<String, LocalError> {
        let mut retry = Retry::new(self.retries);
        loop {
            match self.run_once(command, file, more).await {
                Err(LocalError::Failed { said, .. })
                    if MOMENTARY.iter().any(|trouble| said.contains(trouble)) && retry.pause(None).await => {}
                other => return other,
            }
        }
    }

    async fn run_once(
        &self,
        command: &[&str],
        file: Option<(&str, &str)>,
        more: &[&str],
    ) -> Result<String, LocalError> {
        let drafts = Drafts::new()?;
        let mut run = Command::new(&self.program);
        run.args(&self.lead).args(command);
        if let Some((name, content)) = file {
            run.arg(drafts.write(name, content)?);
        }
        run.args(more).args(["--binding", "GUARD", "--local", "--config"]).arg(&self.config);
        if let Some(folder) = &self.folder {
            run.arg("--persist-to").arg(folder);
        }
        // Files and not pipes: wrangler never waits for us to read.
        let (out, err) = (drafts.create("out")?, drafts.create("err")?);
        run.current_dir(&self.home).envs(QUIET).stdin(Stdio::null()).stdout(out).stderr(err);
        let child = run.spawn().map_err(|error| LocalError::NotStarted { program: self.shown(), error })?;
        let ended = tokio::time::timeout(PATIENCE, Running(child).ended()).await;
        let status = match ended {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Err(LocalError::NotStarted { program: self.shown(), error }),
            Err(_) => return Err(LocalError::Hung { program: self.shown() }),
        };
        let said = drafts.read("out")?;
        if status.success() {
            return Ok(said);
        }
        let said = complaint(&drafts.read("err")?).or_else(|| complaint(&said));
        Err(LocalError::Failed { program: self.shown(), said: said.unwrap_or_else(|| status.to_string()) })
    }

    /// The program for a sentence.
    fn shown(&self) -> String {
        let words = [self.program.to_string_lossy().into_owned()].into_iter();
        let words: Vec<String> = words.chain(self.lead.iter().map(|word| (*word).to_owned())).collect();
        line(&words.join(" "))
    }
}

/// The program that is wrangler: as the variable says, the project's own, or the one of the folder's node_modules. None
/// is installed from elsewhere without being asked for.
fn program(home: &Path) -> (OsString, Vec<&'static str>) {
    if let Some(program) = std::env::var_os(PROGRAM).filter(|program| !program.is_empty()) {
        // A path is meant from here; a bare name is looked for where programs are.
        let is_path = Path::new(&program).components().count() > 1;
        let found = is_path.then(|| absolute(&program).ok()).flatten();
        return (found.map_or(program, PathBuf::into_os_string), Vec::new());
    }
    let own = home.join("scripts").join("wrangler");
    if cfg!(unix) && own.is_file() {
        return (own.into_os_string(), Vec::new());
    }
    let npx = if cfg!(windows) { "npx.cmd" } else { "npx" };
    (npx.into(), vec!["--no-install", "wrangler"])
}

/// The first line of wrangler's complaint that says something, without its colours.
fn complaint(said: &str) -> Option<String> {
    let plain: Vec<String> = said.lines().map(without_colours).collect();
    let error = plain.iter().find_map(|text| Some(text.split_once("[ERROR]")?.1.trim().to_owned()));
    let any = || plain.iter().map(|text| text.trim()).find(|text| !text.is_empty()).map(str::to_owned);
    error.or_else(any).map(|text| line(&text.chars().take(500).collect::<String>()))
}

/// Without escape sequences of the form `ESC [ ... letter`.
fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |at| at + 1);
        rest = after.get(end..).unwrap_or_default();
    }
    plain + rest
}

/// A child that does not outlive the wait for it.
struct Running(Child);

impl Running {
    async fn ended(mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// A folder of our own for what wrangler reads and writes: the rules name customers, so nobody else may look.
struct Drafts(PathBuf);

impl Drafts {
    fn new() -> Result<Self, LocalError> {
        let parent = std::env::temp_dir();
        let made = || {
            let mut random = [0u8; 8];
            getrandom::fill(&mut random).map_err(io::Error::other)?;
            let folder = parent.join(format!("waxseal-{}", hex(&random)));
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            {
                use std::os::unix::fs::DirBuilderExt;
                builder.mode(0o700);
            }
            builder.create(&folder)?;
            Ok(Self(folder))
        };
        made().map_err(|error| LocalError::Draft { folder: parent.clone(), error })
    }

    fn create(&self, name: &str) -> Result<File, LocalError> {
        secret_file::create(&self.0.join(name)).map_err(|error| self.failed(error))
    }

    fn write(&self, name: &str, content: &str) -> Result<PathBuf, LocalError> {
        self.create(name)?.write_all(content.as_bytes()).map_err(|error| self.failed(error))?;
        Ok(self.0.join(name))
    }

    fn read(&self, name: &str) -> Result<String, LocalError> {
        let bytes = fs::read(self.0.join(name)).map_err(|error| self.failed(error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn failed(&self, error: io::Error) -> LocalError {
        LocalError::Draft { folder: self.0.clone(), error }
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_told_without_colours() {
        let said = "\n\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1mKV PUT failed: 500 Internal\x1b[0m\n\n";
        assert_eq!(complaint(said).as_deref(), Some("KV PUT failed: 500 Internal"));
        assert_eq!(complaint("\n bash: no\x07 such\n").as_deref(), Some("bash: no\u{fffd} such"));
        assert_eq!(complaint("\n \n"), None);
    }

    #[test]
    fn a_file_is_no_folder() {
        assert!(folder("Cargo.toml").is_err());
        assert!(folder("-").is_err());
        assert_eq!(folder("nowhere"), Ok(PathBuf::from("nowhere")), "looked for later");
    }
}
