//! Pure functions over a search space: counting, sampling, mutation, neighbours, repair, encoding, decoding.
