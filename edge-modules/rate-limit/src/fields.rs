//! The `RateLimit-Policy` and `RateLimit` response fields (draft-ietf-httpapi-ratelimit-headers-11 sections 3 and 4), as structured
//! fields (RFC 9651): lists of strings with parameters.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::config::Unit;
use crate::decimal;
use crate::quota::{Drawn, Quota};

/// A quota policy item: `"free";q=100;w=60`. A burst that differs from the quota stands in `weir-burst`, a parameter of our own that
/// clients take for a comment.
pub(crate) fn policy_item(quota: &Quota) -> String {
    let mut item = format!("\"{}\";q={}", quota.name, quota.amount);
    if quota.unit == Unit::ContentBytes {
        item.push_str(";qu=\"content-bytes\"");
    }
    // Writing to a string does not fail.
    let _ = write!(item, ";w={}", quota.window.secs_up());
    if quota.burst_amount != quota.amount {
        let _ = write!(item, ";weir-burst={}", quota.burst_amount);
    }
    item
}

/// Appends a quota's policy item.
pub(crate) fn push_policy(list: &mut Vec<u8>, quota: &Quota, partition: Option<&[u8]>) {
    separate(list);
    list.extend_from_slice(quota.policy_item.as_bytes());
    push_partition(list, partition);
}

/// Appends one service limit item: `"free";r=50;t=30`.
pub(crate) fn push_limit(
    list: &mut Vec<u8>,
    quota: &Quota,
    drawn: Drawn,
    partition: Option<&[u8]>,
) {
    separate(list);
    list.extend_from_slice(quota.limit_lead.as_bytes());
    decimal::push(list, drawn.remaining);
    list.extend_from_slice(b";t=");
    decimal::push(list, drawn.effective_window_secs);
    push_partition(list, partition);
}

/// The partition key shows that two quotas are one or two, and nothing else: 64 bits of a digest of the store's key.
fn push_partition(list: &mut Vec<u8>, partition: Option<&[u8]>) {
    if let Some(key) = partition {
        let digest = STANDARD.encode(&Sha256::digest(key)[..8]);
        list.extend_from_slice(format!(";pk=:{digest}:").as_bytes());
    }
}

fn separate(list: &mut Vec<u8>) {
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn items_are_written_as_in_the_draft() {
        let config = Config::parse(
            "[[policies]]\nname = 'volume'\nkey = 'everyone'\nrate = '65535/10s'\nunit = 'content-bytes'\n\
             [[policies]]\nname = 'spiky'\nkey = 'everyone'\nrate = '10/500ms'\nburst = 40",
        )
        .unwrap();
        let quotas = Quota::all(&config);
        let mut policies = Vec::new();
        for quota in &quotas {
            push_policy(&mut policies, quota, None);
        }
        assert_eq!(
            String::from_utf8(policies).unwrap(),
            "\"api\";q=10000;w=60, \"free\";q=100;w=60, \"premium\";q=1000;w=60, \
             \"volume\";q=65535;qu=\"content-bytes\";w=10, \"spiky\";q=10;w=1;weir-burst=40"
        );
        let mut limits = Vec::new();
        let drawn = Drawn {
            allowed: true,
            remaining: 50,
            effective_window_secs: 30,
            retry_after_ns: 0,
        };
        push_limit(&mut limits, &quotas[0], drawn, None);
        push_limit(
            &mut limits,
            &quotas[1],
            drawn,
            Some(b"rate-limit|peruser|sub=ada"),
        );
        let limits = String::from_utf8(limits).unwrap();
        assert!(
            limits.starts_with("\"api\";r=50;t=30, \"free\";r=50;t=30;pk=:"),
            "{limits}"
        );
        assert_eq!(
            limits.len(),
            "\"api\";r=50;t=30, \"free\";r=50;t=30;pk=:AAAAAAAAAAA=:".len()
        );
    }
}
