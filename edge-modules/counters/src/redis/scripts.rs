//! The scripts that run inside Redis: each operation that reads before it writes is one of them, one round trip and atomic.

use std::sync::LazyLock;

use redis::Cmd;

/// A script and its digest.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    digest: LazyLock<String>,
}

macro_rules! script {
    ($(#[doc = $doc:literal] $name:ident = $file:literal;)*) => {
        $(#[doc = $doc]
        pub(super) static $name: Script = Script {
            text: include_str!($file),
            digest: LazyLock::new(|| redis::Script::new(include_str!($file)).get_hash().to_owned()),
        };)*
    };
}

script! {
    /// Draws from every quota or from none.
    TAKE = "take.lua";
    /// Gives units back.
    REFUND = "refund.lua";
    /// Charges what a node admitted by itself.
    SETTLE = "settle.lua";
    /// Takes or renews a place.
    LEASE = "lease.lua";
    /// Gives a place back.
    RELEASE = "release.lua";
    /// Writes a value when the present one is as expected.
    PUT_IF = "put_if.lua";
}

impl Script {
    /// The call by digest, which is what nearly every call is.
    pub(super) fn by_digest(&self, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
        call("EVALSHA", self.digest.as_bytes(), keys, arguments)
    }

    /// The call with the whole text, which the server then keeps.
    pub(super) fn by_text(&self, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
        call("EVAL", self.text.as_bytes(), keys, arguments)
    }
}

fn call(name: &str, script: &[u8], keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}
