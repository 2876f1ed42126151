//! The CNN label language: parsing, shape inference, lowering to primitives, hashes, named networks.
