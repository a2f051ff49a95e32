//! Codes in an image: a photograph of a screen, a screenshot with several, our own PNG. The image is anybody's: it is
//! bounded before it is unpacked, and searched on a thread of its own, because the library that finds codes can be made
//! to panic, and to go on for hours.
use super::QrError;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use rqrr::{Point, PreparedImage};
use std::io::Cursor;
use std::panic::catch_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Bytes of an image file: the largest photograph that is read, badly packed.
pub const IMAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Pixels of an image: a screenshot of the largest screens (7680 x 4320), or three ordinary photographs.
pub const PIXELS_MAX: u64 = 36_000_000;
/// Pixels of a side: the reader of codes multiplies two coordinates in 31 bits.
pub const SIDE_MAX: u32 = 16_384;
/// Seconds a search may take: a large photograph takes one, in a build without optimisation thirty.
pub const READ_SECONDS_MAX: u64 = 60;
/// Name of the thread that searches. An application may keep its panics from being printed: they are told as
/// [`QrError::Torn`] or [`QrError::NotAnImage`].
pub const READER_THREAD: &str = "qr-reader";
/// Memory that unpacking takes at most: [`PIXELS_MAX`] of four channels, twice.
const UNPACKED_BYTES_MAX: u64 = PIXELS_MAX * 8;
/// Pixels of an image that is searched in double size too: in a larger one a code's modules are large enough.
const DOUBLED_PIXELS_MAX: usize = 4_000_000;
/// Searches of one image: after each the codes that were read are painted over, so that their corners are not taken for
/// another's.
const SEARCHES_MAX: usize = 8;
/// Codes of one image: a sheet of ten by ten.
const CODES_MAX: usize = 100;

/// What an image holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The texts of its codes, from top to bottom and left to right; at least one.
    pub texts: Vec<String>,
    /// Codes that were seen and could not be read.
    pub unread: usize,
}

/// True if the bytes begin as an image that [`read`] takes.
pub fn is_image(bytes: &[u8]) -> bool {
    matches!(image::guess_format(bytes), Ok(ImageFormat::Png | ImageFormat::Jpeg))
}

/// Reads the codes of a PNG or JPEG image, dark on light or light on dark, upright or turned.
///
/// # Errors
/// [`QrError`].
pub fn read(bytes: &[u8]) -> Result<Found, QrError> {
    if bytes.len() > IMAGE_BYTES_MAX {
        return Err(QrError::TooManyBytes { bytes: bytes.len() });
    }
    let bytes = bytes.to_vec();
    let (send, receive) = mpsc::channel();
    let search = move || {
        // Nobody waits any more if this fails.
        let _ = send.send(unpack(&bytes).and_then(|image| image.search()));
    };
    std::thread::Builder::new().name(READER_THREAD.into()).spawn(search).map_err(|_| QrError::NoThread)?;
    // The thread of a search that takes too long goes on until it is done or the program ends: it holds one bounded
    // image.
    receive.recv_timeout(Duration::from_secs(READ_SECONDS_MAX)).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(QrError::TookTooLong),
        RecvTimeoutError::Disconnected => Err(QrError::NotAnImage),
    })
}

/// An image in shades of grey.
struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

