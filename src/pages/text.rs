//! The two plain files that the web expects.

use crate::lang::Lang;
use crate::site::Site;

/// `/robots.txt`: no crawler is welcome anywhere.
pub const ROBOTS_TXT: &str = "User-agent: *\nDisallow: /\n";

/// `/.well-known/security.txt` (RFC 9116). `expires` is a date and time as in RFC 3339, less than a year away.
pub fn security_txt(site: &Site, expires: &str) -> String {
    format!("Contact: {}\nExpires: {expires}\nPreferred-Languages: {}\n", site.security_contact, Lang::tags())
}
