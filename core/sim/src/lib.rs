//! Simulation engines: a workload on an accelerator gives cycles, latency, energy and area.
