//! Several calls at once, and never more than the platform runs at once.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// The platform keeps six calls of one request open at once; further ones wait anyway.
const AT_ONCE: usize = 6;

/// Does everything, some of it at once, and answers in the order of `works`.
pub(super) async fn all<F: Future>(works: Vec<F>) -> Vec<F::Output> {
    let mut waiting = works.into_iter().enumerate();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut done: Vec<(usize, F::Output)> = Vec::new();
    poll_fn(|context| {
        loop {
            let free = AT_ONCE.saturating_sub(running.len());
            running.extend(waiting.by_ref().take(free).map(|(place, work)| (place, Box::pin(work))));
            let before = done.len();
            running.retain_mut(|(place, work)| match work.as_mut().poll(context) {
                Poll::Ready(output) => {
                    done.push((*place, output));
                    false
                }
                Poll::Pending => true,
            });
            if running.is_empty() && waiting.len() == 0 {
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
