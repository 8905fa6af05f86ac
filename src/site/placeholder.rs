//! A deployment that still says what wrangler.toml ships with: letters would go out in the name of a sender who does not
//! exist, and the evidence log would keep a wrong name for ever.

use super::Site;
use super::host::is_reserved;

/// The sender in the wrangler.toml of the project.
const NAME: &str = "Garage Vermeer";
const PHONE: &str = "+31305550142";

impl Site {
    /// The settings that are placeholders still: the shipped sender, addresses below names that nobody can own
    /// (`.example` and the like), and a log without a name of its own. Empty when the site is somebody's; a garage may
    /// really have the shipped name, so that by itself is none.
    pub fn placeholders(&self) -> Vec<&'static str> {
        let reserved_url = |url: &str| host_of(url).is_some_and(is_reserved);
        let contact = &self.contact;
        let found = [
            ("SITE.contact.email", contact.email.as_deref().is_some_and(is_reserved_address)),
            ("SITE.contact.phone", contact.phone_digits().is_some_and(|digits| digits == PHONE)),
            ("SITE.contact.url", contact.url.as_deref().is_some_and(reserved_url)),
            ("SITE.privacy_url", self.privacy_url.as_deref().is_some_and(reserved_url)),
            ("SITE.security_contact", self.has_placeholder_security_contact()),
            ("SITE.log.origin", is_reserved(host_part(&self.log.origin))),
        ];
        let mut left: Vec<_> =
            found.into_iter().filter(|(_, is_placeholder)| *is_placeholder).map(|(name, _)| name).collect();
        if self.name == NAME && !left.is_empty() {
            left.insert(0, "SITE.name");
        }
        left
    }

    fn has_placeholder_security_contact(&self) -> bool {
        let contact = &self.security_contact;
        match contact.split_once(':') {
            Some(("mailto", address)) => is_reserved_address(address.split('?').next().unwrap_or_default()),
            Some(("tel", digits)) => digits == PHONE,
            _ => host_of(contact).is_some_and(is_reserved),
        }
    }
}

fn is_reserved_address(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, host)| is_reserved(host))
}

/// The host of a URL, without its port.
fn host_of(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, rest)| host_part(rest))
}

/// What stands before the first slash, without a port.
fn host_part(text: &str) -> &str {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    authority.split(':').next().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(json: &str) -> Vec<&'static str> {
        Site::from_json(json).unwrap().placeholders()
    }

    #[test]
    fn what_the_project_ships_is_named_setting_by_setting() {
        let shipped = r#"{"name":"Garage Vermeer","security_contact":"mailto:security@garage-vermeer.example",
            "contact":{"email":"service@garage-vermeer.example","phone":"+31 30 555 01 42"}}"#;
        assert_eq!(
            of(shipped),
            [
                "SITE.name",
                "SITE.contact.email",
                "SITE.contact.phone",
                "SITE.security_contact",
                "SITE.log.origin"
            ]
        );
    }

    #[test]
    fn a_site_of_somebody_has_none_and_each_alone_is_found() {
        let site = |name: &str, contact: &str, security: &str, origin: &str, privacy: &str| {
            let json = format!(
                r#"{{"name":"{name}","contact":{{{contact}}},"security_contact":"{security}","privacy_url":"{privacy}",
                    "log":{{"origin":"{origin}"}}}}"#
            );
            Site::from_json(&json).unwrap().placeholders()
        };
        let (name, contact, security) =
            ("Garage De Vries", r#""email":"a@devries.nl""#, "mailto:s@devries.nl");
        let (origin, privacy) = ("letters.devries.nl/log", "https://devries.nl/privacy");
        assert!(site(name, contact, security, origin, privacy).is_empty());
        let real = site("Garage Vermeer", contact, security, origin, privacy);
        assert!(real.is_empty(), "a garage of that name");
        assert_eq!(
            site("Garage Vermeer", contact, security, "localhost/log", privacy),
            ["SITE.name", "SITE.log.origin"]
        );
        for contact in [r#""email":"a@b.example""#, r#""email":"a@example.com""#] {
            assert_eq!(site(name, contact, security, origin, privacy), ["SITE.contact.email"]);
        }
        assert_eq!(
            site(name, r#""phone":"+31 30 555 0142""#, security, origin, privacy),
            ["SITE.contact.phone"]
        );
        assert_eq!(
            site(name, r#""url":"https://b.example:8443/x""#, security, origin, privacy),
            ["SITE.contact.url"]
        );
        for security in ["mailto:s@b.example", "https://b.test/report", "tel:+31305550142"] {
            assert_eq!(site(name, contact, security, origin, privacy), ["SITE.security_contact"]);
        }
        for origin in ["letters.garage-vermeer.example/log", "localhost/log", "127.0.0.1/log"] {
            assert_eq!(site(name, contact, security, origin, privacy), ["SITE.log.origin"]);
        }
        assert_eq!(site(name, contact, security, origin, "https://b.invalid/p"), ["SITE.privacy_url"]);
    }
}
