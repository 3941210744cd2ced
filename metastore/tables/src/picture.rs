//! Small pictures of images: avatars of users, and thumbnails of files. An image is decoded, made smaller, and encoded again,
//! so that no byte of the file reaches others.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GrayAlphaImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, RgbaImage};
use tables_wire::{Done, Picture, PictureKind};
use zune_png::PngDecoder;
use zune_png::zune_core::bytestream::ZCursor;
use zune_png::zune_core::colorspace::ColorSpace;
use zune_png::zune_core::options::DecoderOptions;

use crate::blocking::blocking;
use crate::connection::Connection;
use crate::error::{Error, Result};

/// Maximum size of a file, in bytes. The server has its own limits, which are not higher.
const MAX_BYTES: u64 = 32 << 20;

/// Maximum width and height of an image, and of both multiplied, in pixels: of an avatar, and of a file, which may be from a
/// camera.
const MAX_SIDE: u32 = 10_000;
const MAX_AVATAR_PIXELS: u64 = 16_000_000;
const MAX_PIXELS: u64 = 40_000_000;

/// Maximum memory of a decoder, in bytes.
const MAX_MEMORY: u64 = 256 << 20;

/// Quality of JPEG, from 1 to 100.
const QUALITY: u8 = 88;

/// The end of every PNG file.
const PNG_END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

/// The end of every JPEG file.
const JPEG_END: &[u8] = b"\xff\xd9";

/// Makes a picture of an image.
///
/// # Errors
/// Invalid if the file is not such an image, or too large.
pub(crate) async fn picture(wanted: &Picture, connection: &Connection) -> Result<Done> {
    if wanted.size > MAX_BYTES {
        return Err(Error::invalid("the file is too large"));
    }
    let (bytes, Picture { side, kind, .. }) = (connection.read(0, 0..wanted.size).await?, *wanted);
    let made = blocking(move || match kind {
        PictureKind::Avatar => avatar(&bytes, side),
        PictureKind::Thumbnail => thumbnail(&bytes, side),
    });
    let made = made.await?;
    connection.chunk(Bytes::from(made)).await?;
    Ok(Done::default())
}

/// Returns the middle of an image as a square of at most `side` pixels: a JPEG, or if parts are transparent a WebP file.
fn avatar(bytes: &[u8], side: u32) -> Result<Vec<u8>> {
    let (whole, orientation) = decode(bytes, only_format(bytes)?, MAX_AVATAR_PIXELS)?;
    let (width, height) = (whole.width(), whole.height());
    let edge = width.min(height);
    let mut cropped = whole.crop_imm((width - edge) / 2, (height - edge) / 2, edge, edge);
    drop(whole);
    cropped.apply_orientation(orientation);
    let small = if edge > side { cropped.resize_exact(side, side, FilterType::CatmullRom) } else { cropped };
    encode(small.into_rgba8())
}

/// Returns all of an image, at most `side` pixels wide and high: a JPEG, or if parts are transparent a WebP file. Of an
/// animation, the first picture.
fn thumbnail(bytes: &[u8], side: u32) -> Result<Vec<u8>> {
    let Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP)) =
        image::guess_format(bytes)
    else {
        return Err(Error::invalid("the file is not a PNG, JPEG, GIF or WebP image, whatever its name says"));
    };
    let (mut small, orientation) = decode(bytes, format, MAX_PIXELS)?;
    let edge = small.width().max(small.height());
    let (width, height) = (fitted(small.width(), edge, side)?, fitted(small.height(), edge, side)?);
    // The average of many pixels first, which is fast, then a sharper filter.
    if edge > side.saturating_mul(4) {
        small = small.thumbnail(side * 2, side * 2);
    }
    if edge > side {
        small = small.resize_exact(width, height, FilterType::CatmullRom);
    }
    small.apply_orientation(orientation);
    encode(small.into_rgba8())
}

/// Returns a length in an image whose longer edge shrinks from `edge` to `side`, in pixels: at least 1.
fn fitted(length: u32, edge: u32, side: u32) -> Result<u32> {
    let (length, edge, side) = (u64::from(length), u64::from(edge.max(1)), u64::from(side));
    u32::try_from(((2 * length * side + edge) / (2 * edge)).max(1)).map_err(Error::internal)
}

