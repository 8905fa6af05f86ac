//! The command line as clap sees it. Values are checked here; what they mean is decided in the commands.

mod examples;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use waxseal::lang::Lang;
use waxseal::seal::Sha256Sum;
use waxseal::types::LetterId;

use crate::message::MessageArgs;
use crate::origin::Origin;
use crate::when::{self, When, Zone};

/// Seal a report for one person, send a link, keep evidence.
#[derive(Parser)]
#[command(name = "waxseal", version, max_term_width = 100, after_help = examples::TOP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args)]
pub(crate) struct Global {
    /// Answer in JSON on standard output; errors in JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no progress and no notes
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make, rotate and show the site's keys; issue and revoke API keys
    #[command(subcommand, after_help = examples::KEYS)]
    Keys(Keys),
    /// Encrypt a report, upload it, print its link; or each report of a table
    #[command(
        after_help = examples::SEAL,
        override_usage = "waxseal seal [OPTIONS] --subject <TEXT> <FILE>\n       waxseal seal [OPTIONS] --from <CSV>"
    )]
    Seal(Box<Seal>),
    /// Make a link to a letter that is already sealed, offline
    #[command(after_help = examples::MINT)]
    Mint(Mint),
    /// Explain a token or link
    #[command(after_help = examples::INSPECT)]
    Inspect(Inspect),
    /// Open a letter as its recipient: consent, download, decrypt, verify
    #[command(after_help = examples::OPEN)]
    Open(Open),
    /// Give a letter a new end and a new link; what expired or was cancelled is open again
    #[command(after_help = crate::reissue::EXAMPLES)]
    Reissue(Box<crate::reissue::Args>),
    /// Cancel a letter: from the next request on nobody can read it
    #[command(after_help = crate::cancel::EXAMPLES)]
    Cancel(crate::cancel::Args),
    /// Withdraw a consent on behalf of the person who gave it
    #[command(after_help = crate::cancel::WITHDRAW_EXAMPLES)]
    Withdraw(crate::cancel::Args),
    /// Prove what happened to a letter: export, verify, certificate
    #[command(subcommand, after_help = crate::evidence::EXAMPLES)]
    Evidence(crate::evidence::Evidence),
    /// The letters of a site: list them, show one, create one
    #[command(subcommand, after_help = crate::lists::LETTERS)]
    Letters(crate::lists::Letters),
    /// What happens to all letters, as it happens
    #[command(subcommand, after_help = crate::lists::EVENTS)]
    Events(crate::lists::Events),
    /// Endpoints that are told what happens: make, test, replay
    #[command(subcommand, after_help = crate::webhooks::EXAMPLES)]
    Webhooks(crate::webhooks::Webhooks),
    /// The terms that envelopes show: push a new version, list, show
    #[command(subcommand, after_help = crate::terms::EXAMPLES)]
    Terms(crate::terms::Terms),
    /// Erase a letter, or all letters of a customer, on request
    #[command(after_help = crate::erase::EXAMPLES)]
    Erase(crate::erase::Args),
    /// Start the daily sweep now: find letters that are overdue or were never opened
    #[command(after_help = crate::sweep::EXAMPLES)]
    Sweep(crate::sweep::Args),
    /// Keep attackers out: rules, bans, and why a client was refused
    #[command(subcommand, after_help = crate::guard::EXAMPLES)]
    Guard(Box<crate::guard::Guard>),
    /// Look whether a deployment is as it should be, and say what to do where it is not
    #[command(after_help = crate::doctor::EXAMPLES)]
    Doctor(crate::doctor::Args),
    /// Print the completion script of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Where the keyring is. The keys themselves are never taken as arguments.
#[derive(Args)]
pub(crate) struct KeysFile {
    /// The keyring file; without it the keyring is read from the variable WAXSEAL_KEYS
    #[arg(long, value_name = "FILE", env = "WAXSEAL_KEYS_FILE", hide_env_values = true)]
    pub(crate) keys: Option<PathBuf>,
}

/// Where the edge is.
#[derive(Args)]
pub(crate) struct Edge {
    /// The edge's address, such as https://letters.example
    #[arg(long, value_name = "URL", env = "WAXSEAL_URL", hide_env_values = true)]
    pub(crate) url: Option<Origin>,
    /// How many times a failed request is retried
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=20))]
    pub(crate) retries: u32,
}

