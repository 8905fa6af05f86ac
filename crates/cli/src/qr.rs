//! A QR code for the terminal, two rows to a line.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::error::coded;

/// The link does not fit a QR code.
#[derive(Debug, thiserror::Error)]
#[error("the link cannot be drawn as a QR code: {0}. Leave --qr out")]
pub(crate) struct QrError(qrcode::types::QrError);

coded!(QrError = "qr_failed");

/// The code in half blocks, light modules drawn, with a quiet zone: it reads on dark terminals, and on light
/// ones most phones take the inverted form too.
pub(crate) fn draw(link: &str) -> Result<String, QrError> {
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
        let code = draw("https://letters.example/0123456789#abc").unwrap();
        let widths: std::collections::BTreeSet<usize> = code.lines().map(|l| l.chars().count()).collect();
        assert_eq!(widths.len(), 1, "every line is as wide as the others");
        assert!(code.chars().all(|c| matches!(c, ' ' | '▀' | '▄' | '█' | '\n')));
    }
}
