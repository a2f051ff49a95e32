//! QR codes of texts: drawn at the terminal, as PNG and SVG, and read from images.
//!
//! ```text
//! text ─uri::parts→ short texts ─Code→ terminal, PNG, SVG
//!                                         ⋮ camera, screenshot
//! text ←uri::Collector─ texts ←read─ image
//! ```
mod read;

use crate::uri::{self, BadUri};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode, Version};
pub use read::{Found, IMAGE_BYTES_MAX, PIXELS_MAX, READ_SECONDS_MAX, READER_THREAD, SIDE_MAX, is_image, read};

/// Version (size) of the largest code that [`codes`] draws: 69 modules and their quiet zone are 77 columns and 39 lines
/// of a terminal of 80 columns. A longer text goes into parts.
pub const VERSION: i16 = 13;
/// Error correction of these codes: M, 15 %. A screen is clean but for reflections; L would break on those, Q and H
/// would need larger codes or more of them.
const CORRECTION: EcLevel = EcLevel::M;
/// Version of the largest code there is, for a text that must be one code: a phone reads it from a screen or from
/// print, not from a terminal. It is of correction L, 7 %, if M does not hold the text.
pub const SINGLE_VERSION: i16 = 40;
/// Light modules around a code, as the standard wants them.
const QUIET: usize = 4;
/// Pixels of a module in images: large enough for a photograph of the screen.
const MODULE_PIXELS: usize = 8;
/// Black on white whatever the terminal's colours: numbers 16 and 231 of the 256-colour palette, which themes leave
/// alone.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const AS_BEFORE: &str = "\x1b[0m";

/// Why a code cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// Longer than one code holds.
    #[error("the text has {bytes} bytes: more than one code holds")]
    TooLong {
        /// Bytes of the text.
        bytes: usize,
    },
    /// It cannot be put in parts.
    #[error(transparent)]
    Uri(#[from] BadUri),
    /// Not a PNG or JPEG, or a broken one.
    #[error("this is no image that can be read: PNG or JPEG is wanted")]
    NotAnImage,
    /// The file is longer than an image of that many pixels needs.
    #[error("the image has {bytes} bytes; at most {IMAGE_BYTES_MAX} are read")]
    TooManyBytes {
        /// Bytes of the image.
        bytes: usize,
    },
    /// The image would unpack to more than is read.
    #[error("the image has more than {PIXELS_MAX} pixels, or {SIDE_MAX} a side: cut it to the codes")]
    TooManyPixels,
    /// There is none in the picture, or none that stands out.
    #[error("there is no QR code to be seen in the image: take it again, whole, sharp and with its light border")]
    NoCode,
    /// Codes are seen and none can be read.
    #[error("the QR code in the image is torn, covered or blurred: take it again, whole and sharp")]
    Torn,
    /// Finding the codes takes too long.
    #[error("no code was found in {READ_SECONDS_MAX} s: cut the image to the codes")]
    TookTooLong,
    /// The system gives no thread to search on.
    #[error("the system is short of threads; try again")]
    NoThread,
}

/// A QR code.
pub struct Code {
    text: String,
    code: QrCode,
}

/// The codes of a text: one, or those of its parts. Only what begins with `countersign:` can be parted.
///
/// # Errors
/// [`QrError::TooLong`] or [`QrError::Uri`].
pub fn codes(text: &str) -> Result<Vec<Code>, QrError> {
    match uri::is_one(text) {
        true => uri::parts(text)?.iter().map(|part| Code::new(part)).collect(),
        false => Ok(vec![Code::new(text)?]),
    }
}

impl Code {
    /// The code of a text of at most [`uri::WHOLE_CHARS_MAX`] characters or so: the smallest that holds it, up to
    /// [`VERSION`].
    ///
    /// # Errors
    /// [`QrError::TooLong`].
    pub fn new(text: &str) -> Result<Self, QrError> {
        Self::within(text, CORRECTION, VERSION)
    }

    /// The code of a text that must be one code, however large.
    ///
    /// # Errors
    /// [`QrError::TooLong`] above 4296 characters or so.
    pub fn single(text: &str) -> Result<Self, QrError> {
        Self::within(text, CORRECTION, SINGLE_VERSION).or_else(|_| Self::within(text, EcLevel::L, SINGLE_VERSION))
    }

    fn within(text: &str, correction: EcLevel, version_max: i16) -> Result<Self, QrError> {
        let text = dense(text.trim());
        let too_long = || QrError::TooLong { bytes: text.len() };
        let code = QrCode::with_error_correction_level(&text, correction).map_err(|_| too_long())?;
        match code.version() {
            Version::Normal(version) if version <= version_max => Ok(Self { text, code }),
            _ => Err(too_long()),
        }
    }

    /// The text in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Modules of a side, without the quiet zone.
    pub fn modules(&self) -> usize {
        self.code.width()
    }

    /// The code for a terminal, two modules to a character. In black on white, or without colours for a terminal of
    /// light letters on a dark ground: on a light ground it is inverted then, which most readers take too.
    pub fn draw(&self, colours: bool) -> String {
        let side = self.modules() + 2 * QUIET;
        let mut lines = Vec::new();
        for y in (0..side).step_by(2) {
            let letters = (0..side).map(|x| match (self.is_dark(x, y) == colours, self.is_dark(x, y + 1) == colours) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
            let line: String = letters.collect();
            lines.push(if colours { format!("{BLACK_ON_WHITE}{line}{AS_BEFORE}") } else { line });
        }
        lines.join("\n")
    }

    /// The code as an SVG image.
    pub fn svg(&self) -> String {
        let pixels = u32::try_from(MODULE_PIXELS).expect("a small number");
        self.code.render::<svg::Color<'_>>().module_dimensions(pixels, pixels).build()
    }

    /// The code as a PNG image in shades of grey.
    pub fn png(&self) -> Vec<u8> {
        let side = (self.modules() + 2 * QUIET) * MODULE_PIXELS;
        let shade = |at: usize| match self.is_dark(at % side / MODULE_PIXELS, at / side / MODULE_PIXELS) {
            true => 0,
            false => u8::MAX,
        };
        let pixels: Vec<u8> = (0..side * side).map(shade).collect();
        let side = u32::try_from(side).expect("at most 185 modules of 8 pixels");
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes)
            .write_image(&pixels, side, side, ExtendedColorType::L8)
            .expect("a square of grey pixels is always a PNG");
        bytes
    }

    /// True for a dark module; coordinates count the quiet zone. What is outside is light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.modules());
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.code[(x, y)] == Color::Dark,
            _ => false,
        }
    }
}

/// In upper case where that means the same: a code's alphanumeric mode takes 5.5 bits a character instead of 8.
fn dense(text: &str) -> String {
    if uri::is_one(text) || uri::is_id(text) { text.to_ascii_uppercase() } else { text.into() }
}

#[cfg(test)]
mod tests;
