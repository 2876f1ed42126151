//! Kinds `cnn-op` and `evaluator`.

use super::bindings::codebench::plugin::types::{Configuration, Error};
use super::bindings::exports::codebench::plugin::{cnn_op, evaluator};
use super::{Component, Configured, Created, Plugins, absent, find, has, read, written};
use codebench_api::{ChannelRequest, CnnOp, Evaluator, Factory, Kind, LowerRequest};
use codebench_model::{DataSource, Job};

/// An instance.
pub struct OpInstance(Box<dyn CnnOp>);

impl<P: Plugins> cnn_op::Guest for Component<P> {
    type Instance = Created<P, OpInstance>;
}

impl<P: Plugins> cnn_op::GuestInstance for Created<P, OpInstance> {
    fn create(id: String, configuration: Configuration) -> Result<cnn_op::Instance, Error> {
        if !const { has(P::PLUGINS, Kind::CnnOp) } {
            return Err(absent(&id));
        }
        let Factory::CnnOp(make) = find(P::PLUGINS, &id)? else { return Err(absent(&id)) };
        let op = make(&Configured::new(configuration).as_configuration())?;
        Ok(cnn_op::Instance::new(Created::<P, _>::new(OpInstance(op))))
    }

    fn output_channels(&self, request: String) -> Result<u64, Error> {
        if !const { has(P::PLUGINS, Kind::CnnOp) } {
            return Err(absent(""));
        }
        let request: ChannelRequest = read("question about channels", &request)?;
        Ok(self.instance.0.output_channels(&request)?)
    }

    fn lower(&self, request: String) -> Result<String, Error> {
        if !const { has(P::PLUGINS, Kind::CnnOp) } {
            return Err(absent(""));
        }
        let request: LowerRequest = read("vertex", &request)?;
        written(&self.instance.0.lower(&request)?)
    }
}

/// An instance.
pub struct EvaluatorInstance(Box<dyn Evaluator>);

impl<P: Plugins> evaluator::Guest for Component<P> {
    type Instance = Created<P, EvaluatorInstance>;
}

impl<P: Plugins> evaluator::GuestInstance for Created<P, EvaluatorInstance> {
    fn create(id: String, configuration: Configuration) -> Result<evaluator::Instance, Error> {
        if !const { has(P::PLUGINS, Kind::Evaluator) } {
            return Err(absent(&id));
        }
        let Factory::Evaluator(make) = find(P::PLUGINS, &id)? else { return Err(absent(&id)) };
        let evaluator = make(&Configured::new(configuration).as_configuration())?;
        Ok(evaluator::Instance::new(Created::<P, _>::new(EvaluatorInstance(evaluator))))
    }

    fn reads(&self) -> String {
        if !const { has(P::PLUGINS, Kind::Evaluator) } {
            return String::new();
        }
        // An answer that is no document is refused by the host.
        written(&self.instance.0.reads()).unwrap_or_else(|e| e.message)
    }

    fn evaluate(&self, job: String) -> Result<String, Error> {
        if !const { has(P::PLUGINS, Kind::Evaluator) } {
            return Err(absent(""));
        }
        let job: Job = read("job", &job)?;
        written(&self.instance.0.evaluate(&job)?)
    }

    fn data_shape(&self, data: String) -> Option<Result<String, Error>> {
        if !const { has(P::PLUGINS, Kind::Evaluator) } {
            return None;
        }
        let data: DataSource = match read("data set", &data) {
            Ok(data) => data,
            Err(e) => return Some(Err(e)),
        };
        let shape = self.instance.0.data_shape(&data)?;
        Some(shape.map_err(Error::from).and_then(|shape| written(&shape)))
    }
}
