//! ledger (placeholder until its branch lands).
