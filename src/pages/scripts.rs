//! The browser code by the names that its build gave it, with a hash of the content in each, so that a browser that has a
//! file asks for it no more.

use serde::Deserialize;

/// Where the browser code is, below `/assets/`. What is not named has the name that never changes, or is fetched when the viewer asks
/// for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Scripts {
    viewer: Option<String>,
    envelope: Option<String>,
    #[serde(default)]
    ahead: Vec<String>,
}

/// What there is without the build's list.
pub static UNNAMED: Scripts = Scripts { viewer: None, envelope: None, ahead: Vec::new() };

impl Scripts {
    /// The list that the build writes. What could not stand in an attribute is no list of ours.
    pub fn from_json(text: &str) -> Option<Self> {
        let scripts: Self = serde_json::from_str(text).ok()?;
        let plain = |name: &String| name.bytes().all(|c| c.is_ascii_alphanumeric() || b".-?".contains(&c));
        let sound = scripts.all().all(plain);
        sound.then_some(scripts)
    }

    /// The letter page's own script.
    pub fn viewer(&self) -> &str {
        self.viewer.as_deref().unwrap_or("viewer.js")
    }

    /// The script that keeps the fragment.
    pub fn envelope(&self) -> &str {
        self.envelope.as_deref().unwrap_or("envelope.js")
    }

    /// What the letter page of a PDF needs, in this order: the same list for every letter.
    pub fn ahead(&self) -> impl Iterator<Item = &str> {
        self.viewer.iter().chain(&self.ahead).map(String::as_str)
    }

    /// Whether the content under this name, query included, is the one that the list was made of.
    pub fn names(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.viewer.iter().chain(&self.envelope).chain(&self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_the_build_names_files_and_nothing_else() {
        let list = r#"{"viewer":"viewer.js?1f","envelope":"envelope.js?2e","ahead":["pdf-3d.js","pdf.worker-4c.js"]}"#;
        let scripts = Scripts::from_json(list).unwrap();
        assert_eq!((scripts.viewer(), scripts.envelope()), ("viewer.js?1f", "envelope.js?2e"));
        assert_eq!(scripts.ahead().collect::<Vec<_>>(), ["viewer.js?1f", "pdf-3d.js", "pdf.worker-4c.js"]);
        assert!(
            scripts.names("envelope.js?2e")
                && !scripts.names("envelope.js?1f")
                && !scripts.names("envelope.js")
        );
        for odd in ["", "[]", r#"{"viewer":"\"><script>"}"#, r#"{"ahead":["//elsewhere.example/x.js"]}"#] {
            assert_eq!(Scripts::from_json(odd), None, "{odd}");
        }
    }

    #[test]
    fn without_a_list_names_never_change_and_nothing_is_fetched_ahead() {
        assert_eq!((UNNAMED.viewer(), UNNAMED.envelope()), ("viewer.js", "envelope.js"));
        assert_eq!(UNNAMED.ahead().count(), 0);
        assert!(!UNNAMED.names("viewer.js"));
    }
}