/// # Errors
/// Invalid if an image has too many pixels, which a small file can claim.
fn expect_pixels(width: u64, height: u64, most: u64) -> Result<()> {
    if width.max(height) > u64::from(MAX_SIDE) || width.saturating_mul(height) > most {
        return Err(Error::invalid(format!(
            "the image has {width} × {height} pixels; it can have at most {} million, and {MAX_SIDE} in a row or column: make \
             it smaller",
            most / 1_000_000
        )));
    }
    Ok(())
}

/// Decodes an image of at most `most` pixels. Returns how it is to be turned, too.
fn decode(bytes: &[u8], format: ImageFormat, most: u64) -> Result<(DynamicImage, Orientation)> {
    if format == ImageFormat::Png {
        return Ok((png(bytes, most)?, Orientation::NoTransforms));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    expect_pixels(u64::from(width), u64::from(height), most)?;
    let orientation = decoder.orientation().map_err(unreadable)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(unreadable)?, orientation))
}

/// Decodes PNG.
fn png(bytes: &[u8], most: u64) -> Result<DynamicImage> {
    let damaged = |error: &dyn std::fmt::Debug| Error::invalid(format!("the image is damaged: {error:?}"));
    let options = DecoderOptions::new_safe()
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .inflate_set_limit(usize::try_from(MAX_MEMORY).map_err(Error::internal)?)
        .png_set_confirm_crc(true)
        .png_set_strip_to_8bit(true)
        .png_set_add_alpha_channel(true)
        .png_set_decode_animated(false);
    let mut decoder = PngDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    expect_pixels(width as u64, height as u64, most)?;
    let pixels = decoder.decode_raw().map_err(|error| damaged(&error))?;
    let (width, height) =
        (u32::try_from(width).map_err(Error::internal)?, u32::try_from(height).map_err(Error::internal)?);
    let image = match decoder.colorspace() {
        Some(ColorSpace::RGBA) => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8),
        Some(ColorSpace::LumaA) => GrayAlphaImage::from_raw(width, height, pixels).map(DynamicImage::ImageLumaA8),
        _ => None,
    };
    image.filter(|_| width > 0 && height > 0).ok_or_else(|| damaged(&"it has no pixels"))
}

/// Returns the format of a file that is an image and nothing else: what other programs would take for something else has
/// more after its end.
fn only_format(bytes: &[u8]) -> Result<ImageFormat> {
    let (format, is_whole) = match image::guess_format(bytes) {
        Ok(format @ ImageFormat::Png) => (format, bytes.ends_with(PNG_END)),
        Ok(format @ ImageFormat::Jpeg) => (format, bytes.ends_with(JPEG_END)),
        Ok(format @ ImageFormat::WebP) => {
            let size = bytes.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_le_bytes);
            // The header of 8 bytes is not counted, and the size is even.
            (format, bytes.len() as u64 == u64::from(size) + 8 + u64::from(size % 2))
        }
        _ => return Err(Error::invalid("the file is not a PNG, JPEG or WebP image")),
    };
    if is_whole {
        return Ok(format);
    }
    Err(Error::invalid(
        "the image is incomplete, or the file has something else after it; open it with a program for images and save it again",
    ))
}

fn encode(pixels: RgbaImage) -> Result<Vec<u8>> {
    let mut made = Vec::new();
    let encoded = if pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        let opaque = DynamicImage::ImageRgba8(pixels).into_rgb8();
        JpegEncoder::new_with_quality(&mut made, QUALITY).encode_image(&opaque)
    } else {
        pixels.write_with_encoder(WebPEncoder::new_lossless(&mut made))
    };
    encoded.map_err(Error::internal)?;
    Ok(made)
}

