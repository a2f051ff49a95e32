//! What is drawn is read, from every form and from bad pictures of it; what cannot be read says why.
use super::*;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;
use std::io::Cursor;

fn text(byte: u8, bytes: usize) -> String {
    uri::encode("door", &vec![byte; bytes])
}

fn image_of(code: &Code) -> GrayImage {
    image::load_from_memory(&code.png()).unwrap().to_luma8()
}

fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn png(image: GrayImage) -> Vec<u8> {
    file(&image.into(), ImageFormat::Png)
}

fn found(image: &[u8]) -> Vec<String> {
    read(image).unwrap().texts
}

/// Codes beside each other on a grey page, as several windows of a screen.
fn sheet(codes: &[Code], across: u32) -> GrayImage {
    let images: Vec<GrayImage> = codes.iter().map(image_of).collect();
    let side = images.iter().map(GrayImage::width).max().unwrap() + 24;
    let down = u32::try_from(images.len()).unwrap().div_ceil(across);
    let mut sheet = GrayImage::from_pixel(side * across, side * down, Luma([200]));
    for (place, image) in (0..).zip(&images) {
        let (x, y) = (place % across * side + 10, place / across * side + 10);
        image::imageops::replace(&mut sheet, image, i64::from(x), i64::from(y));
    }
    sheet
}

/// The half blocks of a terminal as pixels; `ink` is the shade of letters, `ground` that behind them.
fn screenshot(drawn: &str, ink: u8, ground: u8) -> GrayImage {
    const CELL: usize = 6;
    let lines: Vec<Vec<char>> = drawn
        .lines()
        .map(|line| line.trim_start_matches(BLACK_ON_WHITE).trim_end_matches(AS_BEFORE).chars().collect())
        .collect();
    let (width, height) = (lines[0].len() * CELL, lines.len() * 2 * CELL);
    GrayImage::from_fn(width as u32, height as u32, |x, y| {
        let (row, below) = (y as usize / CELL / 2, (y as usize / CELL) % 2 == 1);
        let is_ink = match lines[row][x as usize / CELL] {
            '█' => true,
            '▀' => !below,
            '▄' => below,
            _ => false,
        };
        Luma([if is_ink { ink } else { ground }])
    })
}

/// The rectangles of our SVG as pixels.
fn rasterised(svg: &str, side: usize) -> GrayImage {
    let mut image = GrayImage::from_pixel(side as u32, side as u32, Luma([255]));
    let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
    for rectangle in path.split('M').skip(1) {
        let numbers: Vec<u32> = rectangle
            .split(|c: char| !c.is_ascii_digit())
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().unwrap())
            .collect();
        let [left, top, width, height, ..] = numbers[..] else { panic!("{rectangle}") };
        for (x, y) in (left..left + width).flat_map(|x| (top..top + height).map(move |y| (x, y))) {
            image.put_pixel(x, y, Luma([0]));
        }
    }
    image
}

#[test]
fn every_form_of_a_code_is_read() {
    let code = Code::new(&text(7, 200)).unwrap();
    let wanted = vec![code.text().to_string()];
    assert_eq!(found(&code.png()), wanted);
    assert_eq!(found(&png(screenshot(&code.draw(true), 0, 255))), wanted, "black on white");
    assert_eq!(found(&png(screenshot(&code.draw(false), 220, 20))), wanted, "light letters on a dark ground");
    assert_eq!(found(&png(screenshot(&code.draw(false), 20, 220))), wanted, "dark letters on a light ground");
    let side = (code.modules() + 2 * QUIET) * MODULE_PIXELS;
    assert_eq!(rasterised(&code.svg(), side), image_of(&code), "the SVG is the PNG");
}

