//! Kinds `cnn-op` and `evaluator` in the sandbox.

use super::bindings::exports::codebench::plugin::{cnn_op, evaluator};
use super::configured;
use super::sandbox::{Pool, Sandbox, pool_of};
use super::search::{json, parsed};
use crate::checks;
use codebench_api::{
    ChannelRequest, CnnOp, Configuration, Evaluator, LowerRequest, LoweredOp, Maker, PluginError, Reads,
};
use codebench_model::{DataShape, DataSource, Job, Metrics};
use std::sync::Arc;

/// A configured op.
struct Op {
    pool: Pool<cnn_op::Guest>,
}

/// The maker of cnn-op `id`.
pub(super) fn cnn_op(sandbox: &Arc<Sandbox>, id: &str) -> Result<Maker, String> {
    let indices = Arc::new(cnn_op::GuestIndices::new(&sandbox.pre).map_err(|e| e.to_string())?);
    let (sandbox, id): (_, Arc<str>) = (sandbox.clone(), id.into());
    Ok(Maker::CnnOp(Arc::new(move |configuration: &Configuration<'_>| {
        let given = configured(configuration);
        let pool = pool_of!(sandbox, indices, id, given);
        // Wrong parameters are refused now, not at the first vertex.
        let worker = pool.worker()?;
        pool.keep(worker);
        Ok(Box::new(Op { pool }) as Box<dyn CnnOp>)
    })))
}

impl CnnOp for Op {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        let document = json(request)?;
        self.pool.pure("output_channels", 0, |w| {
            w.exports.instance().call_output_channels(&mut w.store, w.instance, &document)
        })
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let document = json(request)?;
        let answer = self.pool.pure("lower", usize::MAX, |w| {
            w.exports.instance().call_lower(&mut w.store, w.instance, &document)
        })?;
        parsed("lowered op", &answer)
            .and_then(|op| checks::lowered(&op).map(|()| op))
            .map_err(|e| self.pool.error("lower", e))
    }
}

/// A configured evaluator.
struct SandboxedEvaluator {
    pool: Pool<evaluator::Guest>,
    reads: Reads,
}

/// The maker of evaluator `id`.
pub(super) fn evaluator(sandbox: &Arc<Sandbox>, id: &str) -> Result<Maker, String> {
    let indices = Arc::new(evaluator::GuestIndices::new(&sandbox.pre).map_err(|e| e.to_string())?);
    let (sandbox, id): (_, Arc<str>) = (sandbox.clone(), id.into());
    Ok(Maker::Evaluator(Arc::new(move |configuration: &Configuration<'_>| {
        let given = configured(configuration);
        let pool = pool_of!(sandbox, indices, id, given);
        let reads = pool
            .pure("reads", usize::MAX, |w| {
                Ok(Ok(w.exports.instance().call_reads(&mut w.store, w.instance)?))
            })
            .and_then(|text| parsed("list of fields", &text).map_err(|e| pool.error("reads", e)))?;
        Ok(Box::new(SandboxedEvaluator { pool, reads }) as Box<dyn Evaluator>)
    })))
}

/// The refusal of an answer with a metric that is no number: JSON has none but finite ones, and `null` stands for all others.
fn not_finite(answer: &str) -> Option<PluginError> {
    let document: serde_json::Value = serde_json::from_str(answer).ok()?;
    let metrics = ["values", "wall"].into_iter().filter_map(|part| document.get(part)?.as_object()).flatten();
    let (name, _) = metrics.into_iter().find(|(_, value)| value.is_null())?;
    Some(PluginError::contract(format!(
        "its metric `{}` is null, which stands for NaN and infinity: every answer must be finite",
        crate::text::printable(name)
    )))
}

impl Evaluator for SandboxedEvaluator {
    fn reads(&self) -> Reads {
        self.reads.clone()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let document = json(job)?;
        let answer = self.pool.pure("evaluate", usize::MAX, |w| {
            w.exports.instance().call_evaluate(&mut w.store, w.instance, &document)
        })?;
        parsed("set of metrics", &answer)
            .map_err(|e| not_finite(&answer).unwrap_or(e))
            .and_then(|metrics| checks::metrics(&metrics).map(|()| metrics))
            .map_err(|e| self.pool.error("evaluate", e))
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        let document = match json(data) {
            Ok(document) => document,
            Err(e) => return Some(Err(e)),
        };
        let answer = self.pool.pure("data_shape", usize::MAX, |w| {
            let answer = w.exports.instance().call_data_shape(&mut w.store, w.instance, &document)?;
            Ok(answer.transpose())
        });
        let shape = answer.transpose()?.and_then(|text| {
            parsed("shape of a data set", &text).map_err(|e| self.pool.error("data_shape", e))
        });
        Some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::not_finite;

    #[test]
    fn a_metric_that_is_no_number_is_named() {
        let said = |answer: &str| not_finite(answer).map(|e| e.message).unwrap_or_default();
        let nan = said(r#"{"values": {"depth": 1, "width": null}}"#);
        assert!(nan.starts_with("its metric `width` is null, which stands for NaN and infinity"), "{nan}");
        assert!(said(r#"{"values": {}, "wall": {"s": null}}"#).contains("`s`"));
        assert_eq!(said(r#"{"values": {"depth": 1}}"#), "");
        assert_eq!(said("text"), "");
    }
}