/// Returns the error for the user. That of the library is about the format.
fn unreadable(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => Error::invalid("the image is too large; make it smaller"),
        ImageError::Unsupported(_) => {
            Error::invalid("images of this kind are not supported; save it as an ordinary PNG or JPEG")
        }
        other => Error::invalid(format!("the image is damaged: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use image::{ImageBuffer, Luma, Rgb, Rgba};
    use proptest::prelude::*;

    use super::*;

    fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        if format == ImageFormat::Png {
            return png_file(image);
        }
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Writes PNG: 8 or 16 bits, grey, RGB or RGBA.
    fn png_file(image: &DynamicImage) -> Vec<u8> {
        let (depth, colour) = match image {
            DynamicImage::ImageLuma16(_) => (16, 0),
            DynamicImage::ImageRgb8(_) => (8, 2),
            DynamicImage::ImageRgba8(_) => (8, 6),
            other => panic!("{:?}", other.color()),
        };
        let mut header = [image.width().to_be_bytes(), image.height().to_be_bytes()].concat();
        header.extend_from_slice(&[depth, colour, 0, 0, 0]);
        let row = usize::from(image.color().bytes_per_pixel()) * image.width() as usize;
        // Each row begins with its filter: none.
        let rows: Vec<u8> = image.as_bytes().chunks(row).flat_map(|row| [&[0][..], row].concat()).collect();
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&rows).unwrap();
        let chunks = [(&b"IHDR"[..], header), (b"IDAT", packed.finish().unwrap()), (b"IEND", Vec::new())];
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, data) in chunks {
            bytes.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
            let named = [kind, &data[..]].concat();
            bytes.extend_from_slice(&named);
            bytes.extend_from_slice(&crc32(&named).to_be_bytes());
        }
        bytes
    }

    fn opaque(width: u32, height: u32) -> DynamicImage {
        // Red in the middle, blue on both sides.
        let middle = (width.saturating_sub(height) / 2)..(width + height).div_ceil(2);
        let pixels = ImageBuffer::from_fn(width, height, |x, _| {
            if middle.contains(&x) { Rgb([200u8, 20, 20]) } else { Rgb([20, 20, 200]) }
        });
        DynamicImage::ImageRgb8(pixels)
    }

    #[test]
    fn the_middle_becomes_a_small_square() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let made = avatar(&file(&opaque(900, 300), format), 64).unwrap();
            assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::Jpeg, "{format:?}");
            let made = image::load_from_memory(&made).unwrap().into_rgb8();
            assert_eq!(made.dimensions(), (64, 64));
            for pixel in made.pixels() {
                assert!(pixel[0] > 150 && pixel[2] < 80, "{pixel:?} of {format:?}");
            }
        }
        // Small ones are not enlarged.
        let tiny = image::load_from_memory(&avatar(&file(&opaque(5, 3), ImageFormat::Png), 64).unwrap()).unwrap();
        assert_eq!((tiny.width(), tiny.height()), (3, 3));
    }

    #[test]
    fn transparent_parts_stay_so() {
        let pixels = ImageBuffer::from_fn(80, 80, |x, _| Rgba([9u8, 90, 9, if x < 40 { 0 } else { 255 }]));
        let made = avatar(&file(&DynamicImage::ImageRgba8(pixels), ImageFormat::WebP), 32).unwrap();
        assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::WebP);
        let made = image::load_from_memory(&made).unwrap().into_rgba8();
        assert_eq!((made.get_pixel(2, 9)[3], made.get_pixel(29, 9)[3]), (0, 255));
        // 16 bits, and grey.
        let grey = ImageBuffer::from_fn(40, 40, |_, _| Luma([u16::MAX / 2]));
        assert!(avatar(&file(&DynamicImage::ImageLuma16(grey), ImageFormat::Png), 32).is_ok());
    }

    #[test]
    fn nothing_of_the_file_is_kept() {
        let mut jpeg = file(&opaque(60, 60), ImageFormat::Jpeg);
        // A comment behind the start of the image.
        let secret = b"taken at 54.18 N, 7.89 E <script>";
        let mut comment = vec![0xff, 0xfe, 0, u8::try_from(secret.len() + 2).unwrap()];
        comment.extend_from_slice(secret);
        jpeg.splice(2..2, comment);
        let made = avatar(&jpeg, 64).unwrap();
        assert!(!made.windows(8).any(|part| part == b"<script>"));
    }

    #[test]
    fn other_files_are_refused() {
        let refused = |bytes: &[u8]| avatar(bytes, 64).unwrap_err();
        for other in [
            &b""[..],
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"GIF89a\x01\0\x01\0\0\0\0;",
            b"%PDF-1.7",
            b"\x89PNG",
        ] {
            assert_eq!(refused(other).message, "the file is not a PNG, JPEG or WebP image");
        }
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let whole = file(&opaque(20, 20), format);
            let both = [&whole[..], b"PK\x05\x06<script>alert(1)</script>"].concat();
            assert!(refused(&both).message.contains("something else after it"), "{format:?}");
            assert!(refused(&whole[..whole.len() - 3]).message.contains("incomplete"), "{format:?}");
        }
        let mut damaged = file(&opaque(20, 20), ImageFormat::Png);
        damaged[50] ^= 0xff;
        assert_eq!(refused(&damaged).kind, tables_wire::FailureKind::Invalid);
    }

    #[test]
    fn a_small_file_cannot_claim_a_huge_image() {
        let mut bomb = file(&opaque(1, 1), ImageFormat::Png);
        for (width, height) in [(60_000u32, 60_000u32), (4_001, 4_000), (1, 10_001), (u32::MAX >> 1, 1)] {
            bomb[16..20].copy_from_slice(&width.to_be_bytes());
            bomb[20..24].copy_from_slice(&height.to_be_bytes());
            let crc = crc32(&bomb[12..29]);
            bomb[29..33].copy_from_slice(&crc.to_be_bytes());
            let error = avatar(&bomb, 64).unwrap_err();
            assert!(error.message.contains("make it smaller"), "{width} × {height}: {error}");
            // Files of cameras may be larger.
            let error = thumbnail(&bomb, 64).unwrap_err();
            assert_eq!(error.message.contains("make it smaller"), width != 4001, "{width} × {height}: {error}");
        }
    }

    #[test]
    fn a_thumbnail_has_all_of_the_image() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let mut bytes = file(&opaque(900, 300), format);
            // Cameras write more after the end.
            bytes.extend_from_slice(b"depth map");
            let made = thumbnail(&bytes, 64).unwrap();
            assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::Jpeg, "{format:?}");
            let made = image::load_from_memory(&made).unwrap().into_rgb8();
            assert_eq!(made.dimensions(), (64, 21), "{format:?}");
            let (left, middle) = (made.get_pixel(3, 10), made.get_pixel(32, 10));
            assert!(left[2] > 150 && middle[0] > 150, "{left:?} {middle:?} of {format:?}");
        }
        // Small ones are not enlarged.
        let tiny = image::load_from_memory(&thumbnail(&file(&opaque(5, 3), ImageFormat::Gif), 64).unwrap()).unwrap();
        assert_eq!((tiny.width(), tiny.height()), (5, 3));
        let narrow =
            image::load_from_memory(&thumbnail(&file(&opaque(1, 2000), ImageFormat::Png), 64).unwrap()).unwrap();
        assert_eq!((narrow.width(), narrow.height()), (1, 64));
        for other in
            [&b""[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"BM\0\0", b"GIF89a", b"\x89PNG\r\n\x1a\n"]
        {
            assert_eq!(thumbnail(other, 64).unwrap_err().kind, tables_wire::FailureKind::Invalid);
        }
    }

    /// The checksum of a PNG chunk.
    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn damaged_files_end_in_an_error_or_an_image(
            kind in 0..4usize,
            changes in prop::collection::vec((0..10_000usize, any::<u8>()), 1..8),
        ) {
            let format = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif][kind];
            let mut bytes = file(&opaque(24, 16), format);
            let length = bytes.len();
            for (at, value) in changes {
                bytes[at % length] = value;
            }
            for made in [avatar(&bytes, 8), thumbnail(&bytes, 8)].into_iter().flatten() {
                prop_assert!(image::load_from_memory(&made).is_ok());
            }
        }
    }
}
