//! token (placeholder until its branch lands).
