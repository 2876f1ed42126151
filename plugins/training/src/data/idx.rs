//! The IDX files of MNIST and its relatives: big-endian headers, one byte a pixel and a label.

use super::files::{corrupt, plain_or_compressed, read};
use super::raw::{RawData, Split};
use super::stratified::Shares;
use super::{DataSet, count, folder_of};
use codebench_sdk::model::{ParameterDescription, Parameters, TensorShape};
use codebench_sdk::prelude::PluginError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A data set in IDX files.
#[derive(Debug)]
pub(super) struct Idx {
    id: &'static str,
    summary: &'static str,
    /// `None` if it must be given.
    folder: Option<&'static str>,
    /// `None` if the user says, or the labels.
    classes: Option<u32>,
}

/// Fashion-MNIST, where Debian's package puts it.
pub(super) static FASHION_MNIST: Idx = Idx {
    id: "fashion-mnist",
    summary: "70,000 pieces of clothing of 28 x 28 pixels in grey (Zalando Research); Debian's package dataset-fashion-mnist.",
    folder: Some("/usr/share/datasets/fashion-mnist"),
    classes: Some(10),
};

/// Any folder of IDX files under MNIST's names.
pub(super) static IDX: Idx = Idx {
    id: "idx",
    summary: "Grey images in the IDX files of MNIST: train-images-idx3-ubyte and so on, plain or .gz.",
    folder: None,
    classes: None,
};

/// Type byte of unsigned bytes.
const UNSIGNED_BYTE: u8 = 8;

impl DataSet for Idx {
    fn id(&self) -> &'static str {
        self.id
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn parameters(&self) -> Vec<ParameterDescription> {
        let folder =
            ParameterDescription::text("folder", self.folder.unwrap_or(""), "Where the four files are.");
        let mut parameters = vec![
            if self.folder.is_some() { folder } else { folder.required() },
            super::train_images(),
            super::validation_percent(),
        ];
        if self.classes.is_none() {
            parameters.push(ParameterDescription::integer(
                "classes",
                0,
                256,
                0,
                "Number of classes, labelled from 0; 0 takes the largest label for the last, and every class must have a training image.",
            ));
        }
        parameters
    }

    fn load(&self, parameters: &Parameters) -> Result<RawData, PluginError> {
        let folder = folder_of(parameters)?;
        let mut train = Images::read(&folder, "train")?;
        let test = Images::read(&folder, "t10k")?;
        if (train.height, train.width) != (test.height, test.width) {
            return Err(PluginError::failed(format!(
                "the training images in `{}` are {} x {}, the test images {} x {}",
                folder.display(),
                train.height,
                train.width,
                test.height,
                test.width
            )));
        }
        let classes = match self.classes {
            Some(classes) => classes,
            None => match count(parameters, "classes")? {
                0 => counted(&train, &test)?,
                given => given as u32,
            },
        };
        for part in [&train, &test] {
            part.check(classes, self.classes.is_none())?;
        }
        train.keep(count(parameters, "train_images")?);
        let shares =
            Shares { validation_percent: count(parameters, "validation_percent")? as u64, test_percent: 0 };
        let mut split = shares.split(&train.labels)?;
        split.resize(split.len() + test.labels.len(), Split::Test);
        let shape = TensorShape::new(1, train.height as u64, train.width as u64);
        train.pixels.extend(test.pixels);
        train.labels.extend(test.labels);
        Ok(RawData { shape, classes, pixels: train.pixels, white: u8::MAX, labels: train.labels, split })
    }
}

/// The number of classes, if the largest label is that of the last one.
///
/// # Errors
/// A class without a training image: rather a damaged label than a class.
fn counted(train: &Images, test: &Images) -> Result<u32, PluginError> {
    let Some((part, image, label)) = [train, test].into_iter().fold(None, |largest, part| {
        part.labels.iter().enumerate().fold(largest, |largest, (image, label)| match largest {
            Some((_, _, before)) if before >= *label => largest,
            _ => Some((part, image, *label)),
        })
    }) else {
        return Ok(0);
    };
    let seen: BTreeSet<u32> = train.labels.iter().copied().collect();
    match (0..label).find(|class| !seen.contains(class)) {
        None => Ok(label + 1),
        Some(class) => Err(corrupt(
            &part.path,
            format!(
                "label {label} of image {} would make {} classes, from 0, but no training image has label {class}; if there \
                 are such classes, say how many in the parameter `classes`",
                image + 1,
                label + 1
            ),
        )),
    }
}

