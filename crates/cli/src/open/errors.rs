//! Why a letter could not be read.

use std::io;
use std::path::PathBuf;

use waxseal::seal;
use waxseal::token::Damage;

use crate::error::{Coded, FAILED, USAGE};
use crate::origin::Origin;

/// Each says what the reader can do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Mail or a phone broke the link beyond repair.
    #[error(
        "the link is damaged ({0}): copy it again, whole, from the message, or ask the sender to send it again"
    )]
    Damaged(Damage),
    /// No answer.
    #[error("{origin} could not be reached: {reason}. Check the network and run the same command again")]
    Unreachable {
        /// The edge.
        origin: Origin,
        /// The last try's reason.
        reason: String,
    },
    /// The silent answer.
    #[error(
        "{0} answers as if there were no such letter: either the link is not genuine, or this address is blocked for \
         today. Check the link with the sender"
    )]
    Silent(Origin),
    /// The edge asks to wait.
    #[error("{origin} cannot answer now (status {status}): try again in a few minutes")]
    Unavailable {
        /// The edge.
        origin: Origin,
        /// HTTP status.
        status: u16,
    },
    /// An answer that is not the contract's.
    #[error("{origin} answered in a way this version does not understand ({reason}): is it a Waxseal edge?")]
    Unexpected {
        /// The edge.
        origin: Origin,
        /// What was odd.
        reason: String,
    },
    /// Expired, cancelled, refused, withdrawn, missing, damaged or erased.
    #[error("{words} {ask}")]
    Closed {
        /// The reason as a code.
        reason: &'static str,
        /// The reason in words.
        words: &'static str,
        /// Whom to ask.
        ask: String,
    },
    /// Nobody is there to agree.
    #[error(
        "the letter opens only after consent, and nobody can be asked here: read the terms, then add --consent"
    )]
    ConsentNeeded,
    /// The reader said no.
    #[error(
        "not read: you did not agree to the terms. The sender's record says that the envelope was opened, not that you \
         refused, and the link still works"
    )]
    NotAgreed,
    /// The edge did not take the consent.
    #[error("the consent was not recorded: {0}. The letter stays closed; run the command again")]
    ConsentRefused(String),
    /// End to end, and no key in the link.
    #[error(
        "this letter is end to end, and the link has no key: use the whole original link, with the # and the 26 \
         characters after it. Some mail programs cut it off; the sender has it"
    )]
    KeyMissing,
    /// End to end, and what follows the # is no key.
    #[error(
        "this letter is end to end, and what follows the # in the link is not a key of 26 characters: copy the whole \
         original link again"
    )]
    KeyMalformed,
    /// End to end, and the first record does not open.
    #[error(
        "the key in the link does not open this letter: it belongs to another letter or was altered. Copy the whole original link again"
    )]
    KeyWrong,
    /// The file is there.
    #[error("{} exists already: choose another name with -o, or add --force to overwrite it", .0.display())]
    Exists(PathBuf),
    /// The name of our part file is taken by something that is not ours.
    #[error(
        "{} is in the way and could not be removed; it may belong to somebody else. Choose another folder or name \
         with -o", .0.display()
    )]
    InTheWay(PathBuf),
    /// A file of ours could not be written.
    #[error("{} could not be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The connection broke and did not come back.
    #[error(
        "the download broke off at {have} of {total} bytes: {reason}. What came is kept: run the same command again \
         and it goes on from there"
    )]
    BrokeOff {
        /// Bytes on disk.
        have: u64,
        /// Bytes in all.
        total: u64,
        /// The last try's reason.
        reason: String,
    },
    /// More bytes than announced, or other bytes than the part's.
    #[error("the letter changed while it was downloaded: run the same command again")]
    Changed,
    /// The body does not decrypt.
    #[error("the letter is damaged: {0}. Nothing was written; tell the sender")]
    Body(seal::OpenError),
    /// The plaintext is not what the manifest promises.
    #[error("the letter is damaged: {0}. Nothing was written; tell the sender")]
    Mismatch(seal::PlaintextError),
    /// Standard output is gone.
    #[error("the letter could not be written to standard output: {0}")]
    Stdout(io::Error),
}

impl Coded for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Damaged(_) => "link_damaged",
            Self::Unreachable { .. } => "edge_unreachable",
            Self::Silent(_) => "letter_unknown",
            Self::Unavailable { .. } => "edge_unavailable",
            Self::Unexpected { .. } => "edge_unexpected",
            Self::Closed { reason, .. } => reason,
            Self::ConsentNeeded => "consent_needed",
            Self::NotAgreed => "consent_not_given",
            Self::ConsentRefused(_) => "consent_not_recorded",
            Self::KeyMissing => "key_missing",
            Self::KeyMalformed => "key_malformed",
            Self::KeyWrong => "key_wrong",
            Self::Exists(_) => "file_exists",
            Self::InTheWay(_) | Self::Write { .. } => "file_not_written",
            Self::BrokeOff { .. } => "download_broke_off",
            Self::Changed => "letter_changed",
            Self::Body(_) => "letter_damaged",
            Self::Mismatch(_) => "letter_mismatch",
            Self::Stdout(_) => "output_failed",
        }
    }

    fn exit(&self) -> u8 {
        match self {
            Self::ConsentNeeded | Self::Exists(_) => USAGE,
            _ => FAILED,
        }
    }
}