#[test]
fn bad_pictures_of_a_code_are_read() {
    let code = Code::new(&text(7, 100)).unwrap();
    let picture = DynamicImage::from(image_of(&code));
    let wanted = vec![code.text().to_string()];
    for (what, image) in [
        ("turned", picture.rotate90()),
        ("upside down", picture.rotate180()),
        ("blurred", picture.blur(2.0)),
        ("small", picture.thumbnail(picture.width() / 3, picture.height() / 3)),
        ("pale", picture.adjust_contrast(-40.0)),
        ("with colours", DynamicImage::from(picture.to_rgb8())),
    ] {
        let found = read(&file(&image, ImageFormat::Png)).map(|found| found.texts);
        assert_eq!(found.as_ref(), Ok(&wanted), "{what}");
    }
    assert_eq!(found(&file(&picture, ImageFormat::Jpeg)), wanted);
    // Black on nothing, as some programs save it.
    let grey = image_of(&code);
    let clear = image::GrayAlphaImage::from_fn(grey.width(), grey.height(), |x, y| {
        image::LumaA([0, 255 - grey.get_pixel(x, y).0[0]])
    });
    assert_eq!(found(&file(&clear.into(), ImageFormat::Png)), wanted);
}

#[test]
fn all_codes_of_a_screenshot_are_read() {
    let long = text(3, 1_500);
    let codes = codes(&long).unwrap();
    assert_eq!(codes.len(), 7);
    for across in [1, 2, 3, 7] {
        let found = read(&png(sheet(&codes, across))).unwrap();
        assert_eq!((found.texts.len(), found.unread), (7, 0), "{across} across");
        let mut collector = uri::Collector::default();
        found.texts.iter().for_each(|part| collector.add(part).unwrap());
        assert_eq!(collector.finish(), Ok(vec![long.clone()]));
    }
}

#[test]
fn sizes_are_those_that_are_named() {
    // The longest texts that stay whole, and the longest parts.
    let whole = format!("countersign:tx?{}", "q".repeat(uri::WHOLE_CHARS_MAX - 15));
    assert!(Code::new(&whole).is_ok());
    for bytes in [300, 1_000, 10_000, 24_000] {
        for code in codes(&text(9, bytes)).unwrap() {
            assert!(code.modules() + 2 * QUIET <= 77, "{} modules", code.modules());
        }
    }
    assert!(matches!(codes(&text(9, 30_000)), Err(QrError::Uri(BadUri::TooLongForParts { .. }))));
    // One code, however large.
    let large = Code::single(&text(9, 2_600)).unwrap();
    assert_eq!(found(&large.png()), [large.text()]);
    assert!(matches!(Code::new(&text(9, 2_600)), Err(QrError::TooLong { .. })));
    assert!(matches!(Code::single(&text(9, 2_700)), Err(QrError::TooLong { bytes: 4_345 })));
}

#[test]
fn ids_are_dense_and_other_texts_as_they_are() {
    let account = crate::types::AccountId([5; 32]).to_string();
    assert_eq!(Code::new(&account).unwrap().text(), account.to_uppercase());
    let link = "https://shop.example/Room?7";
    assert_eq!(found(&Code::new(link).unwrap().png()), [link]);
}

/// A PNG that claims to be this large, with one byte of pixels.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    for (name, data) in [(b"IHDR", &header[..]), (b"IDAT", &[0x78]), (b"IEND", &[])] {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let checked = [&name[..], data].concat();
        bytes.extend(&checked);
        bytes.extend(crc32(&checked).to_be_bytes());
    }
    bytes
}

/// The checksum of a PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

