//! The evaluator `codebench/zero-cost`: what a network promises before it is trained, from one mini-batch.

mod proxies;
#[cfg(test)]
mod tests;
mod workloads;

use crate::augment::Augmentation;
use crate::setting::{ChosenEngine, LoadedData, engine_parameters};
use crate::shuffle;
use crate::training::check_fit;
use codebench_sdk::api::Reads;
use codebench_sdk::prelude::*;
use codebench_sdk::space::rng::Rng;
use proxies::Setting;

/// Stream of the seed's generator for the choice of images; no augmentation draws from it.
const STREAM: u64 = 0x7a65_726f << 32;

/// A proxy: its name as a metric, and how it is computed.
type Proxy = (&'static str, fn(&Setting<'_>) -> Result<f64, PluginError>);

/// Every proxy.
const PROXIES: [Proxy; 3] = [
    ("grad_norm", proxies::gradient_norm),
    ("log_synflow", proxies::log_synflow),
    ("naswot", proxies::naswot),
];

/// Names of the metrics, as descriptions list them.
const METRICS: [&str; 5] = ["grad_norm", "log_synflow", "naswot", "parameters", "macs"];

/// The evaluator `codebench/zero-cost`.
pub struct ZeroCost {
    engine: Box<dyn Engine>,
    proxies: Vec<Proxy>,
    images: usize,
    data: LoadedData,
}

impl Plugin for ZeroCost {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        let mut parameters = vec![
            ParameterDescription::text(
                "proxies",
                "grad_norm, log_synflow, naswot",
                "Which are computed, separated by commas; parameters and macs always are.",
            ),
            ParameterDescription::integer("images", 2, 1024, 64, "Training images of the mini-batch."),
        ];
        parameters.extend(engine_parameters());
        PluginInfo::new(
            "codebench/zero-cost",
            env!("CARGO_PKG_VERSION"),
            "Scores an untrained CNN by its gradients and activations on one mini-batch.",
        )
        .parameters(parameters)
        .needs(&[Kind::Engine])
        .metrics(&METRICS)
        .example(
            "Score in an experiment",
            "[[evaluator]]\nid = \"score\"\nplugin = \"codebench/zero-cost\"\nparameters = { proxies = \"naswot\" }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let names = configuration.text("proxies")?.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(ZeroCost {
            engine: ChosenEngine::configure(configuration)?.engine,
            proxies: names.map(proxy).collect::<Result<_, _>>()?,
            images: configuration.integer("images")?.unsigned_abs() as usize,
            data: LoadedData::default(),
        })
    }
}

/// The proxy of a name.
fn proxy(name: &str) -> Result<Proxy, PluginError> {
    PROXIES.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
        let known = PROXIES.map(|(known, _)| known).join(", ");
        PluginError::invalid(format!("proxies: there is no proxy `{name}`; known: {known}"))
    })
}

impl Evaluator for ZeroCost {
    fn reads(&self) -> Reads {
        Reads { cnn: true, data: true, seed: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let (Some(workload), Some(source)) = (&job.workload, &job.data) else {
            return Err(PluginError::invalid(
                "zero-cost proxies need a CNN and a data set: add [space.cnn] and [data]",
            ));
        };
        let splits = self.data.splits(source)?;
        check_fit(workload, splits.shape())?;
        let mut chosen = shuffle::order(splits.train().len(), job.seed, 0);
        chosen.truncate(self.images);
        let mut random = Rng::new(job.seed, STREAM);
        let (images, labels) = splits.train().gather(&chosen, &Augmentation::default(), &mut random);
        let batch = MiniBatch { images: &images, labels: &labels, shape: splits.shape().input };
        let setting = Setting { engine: self.engine.as_ref(), workload, batch, seed: job.seed };
        let mut metrics = Metrics::default();
        for (name, compute) in &self.proxies {
            let value = compute(&setting)?;
            if !value.is_finite() {
                return Err(PluginError::failed(format!("{name} is {value}: leave it out of `proxies`")));
            }
            metrics.values.insert((*name).to_owned(), value);
        }
        metrics.values.insert("parameters".into(), workload.parameters() as f64);
        metrics.values.insert("macs".into(), workload.macs() as f64);
        Ok(metrics)
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        Some(self.data.splits(data).map(|splits| splits.shape().clone()))
    }
}
