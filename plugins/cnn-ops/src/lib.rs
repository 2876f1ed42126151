//! The operations of the CNN language.
