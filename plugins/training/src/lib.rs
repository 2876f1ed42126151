//! Training over any engine: data sets, splits, recipes, the loop, the evaluator.
