//! What travels: requests and responses.

mod explain;
mod guard;
mod letters;
mod site;

pub use explain::*;
pub use guard::*;
pub use letters::*;
pub use site::*;
