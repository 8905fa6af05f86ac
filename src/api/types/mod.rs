//! What travels: requests and responses.

mod create;
mod explain;
mod guard;
mod letters;
mod site;
mod webhooks;

pub use create::*;
pub use explain::*;
pub use guard::*;
pub use letters::*;
pub use site::*;
pub use webhooks::*;
