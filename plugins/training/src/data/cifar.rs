//! CIFAR-10 and CIFAR-100 in their binary layout: per image its labels, a byte each, then 32 x 32 pixels in red, green, blue
//! planes. The same images as JPEG records are read too.

use super::files::{corrupt, plain_or_compressed, read};
use super::raw::{RawData, Split};
use super::stratified::Shares;
use super::{DataSet, count, folder_of, text_of};
use codebench_sdk::model::{ParameterDescription, Parameters, TensorShape};
use codebench_sdk::prelude::PluginError;
use std::path::Path;

/// One of the two.
#[derive(Debug)]
pub(super) struct Cifar {
    id: &'static str,
    summary: &'static str,
    classes: u32,
    /// Bytes before the label that counts: CIFAR-100 has the coarse label first.
    skipped: usize,
    train_files: &'static str,
    test_files: &'static str,
}

/// Ten classes.
pub(super) static CIFAR10: Cifar = Cifar {
    id: "cifar-10",
    summary: "60,000 photographs of 32 x 32 pixels in colour, 10 classes (Krizhevsky 2009): the binary version.",
    classes: 10,
    skipped: 0,
    train_files: "data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin",
    test_files: "test_batch.bin",
};

/// A hundred fine classes.
pub(super) static CIFAR100: Cifar = Cifar {
    id: "cifar-100",
    summary: "60,000 photographs of 32 x 32 pixels in colour, 100 classes (Krizhevsky 2009): the binary version, fine labels.",
    classes: 100,
    skipped: 1,
    train_files: "train.bin",
    test_files: "test.bin",
};

/// Height and width.
const SIDE: usize = 32;
/// Values of one image.
const IMAGE: usize = 3 * SIDE * SIDE;

/// Images and their labels as they stand in the files.
#[derive(Default)]
struct Images {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl DataSet for Cifar {
    fn id(&self) -> &'static str {
        self.id
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn parameters(&self) -> Vec<ParameterDescription> {
        let files = "split at commas; each may be plain or .gz";
        vec![
            ParameterDescription::text("folder", "", "Where the files are.").required(),
            ParameterDescription::text("train_files", self.train_files, &format!("Training files, {files}.")),
            ParameterDescription::text("test_files", self.test_files, &format!("Test files, {files}.")),
            ParameterDescription::choice(
                "layout",
                &["binary", "jpeg"],
                "binary",
                "What follows the labels of an image: 3,072 bytes of pixels, or a little-endian 16-bit length and a JPEG file.",
            ),
            super::train_images(),
            super::validation_percent(),
        ]
    }

    fn load(&self, parameters: &Parameters) -> Result<RawData, PluginError> {
        let folder = folder_of(parameters)?;
        let jpeg = text_of(parameters, "layout")? == "jpeg";
        let wanted = match count(parameters, "train_images")? {
            0 => usize::MAX,
            images => images,
        };
        let mut images = self.files(&folder, parameters, "train_files", jpeg, wanted)?;
        let shares =
            Shares { validation_percent: count(parameters, "validation_percent")? as u64, test_percent: 0 };
        let mut split = shares.split(&images.labels)?;
        let test = self.files(&folder, parameters, "test_files", jpeg, usize::MAX)?;
        split.resize(split.len() + test.labels.len(), Split::Test);
        images.pixels.extend(test.pixels);
        images.labels.extend(test.labels);
        Ok(RawData {
            shape: TensorShape::new(3, SIDE as u64, SIDE as u64),
            classes: self.classes,
            pixels: images.pixels,
            white: u8::MAX,
            labels: images.labels,
            split,
        })
    }
}

impl Cifar {
    /// The first `wanted` images of the files that the parameter `name` lists.
    fn files(
        &self,
        folder: &Path,
        parameters: &Parameters,
        name: &str,
        jpeg: bool,
        wanted: usize,
    ) -> Result<Images, PluginError> {
        let (parameter, list) = (name, text_of(parameters, name)?);
        let mut images = Images::default();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let path = plain_or_compressed(folder, name)?;
            let bytes = read(&path)?;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() && images.labels.len() < wanted {
                self.image(&mut rest, jpeg, &mut images)
                    .map_err(|what| corrupt(&path, format!("image {}: {what}", images.labels.len() + 1)))?;
            }
        }
        if images.labels.is_empty() {
            return Err(PluginError::invalid(format!(
                "{parameter} = \"{list}\": there are no images in `{}`: name at least one file that has some",
                folder.display()
            )));
        }
        Ok(images)
    }

