//! CNNs as the command line names them: a known network, or a file.

use crate::input::read_text;
use crate::numbers::{MOST, whole};
use crate::{Failure, OrFail};
use clap::Args;
use codebench_cnn::file::{self, Format, Places};
use codebench_cnn::{CnnError, Language, Lowered, named};
use codebench_model::{CnnGraph, TensorShape};
use std::ffi::OsStr;
use std::path::Path;

/// The image that a CNN is lowered for.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ImageArguments {
    /// Side of the square images, pixels [default: what the CNN is made for, else 32]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=MOST), allow_hyphen_values = true)]
    pub image: Option<u64>,
    /// Channels of the images [default: what the CNN is made for, else 3]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=MOST), allow_hyphen_values = true)]
    pub channels: Option<u64>,
    /// Classes of the head [default: what the CNN is made for, else 10]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=MOST), allow_hyphen_values = true)]
    pub classes: Option<u64>,
}

impl ImageArguments {
    /// Whether any of them is given.
    pub fn is_given(&self) -> bool {
        self.image.or(self.channels).or(self.classes).is_some()
    }
}

/// Images and classes, all known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Image {
    pub shape: TensorShape,
    pub classes: u64,
}

/// A CNN with what is known of it.
#[derive(Debug)]
pub struct CnnInput {
    /// The name given, or the file's.
    pub name: String,
    /// The CNN.
    pub graph: CnnGraph,
    image: ImageArguments,
    /// The file's path and where its vertices stand.
    source: Option<(String, Places)>,
}

impl CnnInput {
    /// The network called `name`, made for the images of `given`, or the CNN file at that path (`.json` or `.toml`).
    ///
    /// # Errors
    /// A name that is neither, with the nearest known one; a file that cannot be read.
    pub fn load(name: &OsStr, given: &ImageArguments) -> Result<CnnInput, Failure> {
        let path = Path::new(name);
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        match Format::of_extension(extension) {
            Some(format) => Self::of_file(path, format),
            None if !path.is_file() => Self::of_name(&name.to_string_lossy(), given),
            None => Err(Failure::of_usage(format!(
                "`{}` is a file without the extension `.json` or `.toml`: rename it to say which it is",
                path.display()
            ))),
        }
    }

    fn of_file(path: &Path, format: Format) -> Result<CnnInput, Failure> {
        let text = read_text(path)?;
        let shown = path.display().to_string();
        let (cnn, places) = file::parse_located(&text, format).map_err(|e| e.in_file(&shown)).usage()?;
        let image = ImageArguments { image: cnn.image, channels: cnn.channels, classes: cnn.classes };
        let name = cnn.name.unwrap_or_else(|| shown.clone());
        Ok(CnnInput { name, graph: cnn.graph, image, source: Some((shown, places)) })
    }

    fn of_name(name: &str, given: &ImageArguments) -> Result<CnnInput, Failure> {
        let found = given.image.map_or_else(|| named::find(name), |image| named::find_for_image(name, image));
        let known =
            found.map_err(|e| Failure::of_usage(format!("{e}; a CNN file ends in `.json` or `.toml`")))?;
        let image = ImageArguments {
            image: Some(known.image),
            channels: Some(known.channels),
            classes: Some(known.classes),
        };
        Ok(CnnInput { name: known.name.into(), graph: known.graph, image, source: None })
    }

    /// The image that `given` asks for, completed with what the CNN is made for.
    pub fn image(&self, given: &ImageArguments) -> Image {
        let side = given.image.or(self.image.image).unwrap_or(32);
        let channels = given.channels.or(self.image.channels).unwrap_or(3);
        let classes = given.classes.or(self.image.classes).unwrap_or(10);
        Image { shape: TensorShape::new(channels, side, side), classes }
    }

    /// Lowers the CNN; an error says where in the file it lies.
    ///
    /// # Errors
    /// A label that is not of the language, or shapes that do not fit.
    pub fn lower(&self, language: &Language, image: Image) -> Result<Lowered, Failure> {
        language.lower(&self.graph, image.shape, image.classes).map_err(|error| {
            let error = match &self.source {
                Some((file, places)) => match places.locate(error) {
                    CnnError::File(located) => located.in_file(file).into(),
                    other => anyhow::Error::new(other),
                },
                None => anyhow::Error::new(error),
            };
            Failure::Usage(
                error.context(format!("`{}` cannot be built for images of {}", self.name, image.shape)),
            )
        })
    }
}