/// One pair of files.
struct Images {
    /// The file of labels.
    path: PathBuf,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl Images {
    fn read(folder: &Path, part: &str) -> Result<Images, PluginError> {
        let (images, [number, height, width]) = array(folder, &format!("{part}-images-idx3-ubyte"))?;
        let (labels, [labelled]) = array(folder, &format!("{part}-labels-idx1-ubyte"))?;
        if number != labelled {
            return Err(corrupt(&labels.path, format!("{labelled} labels for {number} images")));
        }
        if number == 0 {
            return Err(corrupt(&images.path, "it has no images"));
        }
        let Content { path, bytes } = labels;
        let labels = bytes.iter().map(|label| u32::from(*label)).collect();
        Ok(Images { path, height, width, pixels: images.bytes, labels })
    }

    /// Every label is that of a class; `may_be_more` if the user can say that there are more.
    fn check(&self, classes: u32, may_be_more: bool) -> Result<(), PluginError> {
        let Some(image) = self.labels.iter().position(|label| *label >= classes) else { return Ok(()) };
        let remedy = if may_be_more { "; if there are more, raise the parameter `classes`" } else { "" };
        Err(corrupt(
            &self.path,
            format!(
                "label {} of image {} is out of range: {classes} classes, from 0{remedy}",
                self.labels[image],
                image + 1
            ),
        ))
    }

    /// The first `images`; all if 0.
    fn keep(&mut self, images: usize) {
        if images > 0 && images < self.labels.len() {
            self.labels.truncate(images);
            self.pixels.truncate(images * self.height * self.width);
        }
    }
}

/// What follows the header.
struct Content {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// An array of bytes of `N` dimensions.
fn array<const N: usize>(folder: &Path, name: &str) -> Result<(Content, [usize; N]), PluginError> {
    let path = plain_or_compressed(folder, name)?;
    let mut bytes = read(&path)?;
    let expected = [0, 0, UNSIGNED_BYTE, N as u8];
    let header = 4 + 4 * N;
    if bytes.get(..4) != Some(&expected) || bytes.len() < header {
        let start = bytes.get(..4.min(bytes.len())).unwrap_or_default();
        return Err(corrupt(
            &path,
            format!("it starts with {start:?} instead of {expected:?} and {N} extents"),
        ));
    }
    let mut extents = [0; N];
    for (extent, word) in extents.iter_mut().zip(bytes[4..header].chunks_exact(4)) {
        *extent = word.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
    }
    let size = extents.iter().try_fold(1usize, |size, extent| size.checked_mul(*extent));
    if size != Some(bytes.len() - header) {
        let found = bytes.len() - header;
        return Err(corrupt(&path, format!("its header says {extents:?}, but {found} bytes follow")));
    }
    bytes.drain(..header);
    Ok((Content { path, bytes }, extents))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::model::{ParameterValue, parameter};

    fn file(dimensions: &[u32], content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
        dimensions.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
        bytes.extend(content);
        bytes
    }

    /// Six training and two test images of 1 x 2 pixels in two classes.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
        let pixels: Vec<u8> = (0..12).map(|i| i * 20).collect();
        write("train-images-idx3-ubyte", file(&[6, 1, 2], &pixels));
        write("train-labels-idx1-ubyte", file(&[6], &[0, 1, 0, 1, 0, 1]));
        write("t10k-images-idx3-ubyte", file(&[2, 1, 2], &[1, 2, 3, 4]));
        write("t10k-labels-idx1-ubyte", file(&[2], &[1, 0]));
        folder
    }

    fn load(folder: &Path, more: &[(&str, i64)]) -> Result<RawData, PluginError> {
        load_of(&IDX, folder, more)
    }

    fn load_of(set: &Idx, folder: &Path, more: &[(&str, i64)]) -> Result<RawData, PluginError> {
        let text = ParameterValue::Text(folder.to_str().unwrap().to_owned());
        let mut given = Parameters::from([("folder".to_owned(), text)]);
        given.extend(more.iter().map(|(name, value)| ((*name).to_owned(), ParameterValue::Integer(*value))));
        set.load(&parameter::complete(&set.parameters(), &given).unwrap())
    }

    #[test]
    fn files_become_images_with_a_fixed_split() {
        let folder = folder();
        let raw = load(folder.path(), &[("validation_percent", 34)]).unwrap();
        raw.check().unwrap();
        assert_eq!((raw.shape, raw.classes, raw.labels.len()), (TensorShape::new(1, 1, 2), 2, 8));
        use Split::{Test, Train, Validation};
        assert_eq!(raw.split, [Train, Train, Train, Train, Validation, Validation, Test, Test]);
        assert_eq!(&raw.pixels[10..], [200, 220, 1, 2, 3, 4]);
        let four = [("train_images", 4), ("validation_percent", 50)];
        assert_eq!(load(folder.path(), &four).unwrap().labels, [0, 1, 0, 1, 1, 0]);
    }

