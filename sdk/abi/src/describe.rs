//! Descriptions and parameters, typed.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString, RVec, Tuple2};
use codebench_api::{Example, Kind, PluginInfo};
use codebench_model::{Domain, HardwareContext, ParameterDescription, ParameterValue, Parameters};

/// [`PluginInfo`].
#[repr(C)]
#[derive(Debug, Clone, StableAbi)]
pub(crate) struct Description {
    id: RString,
    version: RString,
    summary: RString,
    parameters: RVec<Parameter>,
    keywords: RVec<RString>,
    needs: RVec<RString>,
    metrics: RVec<RString>,
    /// Title and text.
    examples: RVec<Tuple2<RString, RString>>,
}

/// [`ParameterDescription`].
#[repr(C)]
#[derive(Debug, Clone, StableAbi)]
struct Parameter {
    name: RString,
    unit: ROption<RString>,
    domain: Range,
    default: ROption<Value>,
    help: RString,
}

/// [`Domain`].
#[repr(u8)]
#[derive(Debug, Clone, StableAbi)]
enum Range {
    Integer { min: i64, max: i64 },
    Float { min: f64, max: f64 },
    Choice { values: RVec<RString> },
    Boolean,
    Text,
}

/// [`ParameterValue`].
#[repr(u8)]
#[derive(Debug, Clone, StableAbi)]
enum Value {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(RString),
}

fn strings(texts: &[String]) -> RVec<RString> {
    texts.iter().map(|t| t.as_str().into()).collect()
}

fn owned(texts: &RVec<RString>) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

impl From<&PluginInfo> for Description {
    fn from(info: &PluginInfo) -> Self {
        let example = |e: &Example| Tuple2(e.title.as_str().into(), e.text.as_str().into());
        Description {
            id: info.id.as_str().into(),
            version: info.version.as_str().into(),
            summary: info.summary.as_str().into(),
            parameters: info.parameters.iter().map(Parameter::from).collect(),
            keywords: strings(&info.keywords),
            needs: info.needs.iter().map(|kind| kind.name().into()).collect(),
            metrics: strings(&info.metrics),
            examples: info.examples.iter().map(example).collect(),
        }
    }
}

impl From<&Description> for PluginInfo {
    /// Needs of kinds that this side does not know are left out: it could not give them.
    fn from(d: &Description) -> Self {
        let kind = |name: &RString| Kind::ALL.into_iter().find(|kind| kind.name() == name.as_str());
        PluginInfo {
            id: d.id.to_string(),
            version: d.version.to_string(),
            summary: d.summary.to_string(),
            parameters: d.parameters.iter().map(ParameterDescription::from).collect(),
            keywords: owned(&d.keywords),
            needs: d.needs.iter().filter_map(kind).collect(),
            metrics: owned(&d.metrics),
            examples: d
                .examples
                .iter()
                .map(|e| Example { title: e.0.to_string(), text: e.1.to_string() })
                .collect(),
        }
    }
}

impl From<&ParameterDescription> for Parameter {
    fn from(p: &ParameterDescription) -> Self {
        Parameter {
            name: p.name.as_str().into(),
            unit: p.unit.as_deref().map(RString::from).into(),
            domain: match &p.domain {
                Domain::Integer { min, max } => Range::Integer { min: *min, max: *max },
                Domain::Float { min, max } => Range::Float { min: *min, max: *max },
                Domain::Choice { values } => Range::Choice { values: strings(values) },
                Domain::Boolean => Range::Boolean,
                Domain::Text => Range::Text,
            },
            default: p.default.as_ref().map(Value::from).into(),
            help: p.help.as_str().into(),
        }
    }
}

impl From<&Parameter> for ParameterDescription {
    fn from(p: &Parameter) -> Self {
        ParameterDescription {
            name: p.name.to_string(),
            unit: p.unit.as_ref().into_option().map(ToString::to_string),
            domain: match &p.domain {
                Range::Integer { min, max } => Domain::Integer { min: *min, max: *max },
                Range::Float { min, max } => Domain::Float { min: *min, max: *max },
                Range::Choice { values } => Domain::Choice { values: owned(values) },
                Range::Boolean => Domain::Boolean,
                Range::Text => Domain::Text,
            },
            default: p.default.as_ref().into_option().map(ParameterValue::from),
            help: p.help.to_string(),
        }
    }
}

impl From<&ParameterValue> for Value {
    fn from(value: &ParameterValue) -> Self {
        match value {
            ParameterValue::Boolean(b) => Value::Boolean(*b),
            ParameterValue::Integer(i) => Value::Integer(*i),
            ParameterValue::Float(x) => Value::Float(*x),
            ParameterValue::Text(text) => Value::Text(text.as_str().into()),
        }
    }
}

impl From<&Value> for ParameterValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Boolean(b) => ParameterValue::Boolean(*b),
            Value::Integer(i) => ParameterValue::Integer(*i),
            Value::Float(x) => ParameterValue::Float(*x),
            Value::Text(text) => ParameterValue::Text(text.to_string()),
        }
    }
}

/// What an instance is made from, its needs excepted.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub(crate) struct Configured {
    parameters: RVec<Tuple2<RString, Value>>,
    clock_khz: u64,
    word_bits: u64,
    /// What the kind's trait is started with, as a JSON document.
    pub(crate) context: RString,
}

impl Configured {
    pub(crate) fn new(parameters: &Parameters, hardware: HardwareContext, context: RString) -> Self {
        let pairs = parameters.iter().map(|(name, value)| Tuple2(name.as_str().into(), value.into()));
        Configured {
            parameters: pairs.collect(),
            clock_khz: hardware.clock_khz,
            word_bits: hardware.word_bits,
            context,
        }
    }

    pub(crate) fn parameters(&self) -> Parameters {
        self.parameters.iter().map(|pair| (pair.0.to_string(), (&pair.1).into())).collect()
    }

    pub(crate) fn hardware(&self) -> HardwareContext {
        HardwareContext { clock_khz: self.clock_khz, word_bits: self.word_bits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_and_parameters_come_back_as_they_went() {
        let info = PluginInfo::new("acme/all", "1.2.3", "Everything at once.")
            .parameters(vec![
                ParameterDescription::integer("rows", 1, 9, 2, "Rows.").unit("PE"),
                ParameterDescription::float("scale", 0.0, 1.0, 0.1, "A scale.").required(),
                ParameterDescription::choice("flow", &["a", "b"], "b", "Which."),
                ParameterDescription::boolean("fast", true, "Whether."),
                ParameterDescription::text("path", "x", "A path."),
            ])
            .keywords(&["fold"])
            .needs(&[Kind::Surrogate, Kind::Engine])
            .metrics(&["loss"])
            .example("one", "text");
        assert_eq!(PluginInfo::from(&Description::from(&info)), info);

        let values = info.parameters.iter().filter_map(|p| Some((p.name.clone(), p.default.clone()?)));
        let parameters: Parameters = values.collect();
        let hardware = HardwareContext { clock_khz: 5, word_bits: 8 };
        let configured = Configured::new(&parameters, hardware, "null".into());
        assert_eq!((configured.parameters(), configured.hardware()), (parameters, hardware));
    }
}
