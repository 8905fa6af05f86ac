//! Who did it, as the pages say it. A page never tells its reader that they did what somebody else did.

use crate::lang::Lang;

/// Whose act a page tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The reader's own, on one of our pages.
    Reader,
    /// Their mail program's, by its unsubscribe button.
    MailProgram,
    /// Another program's that holds the link.
    Program,
    /// The sender's, on the reader's word.
    Sender,
    /// Nobody knows whose: from before it was recorded.
    Unknown,
}

impl By {
    /// Everybody.
    pub const ALL: [Self; 5] = [Self::Reader, Self::MailProgram, Self::Program, Self::Sender, Self::Unknown];
}

/// What somebody else, or nobody knows who, did for the reader: a no before any yes, or (`withdrawn`) a yes taken back. `None` for the reader's own.
pub(super) fn by_another(lang: Lang, by: By, withdrawn: bool, sender: &str) -> Option<String> {
    let m = lang.messages();
    match (by, withdrawn) {
        (By::Reader, _) => None,
        (By::MailProgram, false) => Some(m.acts.no_mail_program().into()),
        (By::MailProgram, true) => Some(m.acts.withdrawn_mail_program().into()),
        (By::Program, false) => Some(m.acts.no_program().into()),
        (By::Program, true) => Some(m.acts.withdrawn_program().into()),
        (By::Sender, false) => Some(m.acts.no_sender(sender)),
        (By::Sender, true) => Some(m.acts.withdrawn_sender(sender)),
        (By::Unknown, false) => Some(format!("{}.", m.acts.receipt_no())),
        (By::Unknown, true) => Some(format!("{}.", m.acts.receipt_withdrawn())),
    }
}