    /// One byte of the labels is damaged.
    #[test]
    fn a_label_out_of_range_is_named() {
        let damaged = |set: &Idx, name: &str, image: usize, label: u8, classes: Option<i64>| {
            let folder = folder();
            let path = folder.path().join(name);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[8 + image] = label;
            std::fs::write(&path, bytes).unwrap();
            let mut more = vec![("validation_percent", 34)];
            more.extend(classes.map(|classes| ("classes", classes)));
            load_of(set, folder.path(), &more)
                .map(|raw| raw.classes)
                .map_err(|e| e.message.replace(folder.path().to_str().unwrap(), "DATA"))
        };
        let (train, test) = ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte");
        let corrupt =
            |name: &str, what: &str| Err(format!("`DATA/{name}` is corrupt or of another format: {what}"));
        let no_class = "label 200 of image 3 would make 201 classes, from 0, but no training image has label 2; if there are \
                        such classes, say how many in the parameter `classes`";
        assert_eq!(damaged(&IDX, train, 2, 200, None), corrupt(train, no_class));
        let in_test = no_class.replace("200 of image 3", "3 of image 1").replace("201", "4");
        assert_eq!(damaged(&IDX, test, 0, 3, None), corrupt(test, &in_test));
        let more = "label 2 of image 6 is out of range: 2 classes, from 0; if there are more, raise the parameter `classes`";
        assert_eq!(damaged(&IDX, train, 5, 2, Some(2)), corrupt(train, more));
        assert_eq!(damaged(&IDX, train, 5, 200, Some(201)), Ok(201));
        assert_eq!(damaged(&IDX, train, 5, 1, None), Ok(2));
        let ten = "label 10 of image 6 is out of range: 10 classes, from 0";
        assert_eq!(damaged(&FASHION_MNIST, train, 5, 10, None), corrupt(train, ten));
        assert_eq!(damaged(&FASHION_MNIST, test, 1, 9, None), Ok(10));
    }

    #[test]
    fn compressed_files_are_the_same() {
        let folder = folder();
        let half = [("validation_percent", 50)];
        let plain = load(folder.path(), &half).unwrap();
        let path = folder.path().join("train-images-idx3-ubyte");
        let file = std::fs::File::create(path.with_extension("gz")).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &std::fs::read(&path).unwrap()).unwrap();
        encoder.finish().unwrap();
        std::fs::rename(path.with_extension("gz"), folder.path().join("train-images-idx3-ubyte.gz")).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(load(folder.path(), &half).unwrap(), plain);
    }

    #[test]
    fn damage_is_named() {
        let damaged = |name: &str, bytes: Vec<u8>| {
            let folder = folder();
            std::fs::write(folder.path().join(name), bytes).unwrap();
            load(folder.path(), &[]).unwrap_err().message.replace(folder.path().to_str().unwrap(), "DATA")
        };
        let images = "train-images-idx3-ubyte";
        assert_eq!(
            damaged(images, b"PK\x03\x04".to_vec()),
            format!(
                "`DATA/{images}` is corrupt or of another format: it starts with [80, 75, 3, 4] instead of [0, 0, 8, 3] \
                     and 3 extents"
            )
        );
        assert_eq!(
            damaged(images, file(&[6, 1, 2], &[0; 11])),
            format!(
                "`DATA/{images}` is corrupt or of another format: its header says [6, 1, 2], but 11 bytes follow"
            )
        );
        assert_eq!(
            damaged("train-labels-idx1-ubyte", file(&[5], &[0; 5])),
            "`DATA/train-labels-idx1-ubyte` is corrupt or of another format: 5 labels for 6 images"
        );
        assert_eq!(
            damaged("t10k-images-idx3-ubyte", file(&[2, 2, 1], &[0; 4])),
            "the training images in `DATA` are 1 x 2, the test images 2 x 1"
        );
        let folder = folder();
        std::fs::write(folder.path().join("t10k-images-idx3-ubyte"), file(&[0, 1, 2], &[])).unwrap();
        std::fs::write(folder.path().join("t10k-labels-idx1-ubyte"), file(&[0], &[])).unwrap();
        let message = load(folder.path(), &[]).unwrap_err().message;
        assert!(message.ends_with("is corrupt or of another format: it has no images"), "{message}");
        std::fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte")).unwrap();
        let message = load(folder.path(), &[]).unwrap_err().message;
        assert!(
            message.starts_with("neither `t10k-labels-idx1-ubyte` nor `t10k-labels-idx1-ubyte.gz`"),
            "{message}"
        );
    }
}
