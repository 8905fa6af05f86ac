//! Site settings (placeholder).
