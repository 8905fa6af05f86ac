//! Webhooks: signatures, addresses, waits, order.

mod events;
mod queue;
mod retry;
mod sign;
mod target;
