//! From a label to the cnn-op that claims it.

use crate::error::Fault;
use codebench_model::parameter::nearest;
use std::collections::BTreeMap;

/// Published spellings that contain a hyphen, with the keyword they stand for.
const HYPHENATED: [(&str, &str); 1] = [("global-avg-pool", "global_avg_pool")];

/// Keywords of all cnn-ops: keyword to (index of the op, vendor).
#[derive(Debug, Default)]
pub(crate) struct Keywords {
    by_keyword: BTreeMap<String, (usize, String)>,
}

/// A label taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed<'a> {
    /// Index of the op.
    pub(crate) op: usize,
    /// The keyword that matched.
    pub(crate) keyword: &'a str,
    /// The label behind the keyword.
    pub(crate) arguments: &'a str,
}

impl Keywords {
    pub(crate) fn insert(&mut self, keyword: &str, op: usize, vendor: &str) {
        self.by_keyword.insert(keyword.to_owned(), (op, vendor.to_owned()));
    }

    pub(crate) fn parse<'a>(&self, label: &'a str) -> Result<Parsed<'a>, Fault> {
        let (vendor, rest) = match label.split_once('/') {
            Some((vendor, rest)) => (Some(vendor), rest),
            None => (None, label),
        };
        let (keyword, arguments) = split(rest);
        match self.by_keyword.get(keyword) {
            Some((op, v)) if vendor.is_none_or(|vendor| vendor == v) => {
                Ok(Parsed { op: *op, keyword, arguments })
            }
            Some((_, v)) => Err(Fault::malformed(format!(
                "unknown label: vendor `{}` has no keyword `{keyword}`; write `{v}/{keyword}{arguments}`",
                vendor.unwrap_or_default()
            ))),
            None => Err(self.unknown(label, keyword, arguments)),
        }
    }

    fn unknown(&self, label: &str, keyword: &str, arguments: &str) -> Fault {
        if matches!(label, "input" | "output") {
            return Fault::malformed(format!(
                "`{label}` may only be the {} vertex of a module",
                if label == "input" { "first" } else { "last" }
            ));
        }
        let known = || self.by_keyword.keys().map(|k| published_spelling(k));
        let message = match nearest(keyword, known()) {
            Some(near) => format!("unknown label (did you mean `{near}{arguments}`?)"),
            // A hyphen inside a keyword cuts it short, so the whole label is compared too.
            None => match nearest(label, known()) {
                Some(near) => format!("unknown label (did you mean `{near}`?)"),
                None => {
                    let known: Vec<&str> = known().collect();
                    format!("unknown label; known keywords: {}", known.join(", "))
                }
            },
        };
        Fault::malformed(message)
    }
}

/// Keyword and arguments: a published spelling with hyphens first, longest first; else up to the first digit or hyphen.
fn split(label: &str) -> (&str, &str) {
    let longest = HYPHENATED
        .iter()
        .filter_map(|(spelling, keyword)| Some((label.strip_prefix(spelling)?, *keyword)))
        .min_by_key(|(rest, _)| rest.len());
    if let Some((rest, keyword)) = longest {
        return (keyword, rest);
    }
    let end = label.find(|c: char| c == '-' || c.is_ascii_digit()).unwrap_or(label.len());
    label.split_at(end)
}

fn published_spelling(keyword: &str) -> &str {
    HYPHENATED.iter().find(|(_, k)| *k == keyword).map_or(keyword, |(spelling, _)| spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keywords() -> Keywords {
        let mut keywords = Keywords::default();
        for (i, k) in ["conv", "dense", "dense_classes", "global_avg_pool", "maxpool"].iter().enumerate() {
            keywords.insert(k, i, "codebench");
        }
        keywords
    }

    #[test]
    fn the_whole_keyword_must_match() {
        let k = keywords();
        let parse = |l: &'static str| k.parse(l).map(|p| (p.keyword, p.arguments));
        assert_eq!(parse("conv3x3-c64"), Ok(("conv", "3x3-c64")));
        assert_eq!(parse("dense-120-relu"), Ok(("dense", "-120-relu")));
        assert_eq!(parse("dense_classes"), Ok(("dense_classes", "")));
        assert_eq!(parse("global-avg-pool"), Ok(("global_avg_pool", "")));
        assert_eq!(parse("codebench/conv1x1"), Ok(("conv", "1x1")));
        assert!(parse("acme/conv1x1").is_err());
        assert!(parse("convolution3x3").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn the_nearest_label_is_suggested() {
        let message = |l: &str| keywords().parse(l).unwrap_err().message;
        assert_eq!(message("cnov3x3-c64"), "unknown label (did you mean `conv3x3-c64`?)");
        assert_eq!(message("global-av-pool"), "unknown label (did you mean `global-avg-pool`?)");
        assert_eq!(
            message("zzz"),
            "unknown label; known keywords: conv, dense, dense_classes, global-avg-pool, maxpool"
        );
        assert_eq!(message("input"), "`input` may only be the first vertex of a module");
    }
}
