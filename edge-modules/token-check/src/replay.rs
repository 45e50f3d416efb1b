//! Tokens that may be used once, counted in the shared state.

use sha2::Digest;
use weir_module::Host;

use crate::grant::{Grant, Replay};
use crate::reason::{Reason, Refused};

/// Counts a token that may be used once. Without shared state nobody can tell, so it is refused.
pub(crate) fn once(
    grant: &Grant,
    text: &str,
    path: &str,
    now: i64,
    host: &mut dyn Host,
) -> Result<(), Refused> {
    if grant.replay == Replay::Permitted {
        return Ok(());
    }
    let id = grant.token_id.as_deref().unwrap_or(text);
    let issuer = grant.issuer.as_deref().unwrap_or_default();
    let counted = match grant.replay {
        Replay::OncePerPath => [issuer, "\0", id, "\0", path].concat(),
        Replay::Permitted | Replay::Once => [issuer, "\0", id].concat(),
    };
    let digest = sha2::Sha256::digest(counted);
    let key = [b"token-check:once:".as_slice(), &digest].concat();
    let left = grant
        .expires
        .map_or(86_400, |expires| expires.saturating_sub(now))
        .clamp(1, 31_536_000);
    match host
        .counters()
        .increment(&key, 1, left.unsigned_abs().saturating_mul(1_000_000_000))
    {
        Ok(1) => Ok(()),
        Ok(_) => Err(Reason::TokenReplayed.into()),
        Err(_) => Err(Reason::StateUnavailable.into()),
    }
}
