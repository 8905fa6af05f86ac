//! The native command line: a thin shell that reads files, calls the edge or a bucket, and asks the pure
//! modules what to do.

mod address;
mod api;
mod api_keys;
mod args;
mod cancel;
mod clock;
mod create;
mod doctor;
mod erase;
mod error;
mod evidence;
mod expiry;
mod guard;
mod http;
mod inspect;
mod keyring;
mod keys;
mod letter;
mod link;
mod lists;
mod message;
mod mint;
mod open;
mod origin;
mod output;
mod reissue;
mod seal;
mod secret;
mod sweep;
mod terms;
mod upload;
mod webhooks;
mod when;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::args::{Cli, Command};
use crate::error::{Error, USAGE};
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(misused(&error)),
    };
    let output = Output { json: cli.global.json, quiet: cli.global.quiet };
    match run(cli.command, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

/// Help and version are answers; everything else clap says is an error of use.
fn misused(error: &clap::Error) -> u8 {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && json {
        let text = error.render().to_string();
        let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        Output { json, quiet: false }.failure(&Error { code: "usage", message, exit: USAGE });
        return USAGE;
    }
    // A closed pipe (`waxseal --help | head -1`) is no reason to complain.
    let _ = error.print();
    u8::try_from(error.exit_code()).unwrap_or(USAGE)
}

fn run(command: Command, output: Output) -> Result<(), Error> {
    let now = clock::now();
    match command {
        Command::Keys(command) => keys::run(&command, output, now),
        Command::Mint(args) => runtime()?.block_on(mint::run(&args, output, now)),
        Command::Inspect(args) => inspect::run(&args, output, now),
        Command::Evidence(command) => evidence::run(&command, output, now),
        Command::Guard(command) => guard::run(&command, output, now),
        Command::Completions { shell } => completions(shell, output),
        Command::Seal(args) => runtime()?.block_on(seal::run(*args, output, now)),
        Command::Open(args) => runtime()?.block_on(open::run(&args, output, now)),
        Command::Cancel(args) => runtime()?.block_on(cancel::cancel(&args, output, now)),
        Command::Reissue(args) => runtime()?.block_on(reissue::run(&args, output, now)),
        Command::Withdraw(args) => runtime()?.block_on(cancel::withdraw(&args, output, now)),
        Command::Terms(command) => runtime()?.block_on(terms::run(&command, output)),
        Command::Erase(args) => runtime()?.block_on(erase::run(&args, output, now)),
        Command::Letters(command) => runtime()?.block_on(lists::letters(&command, output, now)),
        Command::Events(command) => runtime()?.block_on(lists::events(&command, output)),
        Command::Doctor(args) => runtime()?.block_on(doctor::run(&args, output, now)),
        Command::Webhooks(command) => runtime()?.block_on(webhooks::run(&command, output, now)),
        Command::Sweep(args) => runtime()?.block_on(sweep::run(&args, output)),
    }
}

/// Two workers: the network and the bars are light, sealing has a thread of its own.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| {
        Error::failed("runtime", format!("the program could not start its threads: {error}"))
    })
}

fn completions(shell: clap_complete::Shell, output: Output) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "waxseal", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Ok(output.answer(&json!({ "shell": shell.to_string(), "script": script }), script.trim_end())?)
}
