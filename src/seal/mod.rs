//! seal (placeholder until its branch lands).
