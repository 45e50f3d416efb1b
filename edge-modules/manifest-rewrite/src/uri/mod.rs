//! What a URI becomes: the token that it carries, the host that it names, and the stage that writes it wherever one stands.

pub mod carrier;
pub mod define_stage;
pub mod hosts;
pub mod policy;
pub mod reference;
mod rewrite;
pub mod stage;
pub mod token;
