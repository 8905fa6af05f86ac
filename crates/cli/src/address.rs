//! Making tokens and links, and QR codes of them: one place, used by `seal` and `mint`.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use waxseal::token::{MintError, SiteKey, mint};
use waxseal::types::{LetterId, UnixSeconds};

use crate::error::coded;
use crate::origin::Origin;
use crate::when;

/// Why no link was made.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "expires_")]
pub(crate) enum AddressError {
    #[error("--expires {0} is in the past: give a later time, such as 30d")]
    #[strum(to_string = "in_the_past")]
    Past(String),
    #[error("--expires {0}: {1}")]
    TooLate(String, MintError),
    #[error("--expires {0}: {1}")]
    AfterKey(String, MintError),
}

coded!(AddressError: usage);

/// The token of a letter until `not_after`.
pub(crate) fn token(
    key: &SiteKey,
    letter: LetterId,
    not_after: UnixSeconds,
    now: UnixSeconds,
) -> Result<String, AddressError> {
    if not_after <= now {
        return Err(AddressError::Past(when::rfc3339(not_after)));
    }
    let at = || when::rfc3339(not_after);
    let token = mint(key, letter, not_after).map_err(|error| match error {
        MintError::TooLate => AddressError::TooLate(at(), error),
        MintError::OutlivesKey { .. } => AddressError::AfterKey(at(), error),
    })?;
    Ok(token.as_str().to_owned())
}

/// `https://HOST/TOKEN`, with `#FRAGMENT` for an end-to-end letter.
pub(crate) fn link(origin: &Origin, token: &str, fragment: Option<&str>) -> String {
    match fragment {
        Some(fragment) => format!("{origin}/{token}#{fragment}"),
        None => format!("{origin}/{token}"),
    }
}

/// The link does not fit a QR code.
#[derive(Debug, thiserror::Error)]
#[error("the link cannot be drawn as a QR code: {0}. Leave --qr out")]
pub(crate) struct QrError(qrcode::types::QrError);

coded!(QrError = "qr_failed");

/// A QR code in half blocks, two rows to a line, light modules drawn, with a quiet zone: it reads on dark terminals, and on light
/// ones most phones take the inverted form too.
pub(crate) fn qr(link: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(link, EcLevel::M).map_err(QrError)?;
    Ok(code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_half_blocks_of_one_width() {
        let code = qr("https://letters.example/0123456789#abc").unwrap();
        let widths: std::collections::BTreeSet<usize> = code.lines().map(|l| l.chars().count()).collect();
        assert_eq!(widths.len(), 1, "every line is as wide as the others");
        assert!(code.chars().all(|c| matches!(c, ' ' | '▀' | '▄' | '█' | '\n')));
    }
}
