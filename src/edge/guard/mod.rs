//! The guard at the edge.
// Nothing calls the sentinels yet.
#![allow(dead_code, unused_imports)]

mod sentinel;
