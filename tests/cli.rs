//! The command line, run as a program: transcripts of what people see, and whole journeys against an edge
//! that speaks the contract and fails on command. Needs no network but loopback.

// Tests may be blunt, and so may what only tests use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "cli/bucket.rs"]
mod bucket;
#[path = "cli/customers.rs"]
mod customers;
#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/exit.rs"]
mod exit;
#[path = "cli/guard_edge.rs"]
mod guard_edge;
#[path = "cli/guard_store.rs"]
mod guard_store;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/kv.rs"]
mod kv;
#[path = "cli/open.rs"]
mod open;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/seal.rs"]
mod seal;
#[path = "cli/stub.rs"]
mod stub;
#[path = "cli/support.rs"]
mod support;
#[path = "cli/wrong_address.rs"]
mod wrong_address;

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .case("tests/cli/*.trycmd")
        .env("WAXSEAL_KEYS", support::KEYS)
        .env("COLUMNS", "100");
}
