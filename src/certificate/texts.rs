//! The certificate's messages, which `build.rs` writes from `locales/certificate/*.toml`.

// Written for more than one place; not every one of them needs all of it.
#![allow(unreachable_pub)]

use crate::lang::{Lang, fill};

include!(concat!(env!("OUT_DIR"), "/certificate.rs"));
