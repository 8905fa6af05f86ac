//! Sealing and opening.

mod body;
mod interop;
mod manifest;
mod names;
mod plan;
mod rfc8188;
mod vectors;
