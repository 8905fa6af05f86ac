//! Telling people and programs apart.

mod headers;
mod properties;
