//! The sender's accent colour, made readable: WCAG 2.2 contrast, in light and in dark.

use core::fmt;

/// An sRGB colour of eight bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// White.
pub const WHITE: Rgb = Rgb(0xff, 0xff, 0xff);
/// The darkest ink of the pages.
pub const INK: Rgb = Rgb(0x1d, 0x19, 0x14);

/// The surfaces of the pages: the paper, and the desk under it. The style sheet gets them from here.
pub const PAPER_LIGHT: Rgb = Rgb(0xff, 0xfd, 0xf8);
/// The desk in light mode.
pub const GROUND_LIGHT: Rgb = Rgb(0xec, 0xe5, 0xd9);
/// The paper in dark mode.
pub const PAPER_DARK: Rgb = Rgb(0x26, 0x22, 0x1d);
/// The desk in dark mode.
pub const GROUND_DARK: Rgb = Rgb(0x14, 0x12, 0x0f);

/// WCAG 2.2 level AA for text (success criterion 1.4.3).
pub const TEXT: f64 = 4.5;
/// WCAG 2.2 level AAA for text: in the dark, coloured text needs it (success criterion 1.4.6).
pub const STRONG: f64 = 7.0;
/// WCAG 2.2 level AA for controls (success criterion 1.4.11).
pub const CONTROL: f64 = 3.0;

impl Rgb {
    /// The colour of `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self(r, g, b))
    }

    /// Relative luminance (WCAG 2.2), from 0 (black) to 1 (white).
    pub fn luminance(self) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(self.0) + 0.7152 * channel(self.1) + 0.0722 * channel(self.2)
    }

    /// The contrast ratio (WCAG 2.2), from 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if a > b { a / b } else { b / a }
    }

    /// This colour with `part` thousandths of the other in it.
    pub fn mix(self, other: Self, part: u32) -> Self {
        let channel = |a: u8, b: u8| {
            let mixed =
                (u32::from(a) * 1000u32.saturating_sub(part) + u32::from(b) * part.min(1000) + 500) / 1000;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// This colour, moved towards `towards` only as far as the contrast on `surface` needs.
    pub fn readable(self, surface: Self, towards: Self, ratio: f64) -> Self {
        (0..=50)
            .map(|step| self.mix(towards, step * 20))
            .find(|colour| colour.contrast(surface) >= ratio)
            .unwrap_or(towards)
    }

    /// White or ink, whichever reads better on this colour; at least 4.5 to 1 where one of them reaches it.
    pub fn text_on(self) -> Self {
        // White looks right on a strong colour, so it goes first wherever it is readable.
        if self.contrast(WHITE) >= TEXT || self.contrast(WHITE) >= self.contrast(INK) { WHITE } else { INK }
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The accent in one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tones {
    /// The fill of the main button.
    pub fill: Rgb,
    /// Text on that fill: at least 4.5 to 1.
    pub on_fill: Rgb,
    /// The edge of that button and of what is chosen: at least 3 to 1 on the paper.
    pub edge: Rgb,
    /// The accent as text: at least 4.5 to 1 on paper and on the desk, and 7 to 1 in the dark.
    pub text: Rgb,
    /// Wax: where the light falls, the body, the shade, and the pressed-in mark.
    pub wax: [Rgb; 4],
}

/// The accent in light and in dark mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Tones on light paper.
    pub light: Tones,
    /// Tones on dark paper.
    pub dark: Tones,
}

impl Palette {
    /// The readable tones of an accent colour. Every accent has them.
    pub fn of(accent: Rgb) -> Self {
        Self {
            light: Tones::of(accent, PAPER_LIGHT, GROUND_LIGHT, INK),
            dark: Tones::of(accent, PAPER_DARK, GROUND_DARK, WHITE),
        }
    }
}

impl Tones {
    fn of(accent: Rgb, paper: Rgb, ground: Rgb, towards: Rgb) -> Self {
        // The accent itself, so that the button is the sender's. In a narrow band of mid tones neither white
        // nor ink reaches 4.5 on it, so there it gives way a little.
        let on_fill = accent.text_on();
        let away = if on_fill == WHITE { INK } else { WHITE };
        let fill = accent.readable(on_fill, away, TEXT);
        let edge = accent.readable(paper, towards, CONTROL);
        // The surface nearer to the text's own tone is the harder one; meet it and both are met.
        let (harder, ratio) = if towards == INK { (ground, TEXT) } else { (paper, STRONG) };
        let text = accent.readable(harder, towards, ratio);
        let body = accent.readable(paper, towards, 1.8);
        let wax = [body.mix(WHITE, 340), body, body.mix(INK, 340), body.mix(INK, 560)];
        Self { fill, on_fill, edge, text, wax }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contrast_follows_the_standard() {
        assert!((Rgb(0, 0, 0).contrast(WHITE) - 21.0).abs() < 1e-9);
        // The grey that is known to be the lightest one readable on white.
        assert!(Rgb(0x76, 0x76, 0x76).contrast(WHITE) >= 4.5);
        assert!(Rgb(0x77, 0x77, 0x77).contrast(WHITE) < 4.5);
    }

    #[test]
    fn only_six_hex_digits_are_a_colour() {
        assert_eq!(Rgb::parse("#8A1c2b"), Some(Rgb(0x8a, 0x1c, 0x2b)));
        for text in ["", "#", "8a1c2b", "#8a1c2", "#8a1c2bf", "#+a1c2b", "#8a1c2é", "red"] {
            assert_eq!(Rgb::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_accent_is_readable_in_both_modes(r: u8, g: u8, b: u8) {
            let palette = Palette::of(Rgb(r, g, b));
            for (tones, paper, ground, text) in [
                (palette.light, PAPER_LIGHT, GROUND_LIGHT, TEXT),
                (palette.dark, PAPER_DARK, GROUND_DARK, STRONG),
            ] {
                prop_assert!(tones.on_fill.contrast(tones.fill) >= TEXT);
                prop_assert!(tones.edge.contrast(paper) >= CONTROL, "{:?}", tones);
                prop_assert!(tones.text.contrast(paper) >= text);
                prop_assert!(tones.text.contrast(ground) >= text);
            }
        }
    }
}
