//! pages (placeholder until its branch lands).