#[derive(Subcommand)]
pub(crate) enum Keys {
    /// Make a keyring with one new key in a new file (mode 0600)
    #[command(after_help = examples::KEYS_NEW)]
    New {
        #[command(flatten)]
        file: KeysFile,
        /// The id of the key, which tokens and sealed letters name
        #[arg(long, value_name = "0..255", default_value_t = 1)]
        id: u8,
    },
    /// Add a new active key; links of the old one are valid until --old-until
    #[command(after_help = examples::KEYS_ROTATE)]
    Rotate {
        #[command(flatten)]
        file: KeysFile,
        /// When links made with the old key stop opening letters; until then an expired link gets a page that says so.
        /// A date lasts until it is over everywhere (UTC-12). `now` if the site secret leaked
        #[arg(long, value_name = "WHEN", default_value = "400d", value_parser = when::parse_or_now)]
        old_until: When,
        /// When the old key's API key stops being accepted; `now` if it leaked. Links are not affected
        #[arg(long, value_name = "WHEN", default_value = "24h", value_parser = when::parse_or_now)]
        old_api_until: When,
    },
    /// Issue, list and revoke API keys that may do less than the keyring's
    #[command(subcommand, after_help = crate::api_keys::EXAMPLES)]
    Api(crate::api_keys::ApiKeys),
    /// Revoke the API keys of all keys but the active one; links are not affected
    #[command(after_help = examples::KEYS_REVOKE_API)]
    RevokeApi {
        #[command(flatten)]
        file: KeysFile,
    },
    /// List the keys: ids, states and end dates, no secrets
    #[command(after_help = examples::KEYS_SHOW)]
    Show {
        #[command(flatten)]
        file: KeysFile,
        #[command(flatten)]
        form: ShowForm,
        /// Write to a new file that only its owner can read (mode 0600), and print no secret
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Overwrite an existing file
        #[arg(long, requires = "output")]
        force: bool,
    },
}

/// What `keys show` prints. Everything but the default holds secrets.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct ShowForm {
    /// Print the whole keyring with its secrets, as in its file
    #[arg(long)]
    pub(crate) secrets: bool,
    /// Print the bearer key of the API
    #[arg(long)]
    pub(crate) api_key: bool,
    /// Print the keyring in one line, as `wrangler secret put WAXSEAL_KEYS` reads it
    #[arg(long)]
    pub(crate) env: bool,
    /// Print the line WAXSEAL_KEYS='...' for wrangler's .dev.vars
    #[arg(long)]
    pub(crate) dev_vars: bool,
}

/// Reads a language of the pages, and lists them all in the help.
pub(crate) fn language() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(Lang::ALL.map(Lang::tag)).try_map(|tag| tag.parse::<Lang>())
}

/// When a link ends.
#[derive(Args)]
pub(crate) struct Expires {
    /// When the link ends: a duration (30d, 12h), a time, or a date, which lasts to its end in the site's time zone
    #[arg(long, value_name = "WHEN", default_value = "30d", value_parser = when::parse)]
    pub(crate) expires: When,
    /// The site's time zone, in which a date in --expires ends; by default the edge is asked
    #[arg(long, value_name = "ZONE", env = "WAXSEAL_TIME_ZONE", hide_env_values = true)]
    pub(crate) time_zone: Option<Zone>,
}

#[derive(Args)]
pub(crate) struct Seal {
    /// The report, or - for standard input
    #[arg(value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    pub(crate) file: Option<PathBuf>,
    /// What the envelope says the letter is about; the only thing shown before consent beside your name
    #[arg(long, value_name = "TEXT", required_unless_present = "from")]
    pub(crate) subject: Option<String>,
    /// Your reference for the customer
    #[arg(long, value_name = "REF")]
    pub(crate) customer: Option<String>,
    /// Your reference for the letter
    #[arg(long, value_name = "REF")]
    pub(crate) letter: Option<String>,
    #[command(flatten)]
    pub(crate) expires: Expires,
    /// The language of the letter's pages, until the reader chooses another
    #[arg(long, value_name = "LANG", value_parser = language())]
    pub(crate) lang: Option<Lang>,
    /// Encrypt end to end: the key is in the link alone, and the edge cannot read the letter
    #[arg(long)]
    pub(crate) end_to_end: bool,
    /// The file name the reader sees
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The media type; by default from the name's extension, else from the report's first bytes
    #[arg(long, value_name = "TYPE")]
    pub(crate) media_type: Option<String>,
    /// SHA-256 of the terms that the envelope must show
    #[arg(long, value_name = "HEX")]
    pub(crate) terms: Option<Sha256Sum>,
    /// How many days the letter is kept after it expires
    #[arg(long, value_name = "DAYS", default_value = "366d", value_parser = when::parse_days)]
    pub(crate) retention: u16,
    /// The letter's UUID; by default a new one (version 7)
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<LetterId>,
    /// Print the link as a QR code too
    #[arg(long)]
    pub(crate) qr: bool,
    #[command(flatten)]
    pub(crate) keys: KeysFile,
    #[command(flatten)]
    pub(crate) edge: Edge,
    #[command(flatten)]
    pub(crate) upload: Upload,
    #[command(flatten)]
    pub(crate) message: MessageArgs,
    #[command(flatten)]
    pub(crate) table: Table,
}

