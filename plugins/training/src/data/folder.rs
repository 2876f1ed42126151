//! A folder of images, a folder a class.

use super::files::corrupt;
use super::raw::{RawData, Split};
use super::stratified::Shares;
use super::{DataSet, count, folder_of, text_of};
use codebench_sdk::model::{ParameterDescription, Parameters, TensorShape};
use codebench_sdk::prelude::PluginError;
use image::DynamicImage;
use image::imageops::FilterType;
use std::fs;
use std::path::{Path, PathBuf};

/// The data set `image-folder`.
pub(super) struct Folder;

/// Endings of files that are read; others are left alone.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Most values of all images together, a byte each. Splitting the data set takes as much once more.
const MOST_VALUES: u64 = 4 << 30;

/// How images are read.
struct Format {
    channels: usize,
    /// Height and width; `None` until the first image has told.
    size: Option<(u32, u32)>,
    resize: bool,
}

impl DataSet for Folder {
    fn id(&self) -> &'static str {
        "image-folder"
    }

    fn summary(&self) -> &'static str {
        "Your own PNG and JPEG images: FOLDER/CLASS/*.png, or FOLDER/train/CLASS and FOLDER/test/CLASS."
    }

    fn parameters(&self) -> Vec<ParameterDescription> {
        vec![
            ParameterDescription::text("folder", "", "The folder with a folder for each class.").required(),
            ParameterDescription::choice("colour", &["rgb", "grey"], "rgb", "Channels: three or one."),
            ParameterDescription::integer(
                "size",
                0,
                4096,
                0,
                "Height and width to which every image is resized; 0 takes them as they are, all of one size.",
            )
            .unit("pixels"),
            super::validation_percent(),
            ParameterDescription::integer(
                "test_percent",
                1,
                90,
                15,
                "Of every 100 images of one class, how many test, if the folder has no folders `train` and `test`.",
            ),
        ]
    }

    fn load(&self, parameters: &Parameters) -> Result<RawData, PluginError> {
        let folder = folder_of(parameters)?;
        let size = count(parameters, "size")? as u32;
        let channels = if text_of(parameters, "colour")? == "grey" { 1 } else { 3 };
        let mut format = Format { channels, size: (size > 0).then_some((size, size)), resize: size > 0 };
        let validation_percent = count(parameters, "validation_percent")? as u64;
        let test_percent = count(parameters, "test_percent")? as u64;
        let (train, test) = (folder.join("train"), folder.join("test"));
        let mut images = Images::default();
        let split = if train.is_dir() && test.is_dir() {
            let classes = class_names(&train)?;
            images.read(&train, &classes, &mut format)?;
            let mut split = Shares { validation_percent, test_percent: 0 }.split(&images.labels)?;
            same_classes(&test, &classes)?;
            images.read(&test, &classes, &mut format)?;
            split.resize(images.labels.len(), Split::Test);
            split
        } else {
            images.read(&folder, &class_names(&folder)?, &mut format)?;
            Shares { validation_percent, test_percent }.split(&images.labels)?
        };
        let classes = images.labels.iter().max().map_or(0, |label| label + 1);
        let (height, width) = format.size.unwrap_or_default();
        Ok(RawData {
            shape: TensorShape::new(channels as u64, u64::from(height), u64::from(width)),
            classes,
            pixels: images.pixels,
            white: u8::MAX,
            labels: images.labels,
            split,
        })
    }
}

#[derive(Default)]
struct Images {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl Images {
    /// The images of `folder/CLASS` for every class, in the order of names.
    fn read(&mut self, folder: &Path, classes: &[String], format: &mut Format) -> Result<(), PluginError> {
        let mut files = Vec::new();
        for (label, class) in (0..).zip(classes) {
            let folder = folder.join(class);
            let before = files.len();
            let images = listed(&folder)?.into_iter().filter(|path| path.is_file() && is_image(path));
            files.extend(images.map(|path| (label, path)));
            if files.len() == before {
                return Err(PluginError::failed(format!(
                    "the class folder `{}` has no image (.{})",
                    folder.display(),
                    ENDINGS.join(", .")
                )));
            }
        }
        let count = self.labels.len() + files.len();
        format.check_size(folder, count)?;
        for (index, (label, path)) in files.iter().enumerate() {
            format.read(path, &mut self.pixels)?;
            if index == 0 {
                format.check_size(folder, count)?;
            }
            self.labels.push(*label);
        }
        Ok(())
    }
}

impl Format {
    /// `count` images fit in memory, as far as their size is known.
    fn check_size(&self, folder: &Path, count: usize) -> Result<(), PluginError> {
        let Some((height, width)) = self.size else { return Ok(()) };
        let each = self.channels as u64 * u64::from(height) * u64::from(width);
        let values = each.saturating_mul(count as u64);
        if values <= MOST_VALUES {
            return Ok(());
        }
        Err(PluginError::invalid(format!(
            "`{}`: {count} images of {}x{height}x{width} are {} MB, and a data set may have at most {} MB in memory: give a smaller \
             `size`, colour = \"grey\" or fewer images",
            folder.display(),
            self.channels,
            values >> 20,
            MOST_VALUES >> 20
        )))
    }

