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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum PackageError {
    /// A name that could lead out of a folder, or hide.
    #[error("the name {0} in it is not that of a file in a bundle")]
    #[strum(to_string = "zip_name")]
    Name(String),
    /// Two files of one name: programs differ in which they show.
    #[error("{0} is in it twice: programs differ in which of the two they show")]
    #[strum(to_string = "zip_file_twice")]
    Twice(String),
    /// Two bundles in one package.
    #[error("there are several bundles in it ({0}): verify each by itself")]
    #[strum(to_string = "package_several")]
    Several(String),
    /// Nothing but what file managers leave behind.
    #[error("there are no files in it but what a file manager leaves behind")]
    #[strum(to_string = "package_empty")]
    Empty,
}

codes!(PackageError);

impl PackageError {
    /// The file that it is about.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Name(name) | Self::Twice(name) | Self::Several(name) => Some(name),
            Self::Empty => None,
        }
    }
}

/// Finds the bundle among the files of a package, named as they are there. `folders` are the folders that the package names:
/// they hold nothing by themselves.
///
/// # Errors
/// In the bundle's folder: names that lead out of it, and two files of one name. Two bundles beside each other, and no files.
pub fn unpacked(
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
    folders: impl IntoIterator<Item = String>,
) -> Result<Unpacked, PackageError> {
    let (mut kept, mut left_behind, mut slashes) = (Vec::new(), BTreeSet::new(), false);
    for (name, content) in files {
        slashes |= name.contains('\\');
        let plain = plain(&name);
        match plain.as_deref().and_then(junk) {
            Some(what) => drop(left_behind.insert(what)),
            None => kept.push((name, plain, content)),
        }
    }
    if kept.is_empty() {
        return Err(PackageError::Empty);
    }
    let root = root(&kept.iter().filter_map(|(_, plain, _)| plain.as_deref()).collect())?;
    for folder in folders {
        if plain(&folder).is_none() && leads_into(&folder, &root) {
            return Err(PackageError::Name(shown(&folder)));
        }
    }
    let (mut files, mut outside) = (Files::new(), BTreeSet::new());
    for (name, plain, content) in kept {
        match plain.as_deref().map(|plain| plain.strip_prefix(&root)) {
            Some(Some(inside)) => {
                if files.insert(inside.to_owned(), content).is_some() {
                    return Err(PackageError::Twice(shown(inside)));
                }
            }
            None if leads_into(&name, &root) => return Err(PackageError::Name(shown(&name))),
            // What lies beside the bundle's folder is no file of the bundle, whatever it is called.
            Some(None) | None => drop(outside.insert(shown(&name))),
        }
    }
    let mut changes = Vec::new();
    if !root.is_empty() {
        changes.push(format!("The files lie in a folder, {}.", shown(root.trim_end_matches('/'))));
    }
    if slashes {
        changes.push("The names have back slashes.".to_owned());
    }
    if !left_behind.is_empty() {
        let what = left_behind.into_iter().collect::<Vec<_>>().join(", ");
        changes.push(format!("A file manager left files behind, which are not looked at: {what}."));
    }
    let beside = |name| {
        format!("{name} does not belong to the bundle, and lies beside its folder: nothing in it is proved.")
    };
    changes.extend(outside.into_iter().map(beside));
    Ok(Unpacked { files, changes })
}

/// A name as an answer shows it: no more than a line, with what hides or turns the direction of writing around spelled out.
pub fn shown(name: &str) -> String {
    let spelled = |c: char| if hides(c) { c.escape_unicode().to_string() } else { c.to_string() };
    name.chars().take(128).map(spelled).collect()
}

/// Whether a character is not seen, or changes how others are.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

/// The name with plain slashes; `None` if it leads out of the package or hides what it is.
fn plain(name: &str) -> Option<String> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(|c| hides(c) && c != '\r') {
        return None;
    }
    let name = name.replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    let leads_out = |word: &str| word.is_empty() || word == "." || word == ".." || word.contains(':');
    (!name.split('/').any(leads_out)).then(|| name.to_owned())
}

/// Whether a program could take a name that is not plain for one in `root`: as it is written, or once it is resolved.
fn leads_into(name: &str, root: &str) -> bool {
    let seen: String = name.chars().filter(|c| !hides(*c)).map(|c| if c == '\\' { '/' } else { c }).collect();
    let mut words: Vec<&str> = Vec::new();
    for word in seen.split('/').map(|word| word.rsplit(':').next().unwrap_or(word)) {
        match word {
            "" | "." => {}
            ".." => drop(words.pop()),
            word => words.push(word),
        }
    }
    let resolved = words.join("/") + "/";
    seen.starts_with(root) || resolved.starts_with(root)
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
fn root(names: &BTreeSet<&str>) -> Result<String, PackageError> {
    let depth = |root: &&str| root.matches('/').count();
    let roots = || {
        let found = names.iter().filter_map(|name| name.strip_suffix(ABOUT));
        found.filter(|root| root.is_empty() || root.ends_with('/'))
    };
    let Some(uppermost) = roots().min_by_key(depth) else { return Ok(String::new()) };
    if roots().filter(|root| depth(root) == depth(&uppermost)).count() > 1 {
        return Err(PackageError::Several(shown(&format!("{uppermost}{ABOUT}"))));
    }
    Ok(uppermost.to_owned())
}
