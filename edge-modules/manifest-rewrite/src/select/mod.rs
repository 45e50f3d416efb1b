//! Which streams a viewer gets: the language of rules ([`expression`]), the rules ([`rule`]), a viewer's own filters ([`filter`]),
//! and what taking a stream out means for the rest ([`selection`]).

pub mod expression;
pub mod filter;
pub mod rule;
pub mod scopes;
pub mod selection;
