//! Links: minting, reading, keys.

mod doc;
mod examples;
mod keyring;
mod properties;
mod vectors;
