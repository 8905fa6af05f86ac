//! Why a letter could not be read.

use std::io;
use std::path::PathBuf;

use waxseal::seal;
use waxseal::token::Damage;

use crate::error::{Coded, FAILED, USAGE};
use crate::origin::Origin;
use crate::secret::FileError;

/// Each says what the reader can do.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum OpenError {
    #[error(
        "the link is damaged ({0}): copy it again, whole, from the message, or ask the sender to send it again"
    )]
    #[strum(to_string = "link_damaged")]
    Damaged(Damage),
    #[error("{origin} could not be reached: {reason}. Check the network and run the same command again")]
    #[strum(to_string = "edge_unreachable")]
    Unreachable { origin: Origin, reason: String },
    /// The silent answer.
    #[error(
        "{0} answers as if there were no such letter: either the link is not genuine, or this address is blocked for \
         today. Check the link with the sender"
    )]
    #[strum(to_string = "letter_unknown")]
    Silent(Origin),
    #[error("{origin} cannot answer now (status {status}): try again in a few minutes")]
    #[strum(to_string = "edge_unavailable")]
    Unavailable { origin: Origin, status: u16 },
    #[error("{origin} answered in a way this version does not understand ({reason}): is it a Waxseal edge?")]
    #[strum(to_string = "edge_unexpected")]
    Unexpected { origin: Origin, reason: String },
    #[error("{words} {ask}")]
    Closed { reason: &'static str, words: &'static str, ask: String },
    #[error(
        "the letter opens only after consent, and nobody can be asked here: read the terms, then add --consent"
    )]
    ConsentNeeded,
    #[error(
        "not read: you did not agree to the terms. The sender's record says that the envelope was opened, not that you \
         refused, and the link still works"
    )]
    #[strum(to_string = "consent_not_given")]
    NotAgreed,
    #[error("the consent was not recorded: {0}. The letter stays closed; run the command again")]
    #[strum(to_string = "consent_not_recorded")]
    ConsentRefused(String),
    #[error(
        "this letter is end to end, and the link has no key: use the whole original link, with the # and the 26 \
         characters after it. Some mail programs cut it off; the sender has it"
    )]
    KeyMissing,
    #[error(
        "this letter is end to end, and what follows the # in the link is not a key of 26 characters: copy the whole \
         original link again"
    )]
    KeyMalformed,
    #[error(
        "the key in the link does not open this letter: it belongs to another letter or was altered. Copy the whole original link again"
    )]
    KeyWrong,
    /// The name of our part file is taken by something that is not ours.
    #[error(
        "{} is in the way and could not be removed; it may belong to somebody else. Choose another folder or name \
         with -o", .0.display()
    )]
    #[strum(to_string = "file_not_written")]
    InTheWay(PathBuf),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "the download broke off at {have} of {total} bytes: {reason}. What came is kept: run the same command again \
         and it goes on from there"
    )]
    #[strum(to_string = "download_broke_off")]
    BrokeOff { have: u64, total: u64, reason: String },
    #[error("the letter changed while it was downloaded: run the same command again")]
    #[strum(to_string = "letter_changed")]
    Changed,
    #[error("the letter is damaged: {0}. Nothing was written; tell the sender")]
    #[strum(to_string = "letter_damaged")]
    Body(seal::OpenError),
    #[error("the letter is damaged: {0}. Nothing was written; tell the sender")]
    #[strum(to_string = "letter_mismatch")]
    Mismatch(seal::PlaintextError),
    #[error("the letter could not be written to standard output: {0}")]
    #[strum(to_string = "output_failed")]
    Stdout(io::Error),
}

impl Coded for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Closed { reason, .. } => reason,
            Self::File(error) => error.code(),
            other => other.into(),
        }
    }

    fn exit(&self) -> u8 {
        match self {
            Self::ConsentNeeded => USAGE,
            Self::File(error) => error.exit(),
            _ => FAILED,
        }
    }
}