#[test]
fn what_cannot_be_read_says_why() {
    let code = Code::new(&text(7, 200)).unwrap();
    let good = code.png();
    for bytes in [&b""[..], b"no image", b"GIF89a..", &good[..good.len() / 2], &good[..20], b"\xff\xd8\xff\xe0 no more"]
    {
        assert_eq!(read(bytes), Err(QrError::NotAnImage), "{} bytes", bytes.len());
    }
    for (width, height) in
        [(60_000, 60_000), (6_001, 6_000), (20_000, 10), (u32::MAX >> 1, u32::MAX >> 1), (1 << 30, 1)]
    {
        assert_eq!(read(&claiming(width, height)), Err(QrError::TooManyPixels), "{width} x {height}");
    }
    assert_eq!(read(&claiming(100, 100)), Err(QrError::NotAnImage));
    assert_eq!(read(&vec![0; IMAGE_BYTES_MAX + 1]), Err(QrError::TooManyBytes { bytes: IMAGE_BYTES_MAX + 1 }));
    for shade in [0, 128, 255] {
        assert_eq!(read(&png(GrayImage::from_pixel(300, 200, Luma([shade])))), Err(QrError::NoCode));
    }
    assert_eq!(read(&png(GrayImage::from_pixel(1, 1, Luma([0])))), Err(QrError::NoCode));
    // Cut through the middle, and with a stripe over the data.
    let whole = image_of(&code);
    let half = image::imageops::crop_imm(&whole, 0, 0, whole.width(), whole.height() / 2).to_image();
    assert_eq!(read(&png(half)), Err(QrError::NoCode));
    let mut covered = whole.clone();
    for (x, y) in (200..320).flat_map(|x| (100..whole.height() - 100).map(move |y| (x, y))) {
        covered.put_pixel(x, y, Luma([if (x / 8 + y / 8) % 2 == 0 { 0 } else { 255 }]));
    }
    assert_eq!(read(&png(covered)), Err(QrError::Torn));
}

#[test]
fn a_torn_code_among_good_ones_is_counted() {
    let codes = codes(&text(3, 600)).unwrap();
    let mut page = sheet(&codes, 3);
    let side = page.width() / 3;
    for (x, y) in (side + 200..side + 320).flat_map(|x| (100..500).map(move |y| (x, y))) {
        page.put_pixel(x, y, Luma([if (x / 8 + y / 8) % 2 == 0 { 0 } else { 255 }]));
    }
    let found = read(&png(page)).unwrap();
    assert_eq!((found.texts.len(), found.unread), (2, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_image_brings_it_down(
        pixels in proptest::collection::vec(prop_oneof![Just(0_u8), Just(255)], 32 * 32), scale in 1..6_u32
    ) {
        let shade = |x, y| Luma([pixels[(y / scale * 32 + x / scale) as usize]]);
        let noise = GrayImage::from_fn(32 * scale, 32 * scale, shade);
        prop_assert!(matches!(read(&png(noise)), Err(QrError::NoCode | QrError::Torn)));
    }

    /// Corners of codes, of any size and anywhere: what the search makes of them must end, in a failure that is told.
    #[test]
    fn corners_without_codes_do_not_bring_it_down(
        corners in proptest::collection::vec((0..220_u32, 0..220_u32, 1..7_u32), 3..7), noise in any::<[u8; 32]>()
    ) {
        let mut image = GrayImage::from_fn(270, 270, |x, y| {
            let at = (x / 5 * 54 + y / 5) as usize;
            Luma([if noise[at / 8 % 32] >> (at % 8) & 1 == 1 && x > 200 { 0 } else { 255 }])
        });
        for (left, top, module) in corners {
            for (x, y) in (0..9 * module).flat_map(|x| (0..9 * module).map(move |y| (x, y))) {
                let ring = (x / module).abs_diff(4).max((y / module).abs_diff(4));
                if left + x < 270 && top + y < 270 {
                    image.put_pixel(left + x, top + y, Luma([if ring == 2 || ring == 4 { 255 } else { 0 }]));
                }
            }
        }
        prop_assert!(matches!(read(&png(image)), Err(QrError::NoCode | QrError::Torn)));
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0..400_usize, value: u8) {
        prop_assert_eq!(read(&bytes), Err(QrError::NotAnImage));
        let mut damaged = Code::new("countersign").unwrap().png();
        let at = at % damaged.len();
        damaged[at] = value;
        drop(read(&damaged));
    }
}