fn unpack(bytes: &[u8]) -> Result<Grey, QrError> {
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.set_format(image::guess_format(bytes).map_err(|_| QrError::NotAnImage)?);
    let mut limits = Limits::default();
    limits.max_alloc = Some(UNPACKED_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX || width.max(height) > SIDE_MAX {
        return Err(QrError::TooManyPixels);
    }
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?;
    image.apply_orientation(turned);
    Ok(Grey::of(&image))
}

fn refusal(error: &ImageError) -> QrError {
    match error {
        ImageError::Limits(_) => QrError::TooManyPixels,
        _ => QrError::NotAnImage,
    }
}

impl Grey {
    /// What is transparent is white, as viewers show it.
    fn of(image: &DynamicImage) -> Self {
        let over_white = |shade: u8, cover: u8| {
            let sum = u32::from(shade) * u32::from(cover) + 255 * u32::from(255 - cover);
            u8::try_from(sum / 255).unwrap_or(u8::MAX)
        };
        let pixels = match image.color().has_alpha() {
            true => image.to_luma_alpha8().pixels().map(|pixel| over_white(pixel.0[0], pixel.0[1])).collect(),
            false => image.to_luma8().into_raw(),
        };
        Self { width: image.width() as usize, height: image.height() as usize, pixels }
    }

    fn search(mut self) -> Result<Found, QrError> {
        if self.pixels.is_empty() {
            return Err(QrError::NotAnImage);
        }
        self.stretch();
        let (mut found, mut unread) = self.search_both_ways();
        if found.is_empty() && self.pixels.len() <= DOUBLED_PIXELS_MAX {
            let (in_double, also_unread) = self.doubled()?.search_both_ways();
            found = in_double;
            unread = unread.max(also_unread);
        }
        found.sort_by_key(|(place, _)| (place.y, place.x));
        match (found.is_empty(), unread) {
            (true, 0) => Err(QrError::NoCode),
            (true, _) => Err(QrError::Torn),
            (false, _) => Ok(Found { texts: found.into_iter().map(|(_, text)| text).collect(), unread }),
        }
    }

    /// For dark codes on light, and if there are none for light ones on dark.
    fn search_both_ways(&mut self) -> (Vec<(Point, String)>, usize) {
        let (found, unread) = self.search_as_it_is();
        if !found.is_empty() {
            return (found, unread);
        }
        self.pixels.iter_mut().for_each(|shade| *shade = u8::MAX - *shade);
        let (inverted, also_unread) = self.search_as_it_is();
        (inverted, unread.max(also_unread))
    }

    /// Twice as wide and high: the search wants some four pixels to a module.
    fn doubled(&mut self) -> Result<Self, QrError> {
        let side = |pixels: usize| u32::try_from(pixels).map_err(|_| QrError::TooManyPixels);
        let (width, height) = (side(self.width)?, side(self.height)?);
        let pixels = std::mem::take(&mut self.pixels);
        let image = GrayImage::from_raw(width, height, pixels).ok_or(QrError::NotAnImage)?;
        let image = imageops::resize(&image, 2 * width, 2 * height, FilterType::Triangle);
        Ok(Self { width: 2 * self.width, height: 2 * self.height, pixels: image.into_raw() })
    }

    /// Makes the darkest shade black and the lightest white: the search takes for dark what is below half of its
    /// surroundings.
    fn stretch(&mut self) {
        let (darkest, lightest) =
            self.pixels.iter().fold((u8::MAX, 0), |(min, max), shade| (min.min(*shade), max.max(*shade)));
        let range = u32::from(lightest.saturating_sub(darkest));
        if range > 0 {
            let stretched = |shade: u8| u8::try_from(u32::from(shade - darkest) * 255 / range).unwrap_or(u8::MAX);
            self.pixels.iter_mut().for_each(|shade| *shade = stretched(*shade));
        }
    }

    fn search_as_it_is(&mut self) -> (Vec<(Point, String)>, usize) {
        let (mut found, mut unread) = (Vec::new(), 0);
        for _ in 0..SEARCHES_MAX {
            // A search that panics has met corners of a code that it cannot make sense of.
            let (read, torn) = catch_unwind(|| self.search_once()).unwrap_or((Vec::new(), 1));
            unread = torn;
            if read.is_empty() {
                break;
            }
            for (corners, text) in read {
                self.paint_over(&corners);
                found.push((corners[0], text));
            }
            if found.len() >= CODES_MAX {
                break;
            }
        }
        (found, unread)
    }

    /// Corners and texts of the codes that can be read at once, and how many others there seem to be.
    fn search_once(&self) -> (Vec<([Point; 4], String)>, usize) {
        let shade = |x, y| self.pixels[y * self.width + x];
        let mut image = PreparedImage::prepare_from_greyscale(self.width, self.height, shade);
        let (mut read, mut torn) = (Vec::new(), 0);
        for grid in image.detect_grids().iter().take(CODES_MAX) {
            match grid.decode() {
                Ok((_, text)) => read.push((grid.bounds, text)),
                Err(_) => torn += 1,
            }
        }
        (read, torn)
    }

    fn paint_over(&mut self, corners: &[Point; 4]) {
        let within = |at: i32, end: usize| usize::try_from(at).unwrap_or(0).min(end);
        let xs = corners.map(|corner| within(corner.x, self.width));
        let ys = corners.map(|corner| within(corner.y, self.height));
        let (left, right) = (xs.iter().min().copied().unwrap_or(0), xs.iter().max().copied().unwrap_or(0));
        let (top, bottom) = (ys.iter().min().copied().unwrap_or(0), ys.iter().max().copied().unwrap_or(0));
        for row in self.pixels.chunks_mut(self.width).take(bottom).skip(top) {
            row[left..right].fill(u8::MAX);
        }
    }
}