    /// Appends the planes of an image.
    fn read(&mut self, path: &Path, pixels: &mut Vec<u8>) -> Result<(), PluginError> {
        let reader = image::ImageReader::open(path)
            .and_then(image::ImageReader::with_guessed_format)
            .map_err(|e| PluginError::failed(format!("cannot read `{}`: {e}", path.display())))?;
        let mut image = reader.decode().map_err(|e| corrupt(path, e))?;
        let (height, width) = *self.size.get_or_insert((image.height(), image.width()));
        if self.resize {
            image = image.resize_exact(width, height, FilterType::Triangle);
        }
        if (image.height(), image.width()) != (height, width) {
            return Err(PluginError::failed(format!(
                "`{}` has {} x {} pixels, the images before it {width} x {height}: give `size` to resize all",
                path.display(),
                image.width(),
                image.height()
            )));
        }
        self.append(&image, pixels);
        Ok(())
    }

    fn append(&self, image: &DynamicImage, pixels: &mut Vec<u8>) {
        if self.channels == 1 {
            pixels.extend(image.to_luma8().as_raw());
            return;
        }
        let image = image.to_rgb8();
        for channel in 0..3 {
            pixels.extend(image.pixels().map(|pixel| pixel.0[channel]));
        }
    }
}

/// What a folder holds, sorted by name: the split depends on the order.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, PluginError> {
    let failed = |e: std::io::Error| PluginError::failed(format!("cannot read `{}`: {e}", folder.display()));
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn class_names(folder: &Path) -> Result<Vec<String>, PluginError> {
    let folders = listed(folder)?.into_iter().filter(|path| path.is_dir());
    let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> = folders.filter_map(name).filter(|name| !name.starts_with('.')).collect();
    if names.len() < 2 {
        return Err(PluginError::failed(format!(
            "`{}` has {} class folders: give a folder that has one for each class, at least two",
            folder.display(),
            names.len()
        )));
    }
    Ok(names)
}

fn same_classes(test: &Path, train: &[String]) -> Result<(), PluginError> {
    let names = class_names(test)?;
    if names == train {
        return Ok(());
    }
    let odd = names.iter().find(|n| !train.contains(n)).or_else(|| train.iter().find(|n| !names.contains(n)));
    Err(PluginError::failed(format!(
        "`{}` and its sibling `train` have different classes, such as `{}`: give both the same folders",
        test.display(),
        odd.map_or("", String::as_str)
    )))
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::model::{ParameterValue, parameter};
    use image::{Rgb, RgbImage};

    fn paint(folder: &Path, name: &str, size: (u32, u32), colour: [u8; 3]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(size.0, size.1, Rgb(colour)).save(path).unwrap();
    }

    fn load(folder: &Path, more: &[(&str, ParameterValue)]) -> Result<RawData, PluginError> {
        let text = ParameterValue::Text(folder.to_str().unwrap().to_owned());
        let mut given = Parameters::from([("folder".to_owned(), text)]);
        given.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Folder.load(&parameter::complete(&Folder.parameters(), &given).unwrap())
    }

    fn percent(validation: i64, test: i64) -> [(&'static str, ParameterValue); 2] {
        [
            ("validation_percent", ParameterValue::Integer(validation)),
            ("test_percent", ParameterValue::Integer(test)),
        ]
    }

    #[test]
    fn classes_are_folders_in_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..4 {
            paint(folder.path(), &format!("cat/{i}.png"), (3, 2), [i, 0, 7]);
            paint(folder.path(), &format!("ant/{i}.png"), (3, 2), [100 + i, 0, 9]);
        }
        fs::write(folder.path().join("ant/notes.txt"), "left alone").unwrap();
        let raw = load(folder.path(), &percent(25, 25)).unwrap();
        raw.check().unwrap();
        assert_eq!((raw.shape, raw.classes), (TensorShape::new(3, 2, 3), 2));
        assert_eq!(raw.labels, [0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(raw.pixels[..18], [[100; 6], [0; 6], [9; 6]].concat());
        assert_eq!(raw.split[..4], raw.split[4..]);
        assert_eq!(
            [Split::Validation, Split::Test].map(|s| raw.split.iter().filter(|x| **x == s).count()),
            [2, 2]
        );
    }

    #[test]
    fn train_and_test_folders_are_kept_apart_and_images_resized() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            for i in 0..2u8 {
                paint(folder.path(), &format!("train/{class}/{i}.png"), (5 + u32::from(i), 5), [50; 3]);
            }
            paint(folder.path(), &format!("test/{class}/0.png"), (9, 9), [60; 3]);
        }
        let mut parameters = percent(50, 1).to_vec();
        parameters
            .extend([("size", ParameterValue::Integer(4)), ("colour", ParameterValue::Text("grey".into()))]);
        let raw = load(folder.path(), &parameters).unwrap();
        raw.check().unwrap();
        assert_eq!(raw.shape, TensorShape::new(1, 4, 4));
        assert_eq!(raw.split.iter().filter(|s| **s == Split::Test).count(), 2);
        assert_eq!(&raw.pixels[4 * 16..], [60; 32]);
    }

    #[test]
    fn other_classes_for_the_test_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["train/a", "train/b", "test/a", "test/c"] {
            paint(folder.path(), &format!("{class}/0.png"), (4, 4), [1; 3]);
            paint(folder.path(), &format!("{class}/1.png"), (4, 4), [2; 3]);
        }
        let message = || {
            let error = load(folder.path(), &percent(50, 1)).unwrap_err();
            error.message.replace(folder.path().to_str().unwrap(), "DATA")
        };
        let refused = |class: &str| {
            format!(
                "`DATA/test` and its sibling `train` have different classes, such as `{class}`: give both the same folders"
            )
        };
        assert_eq!(message(), refused("c"));
        fs::rename(folder.path().join("test/c"), folder.path().join("test/b")).unwrap();
        assert_eq!(load(folder.path(), &percent(50, 1)).unwrap().labels, [0, 0, 1, 1, 0, 0, 1, 1]);
        // A class that only the training has.
        paint(folder.path(), "train/d/0.png", (4, 4), [1; 3]);
        assert_eq!(message(), refused("d"));
    }

