//! Random small networks.

use crate::Random;
use crate::case::Style;
use codebench_model::{
    Activation, Layer, Padding, Primitive, ResizeMode, TensorShape, WeightTensor, Workload,
};

struct Builder<'a> {
    random: &'a mut Random,
    workload: Workload,
}

/// A network of a few layers: fewer on larger maps if they are to have many tiles, smaller ones for many images.
pub(crate) fn network(random: &mut Random, style: Style) -> Workload {
    let (extent, steps) = match style {
        Style::Mixed => (9, 10),
        Style::Tiled => (24, 3),
        Style::Batched => (5, 3),
    };
    let image = TensorShape::new(random.from(1, 4), random.from(3, extent), random.from(3, extent));
    let workload =
        Workload { v: Workload::VERSION, tensors: vec![image], input: 0, output: 0, layers: Vec::new() };
    let steps = random.from(2, steps);
    let mut builder = Builder { random, workload };
    while builder.workload.layers.len() < steps as usize {
        builder.step();
    }
    if builder.random.chance(30) {
        builder.classify();
    }
    builder.workload.output = builder.workload.tensors.len() - 1;
    builder.workload
}

impl Builder<'_> {
    fn shape(&self, tensor: usize) -> TensorShape {
        self.workload.tensors[tensor]
    }

    fn newest(&self) -> usize {
        self.workload.tensors.len() - 1
    }

    /// A tensor, mostly the newest.
    fn some(&mut self) -> usize {
        if self.random.chance(70) {
            self.newest()
        } else {
            self.random.from(0, self.newest() as u64) as usize
        }
    }

    /// Adds a layer if its inputs suit it.
    fn push(&mut self, primitive: Primitive, inputs: &[usize]) -> Option<usize> {
        let shapes: Vec<TensorShape> = inputs.iter().map(|&input| self.shape(input)).collect();
        let shape = primitive.output_shape(&shapes).ok()?;
        if shape.elements()? > 4000 || shape.channels > 400 {
            return None;
        }
        let number = self.workload.layers.len();
        let name = format!("layer{number}");
        let weights = primitive.weight_shapes().into_iter();
        let weights = weights.map(|(suffix, role, shape)| WeightTensor {
            name: format!("{name}.{suffix}"),
            role,
            shape,
        });
        self.workload.layers.push(Layer {
            module: 0,
            vertex: number,
            inputs: inputs.to_vec(),
            output: self.workload.tensors.len(),
            weights: weights.collect(),
            macs: primitive.mac_count(shape)?,
            parameters: primitive.parameter_count()?,
            primitive,
            name,
        });
        self.workload.tensors.push(shape);
        Some(self.newest())
    }

    fn pair(&mut self, low: u64, high: u64) -> [u64; 2] {
        let first = self.random.from(low, high);
        if self.random.chance(70) { [first, first] } else { [first, self.random.from(low, high)] }
    }

    fn conv(&mut self, input: usize) -> Option<usize> {
        let in_channels = self.shape(input).channels;
        let divisors: Vec<u64> = (1..=in_channels).filter(|&g| in_channels.is_multiple_of(g)).collect();
        let groups = if self.random.chance(35) { self.random.pick(&divisors) } else { 1 };
        let out_channels = groups * self.random.from(1, if groups > 2 { 2 } else { 6 });
        let kernel = self.pair(1, 3);
        let dilation = if self.random.chance(35) { self.pair(1, 3) } else { [1, 1] };
        let stride = if self.random.chance(30) { self.pair(1, 3) } else { [1, 1] };
        let pad = |random: &mut Random| random.from(0, 2);
        let padding = if self.random.chance(60) {
            let reach = |axis: usize| (kernel[axis] - 1) * dilation[axis] / 2;
            Padding::symmetric(reach(0), reach(1))
        } else {
            let random = &mut *self.random;
            Padding { top: pad(random), left: pad(random), bottom: pad(random), right: pad(random) }
        };
        let bias = self.random.chance(40);
        self.push(
            Primitive::Conv { in_channels, out_channels, kernel, stride, padding, dilation, groups, bias },
            &[input],
        )
    }

    /// A convolution that keeps the shape.
    fn same_conv(&mut self, input: usize) -> Option<usize> {
        let channels = self.shape(input).channels;
        let kernel = self.random.pick(&[[1, 1], [3, 3], [1, 3]]);
        let padding = Padding::symmetric(kernel[0] / 2, kernel[1] / 2);
        let groups = if self.random.chance(30) { channels } else { 1 };
        let primitive = Primitive::Conv {
            in_channels: channels,
            out_channels: channels,
            kernel,
            stride: [1, 1],
            padding,
            dilation: [1, 1],
            groups,
            bias: self.random.chance(30),
        };
        self.push(primitive, &[input])
    }

    fn norm(&mut self, input: usize) -> Option<usize> {
        let channels = self.shape(input).channels;
        self.push(Primitive::BatchNorm { channels, epsilon: 1e-5 }, &[input])
    }

    fn activation(&mut self, input: usize) -> Option<usize> {
        let function = self.random.pick(&[
            Activation::Relu,
            Activation::Silu,
            Activation::Sigmoid,
            Activation::Identity,
        ]);
        self.push(Primitive::Activation { function }, &[input])
    }

    /// Some of batch norm and activation after a tensor.
    fn decorate(&mut self, input: usize) -> Option<usize> {
        let mut tensor = input;
        if self.random.chance(50) {
            tensor = self.norm(tensor)?;
        }
        if self.random.chance(50) {
            tensor = self.activation(tensor)?;
        }
        Some(tensor)
    }

    fn residual(&mut self, input: usize) -> Option<usize> {
        let branch = self.same_conv(input)?;
        let branch = self.decorate(branch)?;
        let other = if self.random.chance(30) { self.same_conv(input)? } else { input };
        let mut operands = vec![branch, other];
        self.random.shuffle(&mut operands);
        if self.random.chance(10) {
            operands.push(input);
        }
        let sum = self.push(Primitive::Add, &operands)?;
        self.decorate(sum)
    }

    /// Squeeze and excite.
    fn excite(&mut self, input: usize) -> Option<usize> {
        let pooled = self.push(Primitive::GlobalAveragePool, &[input])?;
        let gate = self.same_conv(pooled)?;
        let gate = self.activation(gate)?;
        let mut operands = [input, gate];
        self.random.shuffle(&mut operands);
        let primitive = self.random.pick(&[Primitive::Multiply, Primitive::Multiply, Primitive::Add]);
        self.push(primitive, &operands)
    }

    fn branches(&mut self, input: usize) -> Option<usize> {
        let first = self.same_conv(input)?;
        let second = if self.random.chance(50) { self.same_conv(input)? } else { input };
        let mut parts = vec![first, second];
        if self.random.chance(30) {
            parts.push(input);
        }
        self.random.shuffle(&mut parts);
        self.push(Primitive::Concat, &parts)
    }

    /// A chain, some of whose tensors are read again later, in another order.
    fn long_skips(&mut self, input: usize) -> Option<usize> {
        let mut chain = vec![input];
        let mut tensor = input;
        for _ in 0..self.random.from(2, 4) {
            tensor = self.same_conv(tensor)?;
            chain.push(tensor);
        }
        chain.pop();
        self.random.shuffle(&mut chain);
        for other in chain {
            tensor = if self.random.chance(50) {
                self.push(Primitive::Add, &[tensor, other])?
            } else {
                let joined = self.push(Primitive::Multiply, &[tensor, other])?;
                self.same_conv(joined)?
            };
        }
        Some(tensor)
    }

    fn slice(&mut self, input: usize) -> Option<usize> {
        let channels = self.shape(input).channels;
        let start = self.random.from(0, channels - 1);
        let end = self.random.from(start + 1, channels);
        self.push(Primitive::Slice { start, end }, &[input])
    }

    fn pool(&mut self, input: usize) -> Option<usize> {
        let kernel = self.pair(2, 3);
        let stride = self.pair(1, 3);
        let padding = if self.random.chance(40) { Padding::symmetric(1, 1) } else { Padding::default() };
        let ceil = self.random.chance(40);
        let primitive = if self.random.chance(50) {
            Primitive::MaxPool { kernel, stride, padding, ceil }
        } else {
            Primitive::AveragePool { kernel, stride, padding, ceil, count_include_padding: true }
        };
        self.push(primitive, &[input])
    }

    fn resize(&mut self, input: usize) -> Option<usize> {
        let mode = self.random.pick(&[ResizeMode::Nearest, ResizeMode::BilinearAlignCorners]);
        let (height, width) = (self.random.from(1, 12), self.random.from(1, 12));
        self.push(Primitive::Resize { mode, height, width }, &[input])
    }

    fn rare(&mut self, input: usize) -> Option<usize> {
        let groups = if self.shape(input).channels.is_multiple_of(2) { 2 } else { 1 };
        let primitive = self.random.pick(&[
            Primitive::Softmax,
            Primitive::LocalResponseNorm { size: 3, alpha: 1e-4, beta: 0.75, k: 1.0 },
            Primitive::Shuffle { groups },
            Primitive::Dropout { probability: 0.5 },
            Primitive::GlobalAveragePool,
        ]);
        self.push(primitive, &[input])
    }

    fn combine(&mut self, input: usize) -> Option<usize> {
        let other = self.some();
        let primitive = self.random.pick(&[Primitive::Add, Primitive::Multiply, Primitive::Concat]);
        self.push(primitive, &[input, other])
    }

    fn step(&mut self) {
        let input = self.some();
        let made = match self.random.from(0, 22) {
            0..=4 => self.conv(input),
            5..=7 => self.residual(input),
            8 => self.excite(input),
            9..=10 => self.branches(input),
            11 => self.slice(input),
            12..=13 => self.pool(input),
            14 => self.resize(input),
            15 => self.rare(input),
            16 => self.combine(input),
            17 => self.norm(input),
            18..=20 => self.long_skips(input),
            _ => self.same_conv(input),
        };
        if let Some(tensor) = made
            && self.random.chance(50)
        {
            self.decorate(tensor);
        }
    }

    /// A classifier at the end: flatten or pool, perhaps join, then a dense layer.
    fn classify(&mut self) {
        let mut input = self.newest();
        if self.random.chance(25) {
            input = self.slice(input).unwrap_or(input);
        }
        let plane = self.shape(input).height * self.shape(input).width;
        let flatten = if self.random.chance(70) { Primitive::Flatten } else { Primitive::GlobalAveragePool };
        let pooled = flatten == Primitive::GlobalAveragePool;
        let Some(mut flat) = self.push(flatten, &[input]) else { return };
        if !pooled && self.random.chance(25) {
            // Whole channels of the flattened tensor.
            let channels = self.shape(input).channels;
            let start = self.random.from(0, channels - 1);
            let end = self.random.from(start + 1, channels);
            flat = self
                .push(Primitive::Slice { start: start * plane, end: end * plane }, &[flat])
                .unwrap_or(flat);
        }
        if self.random.chance(25) {
            let other = self.some();
            let joined = self
                .push(Primitive::Flatten, &[other])
                .and_then(|o| self.push(Primitive::Concat, &[flat, o]));
            flat = joined.unwrap_or(flat);
        }
        let layers = self.random.from(1, 2);
        for _ in 0..layers {
            let in_features = self.shape(flat).channels;
            let out_features = self.random.from(1, 8);
            let bias = self.random.chance(50);
            let dense = self.push(Primitive::Dense { in_features, out_features, bias }, &[flat]);
            flat = dense.and_then(|d| self.decorate(d)).unwrap_or(flat);
        }
    }
}
