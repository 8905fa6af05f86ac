//! The command line, run as a program: transcripts of what people see, and whole journeys against an edge
//! that speaks the contract and fails on command. Needs no network but loopback.

// Tests may be blunt, and so may what only tests use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bucket;
mod bulk;
mod bulk_files;
mod customers;
mod doctor;
mod evidence;
mod exit;
mod guard_edge;
mod guard_rules;
mod keys;
mod memory;
mod open;
mod report;
mod s3;
mod s3_server;
mod seal;
mod stub;
mod support;
mod wrong_address;

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .case("../../tests/cli/*.trycmd")
        .env("WAXSEAL_KEYS", support::KEYS)
        .env("COLUMNS", "100");
}
