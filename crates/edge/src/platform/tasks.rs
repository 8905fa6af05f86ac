//! Several things that wait: one after another, or all at once. Within one Durable Object, whose requests may wait for each
//! other; a worker's may not.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Poll, Waker};

/// The platform keeps six calls of one request open at once; further ones wait anyway.
const AT_ONCE: usize = 6;

/// Work that is done by one at a time. A Durable Object begins a request while another one waits for I/O.
#[derive(Default)]
pub(crate) struct Turns {
    taken: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

/// The right to work; dropping it gives it to the next.
pub(crate) struct Turn<'t>(&'t Turns);

impl Turns {
    /// Waits until nobody else works.
    pub(crate) async fn take(&self) -> Turn<'_> {
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
    pub(crate) fn take_now(&self) -> Option<Turn<'_>> {
        // Lazily: a turn that is made and thrown away would end the one of somebody else.
        (!self.taken.replace(true)).then(|| Turn(self))
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

/// What all of these come to, in their order. Some of them run side by side.
pub(crate) async fn all<F: Future>(works: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting = works.into_iter().enumerate().fuse();
    let mut nothing_waits = false;
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut done: Vec<(usize, F::Output)> = Vec::new();
    poll_fn(|context| {
        loop {
            let free = AT_ONCE.saturating_sub(running.len());
            for _ in 0..free {
                match waiting.next() {
                    Some((place, work)) => running.push((place, Box::pin(work))),
                    None => nothing_waits = true,
                }
            }
            let before = done.len();
            running.retain_mut(|(place, work)| match work.as_mut().poll(context) {
                Poll::Ready(output) => {
                    done.push((*place, output));
                    false
                }
                Poll::Pending => true,
            });
            if running.is_empty() && nothing_waits {
                return Poll::Ready(());
            }
            if done.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, output)| output).collect()
}
