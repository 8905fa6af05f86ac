//! The files of a bundle, found in a package that somebody packed anew: in a folder, with what file managers leave behind, under
//! names with back slashes. None of that touches what the files say, so it is put right here and told.

use std::collections::BTreeSet;

use super::{ABOUT, Files};

/// The longest name that is looked at, in bytes.
const MAX_NAME: usize = 1_024;

/// What file managers leave behind, in lower case.
const LEFT_BEHIND: [&str; 6] =
    [".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", "icon\r"];

/// A bundle's files, and how their package differs from the one that was handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The files, under the names that a bundle has.
    pub files: Files,
    /// A sentence for each difference.
    pub changes: Vec<String>,
}

/// Why a package is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// A name that could lead out of a folder, or hide.
    #[error("the name {0:?} in it is not that of a file in a bundle")]
    Name(String),
    /// Two files of one name: programs differ in which they show.
    #[error("{0} is in it twice: programs differ in which of the two they show")]
    Twice(String),
    /// Two bundles in one package.
    #[error("there are several bundles in it ({0}): verify each by itself")]
    Several(String),
}

impl PackageError {
    /// A stable code for reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "zip_name",
            Self::Twice(_) => "zip_file_twice",
            Self::Several(_) => "package_several",
        }
    }

    /// The file that it is about.
    pub fn file(&self) -> &str {
        match self {
            Self::Name(name) | Self::Twice(name) | Self::Several(name) => name,
        }
    }
}

/// Finds the bundle among the files of a package, named as they are there.
///
/// # Errors
/// Names that lead out of the package, two files of one name, and two bundles beside each other.
pub fn unpacked(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Unpacked, PackageError> {
    let mut changes = Vec::new();
    let (mut kept, mut left_behind, mut slashes) = (Files::new(), BTreeSet::new(), false);
    for (name, content) in files {
        let plain = plain(&name).ok_or_else(|| PackageError::Name(name.chars().take(128).collect()))?;
        slashes |= name.contains('\\');
        if let Some(what) = junk(&plain) {
            left_behind.insert(what);
            continue;
        }
        if kept.insert(plain.clone(), content).is_some() {
            return Err(PackageError::Twice(plain));
        }
    }
    let root = root(&kept)?;
    let mut files = Files::new();
    for (name, content) in kept {
        // What lies beside the bundle's folder keeps its name, which is none of a bundle's.
        let inside = name.strip_prefix(&root).map(str::to_owned);
        let name = inside.unwrap_or(name);
        if files.insert(name.clone(), content).is_some() {
            return Err(PackageError::Twice(name));
        }
    }
    if !root.is_empty() {
        changes.push(format!("The files lie in a folder, {}.", root.trim_end_matches('/')));
    }
    if slashes {
        changes.push("The names have back slashes.".to_owned());
    }
    if !left_behind.is_empty() {
        let what = left_behind.into_iter().collect::<Vec<_>>().join(", ");
        changes.push(format!("A file manager left files behind, which are not looked at: {what}."));
    }
    Ok(Unpacked { files, changes })
}

/// The name with plain slashes; `None` if it leads out of the package or hides what it is.
fn plain(name: &str) -> Option<String> {
    let hides = |c: char| {
        (c.is_control() && c != '\r')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(hides) {
        return None;
    }
    let name = name.replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    let leads_out = |word: &str| word.is_empty() || word == "." || word == ".." || word.contains(':');
    (!name.split('/').any(leads_out)).then(|| name.to_owned())
}

/// What a file manager left behind, by its name.
fn junk(name: &str) -> Option<String> {
    let mut words = name.split('/');
    if words.any(|word| word.eq_ignore_ascii_case("__MACOSX")) {
        return Some("__MACOSX".to_owned());
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    if LEFT_BEHIND.contains(&last.to_ascii_lowercase().as_str()) {
        return Some(last.trim_end().to_owned());
    }
    last.starts_with("._").then(|| "._*".to_owned())
}

/// The folder of the uppermost `bundle.json`, with its slash; nothing where there is none.
fn root(files: &Files) -> Result<String, PackageError> {
    let depth = |root: &&str| root.matches('/').count();
    let roots = || {
        let found = files.keys().filter_map(|name| name.strip_suffix(ABOUT));
        found.filter(|root| root.is_empty() || root.ends_with('/'))
    };
    let Some(uppermost) = roots().min_by_key(depth) else { return Ok(String::new()) };
    if roots().filter(|root| depth(root) == depth(&uppermost)).count() > 1 {
        return Err(PackageError::Several(format!("{uppermost}{ABOUT}")));
    }
    Ok(uppermost.to_owned())
}