/// Many letters at once.
#[derive(Args)]
pub(crate) struct Table {
    /// Seal a letter for each line of this CSV file, or of standard input (-), and answer each with a line of JSON.
    /// The first line names the columns: file, subject, customer, reference, language, expires, name, media_type,
    /// terms, retention, to. What a line leaves empty the options say
    #[arg(long, value_name = "CSV", conflicts_with_all = ["customer", "letter", "id", "name", "qr", "to"])]
    pub(crate) from: Option<PathBuf>,
    /// For --from: write the lines of JSON to this file, each letter's once, however often the command is run
    #[arg(long, short, value_name = "FILE", requires = "from", conflicts_with = "file")]
    pub(crate) output: Option<PathBuf>,
    /// For --from: the file that remembers which letters were begun, by default CSV.waxseal-journal. With the same one
    /// the command goes on where it ended; with a new one all letters are new
    #[arg(long, value_name = "FILE", requires = "from", conflicts_with = "file")]
    pub(crate) journal: Option<PathBuf>,
}

/// Where the sealed letter goes.
#[derive(Args)]
pub(crate) struct Upload {
    /// Where to upload to: `edge` (through the API) or s3://BUCKET (directly)
    #[arg(
        long,
        value_name = "WHERE",
        env = "WAXSEAL_UPLOAD",
        default_value = "edge",
        hide_env_values = true
    )]
    pub(crate) upload: String,
    /// The S3 endpoint, such as https://ACCOUNT.r2.cloudflarestorage.com
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_S3", hide_env_values = true)]
    pub(crate) s3_endpoint: Option<String>,
    /// The S3 region; `auto` for R2
    #[arg(long, value_name = "NAME", env = "AWS_REGION", default_value = "auto", hide_env_values = true)]
    pub(crate) s3_region: String,
}

#[derive(Args)]
pub(crate) struct Mint {
    /// The letter's UUID
    #[arg(value_name = "LETTER")]
    pub(crate) letter: LetterId,
    #[command(flatten)]
    pub(crate) expires: Expires,
    /// Print the whole link with this address in front; without it the token alone
    #[arg(long, value_name = "URL", env = "WAXSEAL_URL", hide_env_values = true)]
    pub(crate) url: Option<Origin>,
    /// Print it as a QR code too
    #[arg(long)]
    pub(crate) qr: bool,
    /// For --message: what the letter is about, as it was sealed
    #[arg(long, value_name = "TEXT", requires = "message")]
    pub(crate) subject: Option<String>,
    /// For --message: the letter's language
    #[arg(long, value_name = "LANG", requires = "message", value_parser = language())]
    pub(crate) lang: Option<Lang>,
    #[command(flatten)]
    pub(crate) keys: KeysFile,
    #[command(flatten)]
    pub(crate) message: MessageArgs,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// The token or the whole link, or - to read it from standard input
    #[arg(value_name = "TOKEN|LINK")]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) keys: KeysFile,
}

#[derive(Args)]
pub(crate) struct Open {
    /// The whole link, or - to read it from standard input
    #[arg(value_name = "LINK")]
    pub(crate) link: String,
    /// The file to write, or - for standard output after verification; by default the letter's own name here
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Agree to the terms without being asked
    #[arg(long)]
    pub(crate) consent: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) edge: Edge,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} has no example", command.get_name());
            let wide = help.lines().find(|line| line.chars().count() > 100);
            assert_eq!(wide, None, "wrapped in the middle");
            command.get_subcommands().filter(|c| c.get_name() != "help").for_each(check);
        }
        check(&Cli::command());
    }
}
