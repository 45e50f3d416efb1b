//! Checks a token with the code that the edge runs, so that the answer here is the edge's answer.

use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use token_check::format::Verifier;
use token_check::format::jwt::{Jwt, JwtRules};
use token_check::grant::Restriction;
use token_check::keys::{KeySet, read_jwks};
use token_check::path::NormalPath;

/// The token's claims, or why it is not valid; `path` asks also whether it opens that path.
pub(super) fn check(
    jwks: &str,
    token: &str,
    path: Option<&str>,
) -> anyhow::Result<Result<Value, String>> {
    let keys = read_jwks(jwks.as_bytes(), false).context("the key set cannot be used")?;
    let keys = KeySet::new(keys.into_iter().map(Arc::new).collect(), false);
    let verifier = Jwt::new(JwtRules {
        audiences: vec!["*".to_owned()],
        ..JwtRules::default()
    });
    let grant = match verifier.verify(token, &keys) {
        Ok(grant) => grant,
        Err(refused) => return Ok(Err(refused.reason.to_string())),
    };
    if let Err(refused) = grant.check_times(jiff::Timestamp::now().as_second(), 0) {
        return Ok(Err(refused.reason.to_string()));
    }
    if let Some(path) = path {
        let normal = NormalPath::new(path)
            .map_err(|_| anyhow::anyhow!("--path {path}: not a path that the edge would take"))?;
        let covered = |restriction: &Restriction| match restriction {
            Restriction::Paths(patterns) => patterns.iter().any(|pattern| pattern.covers(&normal)),
            Restriction::NotPaths(patterns) => {
                !patterns.iter().any(|pattern| pattern.covers(&normal))
            }
            _ => true,
        };
        if !grant.restrictions.iter().all(covered) {
            return Ok(Err("path-not-allowed".to_owned()));
        }
    }
    let inspection =
        token_check::inspect(token).map_err(|_| anyhow::anyhow!("the token cannot be shown"))?;
    Ok(Ok(inspection.content))
}