    /// Before the images are read, not after the memory is taken.
    #[test]
    fn images_that_do_not_fit_in_memory_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            fs::create_dir(folder.path().join(class)).unwrap();
            for i in 0..50 {
                fs::write(folder.path().join(format!("{class}/{i}.png")), "no image").unwrap();
            }
        }
        let message = |size: i64| {
            let error = load(folder.path(), &[("size", ParameterValue::Integer(size))]).unwrap_err();
            error.message.replace(folder.path().to_str().unwrap(), "DATA")
        };
        assert_eq!(
            message(4096),
            "`DATA`: 100 images of 3x4096x4096 are 4800 MB, and a data set may have at most 4096 MB in memory: give a smaller \
             `size`, colour = \"grey\" or fewer images"
        );
        assert!(message(300).contains("is corrupt or of another format"), "{}", message(300));
    }

    #[test]
    fn mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = || {
            let message = load(folder.path(), &[]).unwrap_err().message;
            message.replace(folder.path().to_str().unwrap(), "DATA")
        };
        paint(folder.path(), "a/0.png", (4, 4), [1; 3]);
        assert!(message().starts_with("`DATA` has 1 class folders"), "{}", message());
        fs::create_dir(folder.path().join("b")).unwrap();
        assert_eq!(message(), "the class folder `DATA/b` has no image (.png, .jpg, .jpeg)");
        paint(folder.path(), "b/0.png", (4, 5), [1; 3]);
        assert_eq!(
            message(),
            "`DATA/b/0.png` has 4 x 5 pixels, the images before it 4 x 4: give `size` to resize all"
        );
        fs::write(folder.path().join("b/0.png"), "no image").unwrap();
        assert!(message().starts_with("`DATA/b/0.png` is corrupt or of another format"), "{}", message());
    }
}
