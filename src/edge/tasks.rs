//! Several things that wait: one after another, or all at once. Within one Durable Object, whose requests may wait for each
//! other; a worker's may not.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Poll, Waker};

/// Work that is done by one at a time. A Durable Object begins a request while another one waits for I/O.
#[derive(Default)]
pub(super) struct Turns {
    taken: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

/// The right to work; dropping it gives it to the next.
pub(super) struct Turn<'t>(&'t Turns);

impl Turns {
    /// Waits until nobody else works.
    pub(super) async fn take(&self) -> Turn<'_> {
        poll_fn(|context| match self.take_now() {
            Some(turn) => Poll::Ready(turn),
            None => {
                self.waiting.borrow_mut().push(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// The turn, unless somebody has it.
    pub(super) fn take_now(&self) -> Option<Turn<'_>> {
        (!self.taken.replace(true)).then_some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.taken.set(false);
        // Whoever is first takes it; the others wait again.
        let waiting = self.0.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// What all of these come to, in their order. They run side by side.
pub(super) async fn all<T>(work: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut work: Vec<_> = work.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, done) in work.iter_mut().filter(|(_, done)| done.is_none()) {
            match Pin::new(future).poll(context) {
                Poll::Ready(result) => *done = Some(result),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    work.into_iter().filter_map(|(_, done)| done).collect()
}