    /// Takes one image off the front of `rest`.
    fn image(&self, rest: &mut &[u8], jpeg: bool, images: &mut Images) -> Result<(), String> {
        let labels = take(rest, self.skipped + 1)?;
        let label = labels.last().copied().map_or(u32::MAX, u32::from);
        if label >= self.classes {
            return Err(format!("label {label} is out of range: {} classes, from 0", self.classes));
        }
        if jpeg {
            let length = take(rest, 2)?.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte));
            planes(take(rest, length)?, &mut images.pixels)?;
        } else {
            images.pixels.extend_from_slice(take(rest, IMAGE)?);
        }
        images.labels.push(label);
        Ok(())
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, left) = rest
        .split_at_checked(length)
        .ok_or_else(|| format!("{length} bytes are expected, but the file ends after {}", rest.len()))?;
    *rest = left;
    Ok(taken)
}

/// Appends the planes of a JPEG file.
fn planes(file: &[u8], pixels: &mut Vec<u8>) -> Result<(), String> {
    let image =
        image::load_from_memory_with_format(file, image::ImageFormat::Jpeg).map_err(|e| e.to_string())?;
    let image = image.to_rgb8();
    if image.dimensions() != (SIDE as u32, SIDE as u32) {
        let (width, height) = image.dimensions();
        return Err(format!("{width} x {height} pixels instead of {SIDE} x {SIDE}"));
    }
    for channel in 0..3 {
        pixels.extend(image.pixels().map(|pixel| pixel.0[channel]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::model::{ParameterValue, parameter};

    fn record(labels: &[u8], fill: u8) -> Vec<u8> {
        labels.iter().copied().chain(std::iter::repeat_n(fill, IMAGE)).collect()
    }

    fn load(set: &Cifar, folder: &Path, more: &[(&str, &str)]) -> Result<RawData, PluginError> {
        let text = |value: &str| ParameterValue::Text(value.to_owned());
        let mut given = Parameters::from([("folder".to_owned(), text(folder.to_str().unwrap()))]);
        given.extend(more.iter().map(|(name, value)| ((*name).to_owned(), text(value))));
        given.insert("validation_percent".into(), ParameterValue::Integer(50));
        set.load(&parameter::complete(&set.parameters(), &given).unwrap())
    }

    #[test]
    fn fine_labels_and_planes_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let train = [record(&[7, 99], 1), record(&[7, 99], 2)].concat();
        std::fs::write(folder.path().join("train.bin"), train).unwrap();
        std::fs::write(folder.path().join("test.bin"), record(&[0, 3], 3)).unwrap();
        let raw = load(&CIFAR100, folder.path(), &[]).unwrap();
        raw.check().unwrap();
        assert_eq!((raw.shape, raw.labels), (TensorShape::new(3, 32, 32), vec![99, 99, 3]));
        assert_eq!(raw.split, [Split::Train, Split::Validation, Split::Test]);
        assert_eq!([0, IMAGE, 2 * IMAGE].map(|i| raw.pixels[i]), [1, 2, 3]);
    }

    #[test]
    fn jpeg_records_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Vec::new();
        let green = image::RgbImage::from_pixel(32, 32, image::Rgb([0, 255, 0]));
        green.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Jpeg).unwrap();
        let mut bytes = vec![4];
        bytes.extend((file.len() as u16).to_le_bytes());
        bytes.extend(&file);
        for name in ["train", "test"] {
            std::fs::write(folder.path().join(name), [bytes.clone(), bytes.clone()].concat()).unwrap();
        }
        let files = [("train_files", "train"), ("test_files", "test"), ("layout", "jpeg")];
        let raw = load(&CIFAR10, folder.path(), &files).unwrap();
        raw.check().unwrap();
        assert_eq!(raw.labels, [4; 4]);
        let [red, green, blue] = [0, 1024, 2048].map(|i| raw.pixels[i]);
        assert!(red < 4 && green > 251 && blue < 4, "{red} {green} {blue}");
    }

    #[test]
    fn damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = |train: Vec<u8>| {
            std::fs::write(folder.path().join("a.bin"), train).unwrap();
            let error = load(&CIFAR10, folder.path(), &[("train_files", "a.bin"), ("test_files", "a.bin")]);
            error.unwrap_err().message.replace(folder.path().to_str().unwrap(), "DATA")
        };
        let mut short = [record(&[1], 0), record(&[1], 0)].concat();
        short.pop();
        assert_eq!(
            message(short),
            "`DATA/a.bin` is corrupt or of another format: image 2: 3072 bytes are expected, but the file ends after 3071"
        );
        assert_eq!(
            message(record(&[10], 0)),
            "`DATA/a.bin` is corrupt or of another format: image 1: label 10 is out of range: 10 classes, from 0"
        );
    }
}
