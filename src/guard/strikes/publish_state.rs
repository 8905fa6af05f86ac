//! Whether the publisher has to be told.

/// What has changed and what the publisher was told, as running numbers: a change that comes while the publisher is
/// being told is not taken for told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishState {
    /// How many changes there were.
    pub changed: u64,
    /// The last of them that ended a ban before its time; 0: none.
    pub rebase: u64,
    /// How many changes the publisher was told of.
    pub told: u64,
}

/// What to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// All changes up to this one.
    pub upto: u64,
    /// A ban ended before its time, which a delta cannot say.
    pub rebase: bool,
}

impl PublishState {
    /// Something changed.
    pub fn note(&mut self, rebase: bool) {
        self.changed = self.changed.saturating_add(1);
        if rebase {
            self.rebase = self.changed;
        }
    }

    /// What to tell, if anything.
    pub fn notice(&self) -> Option<Notice> {
        (self.told < self.changed).then_some(Notice { upto: self.changed, rebase: self.told < self.rebase })
    }

    /// The publisher has taken it.
    pub fn tell(&mut self, notice: Notice) {
        self.told = self.told.max(notice.upto);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_while_telling_is_told_next() {
        let mut news = PublishState::default();
        assert_eq!(news.notice(), None);
        news.note(true);
        news.note(false);
        let first = news.notice().unwrap();
        assert_eq!(first, Notice { upto: 2, rebase: true });
        news.note(false);
        news.tell(first);
        let second = news.notice().unwrap();
        assert_eq!(second, Notice { upto: 3, rebase: false }, "the base was made");
        news.note(true);
        news.tell(second);
        assert_eq!(news.notice(), Some(Notice { upto: 4, rebase: true }));
        news.tell(Notice { upto: 4, rebase: true });
        news.tell(second);
        assert_eq!(news.notice(), None);
    }
}
